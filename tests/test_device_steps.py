"""Training on the backend cupy: nothing waits for the device, and what went wrong there is heard of later."""

import numpy as np
import pytest

from fasts2s import evaluation, models
from fasts2s.backend import to_cpu
from fasts2s.optimizers import SGD, AdaGrad, Adam, Momentum, Nesterov, RMSprop
from fasts2s.trainer import RnnlmTrainer, Trainer
from tests.device_cases import LANGUAGE, MODELS, D, H, V, device, model_and_batch
from tests.sides import fetch

pytestmark = pytest.mark.usefixtures("shim")


@pytest.fixture
def counts(shim):
    """What the stand-in counts; there is none on a real GPU."""
    stand_in = pytest.importorskip("cupy.stand_in")
    stand_in.counts.reset()
    return stand_in.counts


def waits(counts):
    return counts.fetches + counts.synchronizations


@pytest.mark.parametrize("max_grad", [None, 0.25])
@pytest.mark.parametrize("optimizer", [SGD, Adam])
@pytest.mark.parametrize("kind", MODELS)
def test_a_training_step_fetches_nothing(kind, optimizer, max_grad, counts):
    model, xs, ts = model_and_batch(kind, "cupy")
    trainer = (RnnlmTrainer if kind in LANGUAGE else Trainer)(model, optimizer(backend="cupy"))
    trainer.train_step(xs, ts, max_grad)
    for ids, labels in ((xs, ts), (device(xs), device(ts))):
        counts.reset()
        loss = trainer.train_step(ids, labels, max_grad)
        assert waits(counts) == 0
        assert counts.uploads <= (2 + 3) * (ids is xs) + 3 * (
            kind == "BetterRnnlm"
        )  # masks of dropout are drawn on the host
    assert loss.shape == ()
    assert np.isfinite(float(loss))


@pytest.mark.parametrize(("interval", "on_step", "fetches"), [(None, False, 1), (4, False, 4), (None, True, 20)])
def test_losses_are_fetched_when_somebody_wants_them(interval, on_step, fetches, counts, capsys):
    ids, seen = np.arange(8 * 20 + 1) % V, []
    model = models.Rnnlm(V, D, H, backend="cupy")
    options = {"on_step": seen.append} if on_step else {}
    trainer = RnnlmTrainer(model, SGD(backend="cupy"), **options)
    steps = 10
    counts.reset()
    trainer.fit(ids[:-1], ids[1:], 1, 4, 4, eval_interval=interval)
    assert waits(counts) == (fetches if not on_step else 2 * steps)
    assert len(capsys.readouterr().out.splitlines()) == len(trainer.ppl_list) == (0 if interval is None else 3)
    assert [type(loss) for loss in seen] == [float] * (steps if on_step else 0)


def test_perplexity_fetches_once(counts):
    model = models.Rnnlm(V, D, H, backend="cupy")
    corpus = np.arange(200) % V
    counts.reset()
    evaluation.perplexity(model, corpus, 3, 4)
    assert waits(counts) == 1


def test_answers_are_fetched_once(counts):
    for kind in ("Seq2seq", "PeekySeq2seq", "AttentionSeq2seq pad"):
        model, xs, _ = model_and_batch(kind, "cupy")
        counts.reset()
        model.generate_batch(xs, 1, 8)
        assert waits(counts) == 1


# ---- steps that are not finite -------------------------------------------------------------------------------------


class Scripted:
    """A model on the device that says a given series of losses, and has a given gradient."""

    def __init__(self, losses, grad=0.5):
        self.losses = list(losses)
        self.params, self.grads = [device(np.ones(3, np.float32))], [device(np.full(3, grad, np.float32))]

    def forward(self, xs, ts):
        return device(np.asarray(self.losses.pop(0), np.float64)).reshape(())

    def backward(self):
        pass


BAD = {"NaN loss": (np.nan, 0.5), "infinite loss": (np.inf, 0.5), "NaN gradient": (1.0, np.nan),
       "infinite gradient": (1.0, -np.inf)}  # fmt: skip
ROWS = (np.zeros((2, 3)), np.zeros(2))


@pytest.mark.parametrize("max_grad", [None, 10.0])
@pytest.mark.parametrize("bad", BAD)
def test_skip_leaves_a_step_out_on_the_device(bad, max_grad):
    loss, grad = BAD[bad]
    model = Scripted([loss, 2.0, 4.0], grad)
    trainer = Trainer(model, SGD(0.5, backend="cupy"), nonfinite="skip")
    trainer.train_step(*ROWS, max_grad)
    model.grads[0][...] = 0.5
    trainer.train_step(*ROWS, max_grad)
    trainer.train_step(*ROWS, max_grad)
    assert to_cpu(model.params[0]).tolist() == [0.5] * 3
    assert trainer._report(0, 1, 0.0) == 3.0  # the average of the two that count


@pytest.mark.parametrize("optimizer", [SGD, Momentum, Nesterov, AdaGrad, RMSprop, Adam])
@pytest.mark.parametrize("bad", BAD)
def test_raise_leaves_the_weights_and_says_so_when_the_losses_are_fetched(bad, optimizer):
    loss, grad = BAD[bad]
    model = Scripted([1.0, loss], grad)
    own = optimizer(backend="cupy")
    trainer = Trainer(model, own)
    model.grads[0][...] = 0.5
    trainer.train_step(*ROWS)
    kept = to_cpu(model.params[0]).tobytes()
    model.grads[0][...] = grad
    trainer.train_step(*ROWS)
    with pytest.raises(FloatingPointError, match=r"the loss is .*, the gradient norm .*weights are unchanged"):
        trainer._resolve()
    assert to_cpu(model.params[0]).tobytes() == kept
    trainer._resolve()  # nothing is pending any more
    slots = [a for name in "hmv" for a in getattr(own, name, None) or []]
    assert all(np.isfinite(a).all() for a in fetch(slots))


@pytest.mark.parametrize("where", ["line", "64 steps", "end of fit", "on_step"])
def test_raise_comes_at_the_next_look(where):
    model = Scripted([np.nan] + [1.0] * 99)
    options = {"on_step": lambda loss: None} if where == "on_step" else {}
    trainer = Trainer(model, SGD(backend="cupy"), **options)
    interval = {"line": 4, "end of fit": None, "64 steps": None, "on_step": None}[where]
    rows = {"line": 20, "end of fit": 20, "64 steps": 99, "on_step": 20}[where]
    with pytest.raises(FloatingPointError, match="the loss is nan"):
        trainer.fit(np.zeros((rows, 3)), np.zeros(rows), 1, 1, eval_interval=interval)
    done = 100 - len(model.losses)
    assert done == {"line": 1, "end of fit": 20, "64 steps": 64, "on_step": 1}[where]


def test_book_lets_it_through_on_the_device():
    model = Scripted([np.nan], np.nan)
    loss = Trainer(model, SGD(backend="cupy"), nonfinite="book").train_step(*ROWS, 1.0)
    assert np.isnan(float(loss))
    assert np.isnan(to_cpu(model.params[0])).all()


def test_an_optimizer_of_somebody_else_is_asked_on_the_host():
    class Own(SGD):
        def update(self, params, grads):
            super().update(params, grads)

    model = Scripted([np.nan, 1.0])
    trainer = Trainer(model, Own(0.5, backend="cupy"), nonfinite="skip")
    assert np.isnan(trainer.train_step(*ROWS))
    assert to_cpu(model.params[0]).tolist() == [1.0] * 3
    assert trainer.train_step(*ROWS, 1e9) == 1.0
    assert to_cpu(model.params[0]).tolist() == [0.75] * 3


# ---- ids out of range ----------------------------------------------------------------------------------------------


def test_ids_of_the_host_are_looked_at_before_they_move():
    for kind in MODELS:
        model, xs, ts = model_and_batch(kind, "cupy")
        for wrong in (V, -V - 1):
            bad = xs.copy()
            bad[1, 2] = wrong
            with pytest.raises(IndexError, match=str(wrong)):
                model.forward(bad, ts)
        bad = ts.copy()
        bad[1, 2] = V
        with pytest.raises(IndexError, match=str(V)):
            model.forward(xs, bad)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("argument", ["xs", "ts"])
def test_ids_of_the_device_are_an_error_of_a_later_call(kind, argument):
    model, xs, ts = model_and_batch(kind, "cupy")
    (xs if argument == "xs" else ts)[1, 2] = V
    with pytest.raises(IndexError, match=f"holds {V}"):
        loss = model.forward(device(xs), device(ts))
        to_cpu(loss)
    model, xs, ts = model_and_batch(kind, "cupy")
    assert np.isfinite(to_cpu(model.forward(device(xs), device(ts))))  # said once


def test_a_trainer_hears_of_ids_out_of_range():
    ids = np.arange(101) % V
    ids[77] = V
    trainer = RnnlmTrainer(models.Rnnlm(V, D, H, backend="cupy"), SGD(backend="cupy"))
    with pytest.raises(IndexError, match=f"holds {V}"):
        trainer.fit(device(ids[:-1]), device(ids[1:]), 1, 2, 5)

"""The training loops: printed lines, random numbers drawn, batches read, what non-finite numbers do."""

import re
from itertools import chain
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from fasts2s.backend import to_cpu
from fasts2s.models import Rnnlm
from fasts2s.optimizers import SGD, Adam
from fasts2s.trainer import RnnlmTrainer, Trainer, _loop
from tests.sides import put, skip_on_the_stand_in

TIME_SIZE = {Trainer: {}, RnnlmTrainer: {"time_size": 2}}


class Scripted:
    """A model that says a given series of losses, and keeps what it was given."""

    def __init__(self, losses=(), grad=0.0):
        self.losses, self.batches = list(losses), []
        self.params, self.grads = [np.ones(3, np.float32)], [np.full(3, grad, np.float32)]

    def forward(self, xs, ts):
        self.batches.append((xs.copy(), ts.copy()))
        return np.float32(self.losses[len(self.batches) - 1] if self.losses else 1.0)

    def backward(self):
        pass


@pytest.fixture
def clock(monkeypatch):
    """Time that goes on by 0.75 s whenever the trainer looks."""
    now = [1000.0]

    def time():
        now[0] += 0.75
        return now[0] - 0.75

    monkeypatch.setattr(_loop, "time", SimpleNamespace(time=time))


def rows(n):
    return np.arange(n)[:, None] * 10 + np.arange(3), np.arange(n) * 100


def test_trainer_prints_the_books_lines(capsys, clock):
    losses = np.array([2.5, 1.0, 2.0, 3.0, 0.125, 0.5, 9.0, 4.0, 1.0, 1.5])
    x, t = rows(11)
    fitted = Trainer(Scripted(losses), SGD())
    fitted.fit(x, t, max_epoch=2, batch_size=2, eval_interval=2)
    averages = [losses[0], losses[1:3].mean(), losses[3:5].mean(), losses[5], losses[6:8].mean(), losses[8:].mean()]
    places = [(1, 1), (1, 3), (1, 5), (2, 1), (2, 3), (2, 5)]
    expected = [
        f"| epoch {epoch} |  iter {iters} / 5 | time {int(0.75 * (k + 1))}[s] | loss {average:.2f}"
        for k, ((epoch, iters), average) in enumerate(zip(places, averages, strict=True))
    ]
    assert capsys.readouterr().out.splitlines() == expected
    assert fitted.loss_list == averages
    assert {type(v) for v in fitted.loss_list} == {float}


def test_rnnlm_trainer_prints_the_books_lines(capsys, clock):
    losses = np.log([300.0, 200.0, 100.0, 50.0, 20.0, 10.0])
    ids = np.arange(13)
    fitted = RnnlmTrainer(Scripted(losses), SGD())
    fitted.fit(ids, ids, max_epoch=2, batch_size=2, time_size=2, eval_interval=2)
    means = [losses[0], losses[1:3].mean(), losses[3], losses[4:].mean()]
    places = [(1, 1), (1, 3), (2, 1), (2, 3)]
    expected = [
        f"| epoch {epoch} |  iter {iters} / 3 | time {int(0.75 * (k + 1))}[s] | perplexity {np.exp(mean):.2f}"
        for k, ((epoch, iters), mean) in enumerate(zip(places, means, strict=True))
    ]
    assert capsys.readouterr().out.splitlines() == expected
    assert fitted.ppl_list == pytest.approx(np.exp(means), rel=1e-6)
    assert {type(v) for v in fitted.ppl_list} == {float}


@pytest.mark.parametrize("make", [Trainer, RnnlmTrainer])
def test_eval_interval_none_prints_nothing(make, capsys):
    fitted = make(Scripted(), SGD())
    fitted.fit(np.arange(60), np.arange(60), max_epoch=2, batch_size=3, eval_interval=None, **TIME_SIZE[make])
    assert capsys.readouterr().out == ""
    assert (fitted.loss_list if make is Trainer else fitted.ppl_list) == []
    assert fitted.current_epoch == 2


def test_every_epoch_draws_one_permutation_and_shuffles_on():
    x, t = rows(11)
    model = Scripted()
    np.random.seed(7)
    Trainer(model, SGD()).fit(x, t, max_epoch=3, batch_size=4, eval_interval=None)
    after = np.random.random_sample()
    np.random.seed(7)
    expected, shuffled = [], list(range(11))
    for _ in range(3):
        order = np.random.permutation(np.arange(11))
        shuffled = [shuffled[k] for k in order]
        expected += [shuffled[0:4], shuffled[4:8]]  # the last three rows of an epoch are left out
    assert after == np.random.random_sample()
    assert len(model.batches) == len(expected)
    for (xs, ts), order in zip(model.batches, expected, strict=True):
        assert xs.tolist() == x[order].tolist()
        assert ts.tolist() == t[order].tolist()
    assert x.tolist() == rows(11)[0].tolist()  # the caller's arrays stay in order


def test_rnnlm_trainer_draws_nothing():
    np.random.seed(7)
    RnnlmTrainer(Scripted(), SGD()).fit(np.arange(60), np.arange(60), 2, 3, 5, eval_interval=None)
    assert np.random.random_sample() == np.random.RandomState(7).random_sample()


def test_current_epoch_counts_over_fits_and_lists_as_in_the_book(capsys):
    x, t = rows(6)
    fitted = Trainer(Scripted(), SGD())
    for epochs in (2, 1):
        fitted.fit(x, t, max_epoch=epochs, batch_size=6)
    assert re.findall(r"epoch (\d+)", capsys.readouterr().out) == ["1", "2", "3"]
    assert fitted.current_epoch == 3
    assert fitted.loss_list == [1.0] * 3  # goes on over fits
    language = RnnlmTrainer(Scripted(), SGD())
    for epochs in (2, 1):
        language.fit(np.arange(30), np.arange(30), epochs, 2, 5, eval_interval=3)
        assert len(language.ppl_list) == epochs  # begins anew
    assert re.findall(r"epoch (\d+)", capsys.readouterr().out) == ["1", "2", "3"]
    assert language.current_epoch == 3
    assert language.eval_interval == 3


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint16])
def test_get_batch_reads_parallel_parts_and_wraps_round(dtype, rng):
    L, N, T = 23, 3, 5
    x = rng.integers(0, 100, L).astype(dtype)
    t = rng.integers(0, 100, L).astype(dtype)
    fitted = RnnlmTrainer(Scripted(), SGD())
    fitted.time_idx = 0
    seen = 0
    for _ in range(7):  # 35 steps: past the end of the text
        xs, ts = fitted.get_batch(x, t, N, T)
        expected = np.zeros((2, N, T), dtype=np.int64)
        for step in range(T):
            for row in range(N):
                place = (row * (L // N) + seen + step) % L
                expected[:, row, step] = x[place], t[place]
        assert xs.dtype == ts.dtype == np.int32
        assert xs.tolist() == expected[0].tolist()
        assert ts.tolist() == expected[1].tolist()
        seen += T
        assert fitted.time_idx == seen


def test_time_idx_runs_on_over_epochs_and_restarts_with_fit():
    ids = np.arange(31)
    model = Scripted()
    fitted = RnnlmTrainer(model, SGD())
    for fits in (1, 2):
        fitted.fit(ids, ids, max_epoch=3, batch_size=2, time_size=5, eval_interval=None)
        assert fitted.time_idx == 3 * 3 * 5
        firsts = [int(xs[0, 0]) for xs, _ in model.batches[-9:]]
        assert firsts == [k * 5 % 31 for k in range(9)]
        assert len(model.batches) == 9 * fits


BAD = {
    "NaN loss": (np.nan, 0.0),
    "infinite loss": (np.inf, 0.0),
    "NaN gradient": (1.0, np.nan),
    "infinite gradient": (1.0, -np.inf),
}


@pytest.mark.parametrize("max_grad", [None, 0.25])
@pytest.mark.parametrize("bad", BAD)
def test_nonfinite_raise_leaves_the_weights_as_they_are(bad, max_grad, rng):
    loss, grad = BAD[bad]
    model, seen = Scripted([loss], grad), []
    model.params[0][:] = rng.standard_normal(3)
    before = model.params[0].tobytes()
    optimizer = Adam()
    fitted = Trainer(model, optimizer, on_step=seen.append)
    with pytest.raises(FloatingPointError, match=r"the loss is .*, the gradient norm .*weights are unchanged"):
        fitted.fit(*rows(8), batch_size=2, max_grad=max_grad)
    assert model.params[0].tobytes() == before
    assert (len(model.batches), optimizer.iter, optimizer.m, seen) == (1, 0, None, [])


@pytest.mark.parametrize("bad", BAD)
def test_nonfinite_skip_leaves_the_step_out_and_goes_on(bad):
    loss, grad = BAD[bad]
    model, seen = Scripted([loss, 1.0, 1.0], grad), []
    fitted = Trainer(model, SGD(lr=0.5), nonfinite="skip", on_step=seen.append)
    x, t = rows(2)
    fitted.train_step(x, t)
    assert model.params[0].tolist() == [1.0] * 3
    model.grads[0][:] = 0.5
    fitted.train_step(x, t)
    assert model.params[0].tolist() == [0.75] * 3
    assert len(seen) == 2  # the caller hears of skipped steps too
    assert seen[1] == 1.0


def test_nonfinite_book_lets_it_through():
    model = Scripted([np.nan], np.nan)
    assert np.isnan(Trainer(model, SGD(), nonfinite="book").train_step(*rows(2), max_grad=1.0))
    assert np.isnan(model.params[0]).all()


def test_train_step_merges_shared_weights_then_clips(rng):
    W, grads = rng.standard_normal((3, 5)), [rng.standard_normal((3, 5)), rng.standard_normal((5, 3))]
    model, got = Scripted([2.5]), []
    model.params, model.grads = [W, W.T], grads
    total = grads[0] + grads[1].T
    optimizer = SimpleNamespace(update=lambda params, grads: got.append((params, [g.copy() for g in grads])))
    loss = Trainer(model, optimizer).train_step(*rows(2), max_grad=0.5)
    assert type(loss) is float
    assert loss == 2.5
    ((params, merged),) = got
    assert len(params) == len(merged) == 1
    assert params[0] is W
    np.testing.assert_allclose(merged[0], total * 0.5 / np.linalg.norm(total), rtol=1e-5)


def test_train_step_clips_on_the_way_into_the_weights(backend):
    class Own(SGD):
        def update(self, params, grads):
            super().update(params, grads)

    models = [Scripted([1.0], 2.0) for _ in range(2)]
    for model in models:
        model.params, model.grads = [put(backend, *model.params)], [put(backend, *model.grads)]
    for model, optimizer in zip(models, (SGD(0.5, backend=backend), Own(0.5, backend=backend)), strict=True):
        Trainer(model, optimizer).train_step(*rows(2), max_grad=3.0)
        np.testing.assert_allclose(to_cpu(model.params[0]), 1 - 0.5 * 3.0 / np.sqrt(3), rtol=1e-5)
    assert (models[0].grads[0] == 2).all()
    assert (models[1].grads[0] < 2).all()  # who knows no scale gets clipped gradients


def test_training_lowers_the_loss_of_a_language_model(backend, capsys):
    skip_on_the_stand_in(backend)  # tests/models/test_on_device.py: its lines and weights are those of numpy
    ids = np.tile(np.arange(7), 30)
    np.random.seed(3)
    fitted = RnnlmTrainer(Rnnlm(7, 5, 11, backend=backend), Adam(lr=0.02, backend=backend))
    fitted.fit(ids[:-1], ids[1:], max_epoch=20, batch_size=3, time_size=5, max_grad=0.25, eval_interval=13)
    assert len(fitted.ppl_list) == len(capsys.readouterr().out.splitlines()) == 20
    assert fitted.ppl_list[0] == pytest.approx(7, rel=0.02)
    assert fitted.ppl_list[-1] < 1.2


@pytest.mark.parametrize("make", [Trainer, RnnlmTrainer])
@pytest.mark.parametrize("wrong", [{"max_epoch": 0}, {"max_epoch": True}, {"batch_size": 2.0}, {"batch_size": -3}])
def test_wrong_numbers_are_refused_before_anything_happens(make, wrong):
    refused(make, match=next(iter(wrong)), **{"eval_interval": 1, **wrong})


@pytest.mark.parametrize("make", [Trainer, RnnlmTrainer])
def test_an_eval_interval_of_zero_is_refused_before_anything_happens(make):
    refused(make, match="eval_interval", eval_interval=0)


def refused(make, match, **options):
    model = Scripted()
    before = np.random.get_state()[1].copy()
    with pytest.raises(ValueError, match=match):
        make(model, SGD()).fit(np.arange(20), np.arange(20), **{"batch_size": 2, **TIME_SIZE[make], **options})
    assert model.batches == []
    assert np.array_equal(before, np.random.get_state()[1])


def test_wrong_data_is_refused():
    ids = np.arange(20)
    with pytest.raises(ValueError, match="20 and 19 rows"):
        Trainer(Scripted(), SGD()).fit(ids, ids[1:])
    with pytest.raises(ValueError, match="batch_size is 21, expected at most the number of rows, 20"):
        Trainer(Scripted(), SGD()).fit(ids, ids, batch_size=21)
    with pytest.raises(ValueError, match="xs has 20 ids, expected at least batch_size \\* time_size = 700"):
        RnnlmTrainer(Scripted(), SGD()).fit(ids, ids)
    with pytest.raises(ValueError, match="time_size is 0"):
        RnnlmTrainer(Scripted(), SGD()).fit(ids, ids, batch_size=2, time_size=0)
    with pytest.raises(ValueError, match="float64"):
        RnnlmTrainer(Scripted(), SGD()).fit(ids * 1.0, ids, batch_size=2, time_size=2)
    with pytest.raises(ValueError, match="20 and 19 ids"):
        RnnlmTrainer(Scripted(), SGD()).get_batch(ids, ids[1:], 2, 2)
    with pytest.raises(ValueError, match="nonfinite is 'ignore', expected one of raise, skip, book"):
        Trainer(Scripted(), SGD(), nonfinite="ignore")


def test_get_batch_refuses_an_empty_batch():
    with pytest.raises(ValueError, match="batch_size"):
        RnnlmTrainer(Scripted(), SGD()).get_batch(np.arange(20), np.arange(20), 0, 2)


@pytest.mark.parametrize(("make", "label"), [(Trainer, "loss"), (RnnlmTrainer, "perplexity")])
def test_plot_shows_the_curve(make, label, monkeypatch, capsys):
    plt.switch_backend("Agg")
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gca()))
    fitted = make(Scripted(), SGD())
    fitted.fit(np.arange(24), np.arange(24), max_epoch=3, batch_size=2, eval_interval=4, **TIME_SIZE[make])
    values = fitted.loss_list if make is Trainer else fitted.ppl_list
    figure = plt.figure()
    fitted.plot(ylim=(0.5, 30))
    (axes,) = shown
    assert axes.lines[0].get_xdata().tolist() == list(range(len(values)))
    assert axes.lines[0].get_ydata() == pytest.approx(values)
    assert axes.get_ylim() == (0.5, 30)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("iterations (x4)", label)
    plt.close(figure)
    fitted.plot()
    assert len(shown) == 2
    plt.close("all")


class Rows:
    """A model that notes which rows it was trained on."""

    def __init__(self):
        self.params, self.grads, self.seen = [np.zeros(1, "f")], [np.zeros(1, "f")], []

    def forward(self, x, t):
        assert np.array_equal(x, t)
        self.seen.append(x.ravel().tolist())
        return 1.0

    def backward(self):
        self.grads[0][:] = 1


@pytest.mark.parametrize(("rows", "sizes"), [(11, [4, 4, 3]), (12, [4, 4, 4]), (3, [3])])
def test_the_last_rows_of_an_epoch_are_left_out_as_in_the_book_or_trained_on(rows, sizes, capsys):
    x = np.arange(rows)[:, None]
    for partial, expected in ((False, sizes[: rows // 4]), (True, sizes)):
        trainer = Trainer(Rows(), SGD())
        if not expected:
            with pytest.raises(ValueError, match=r"batch_size is 4, expected at most .* 3, or partial_batches=True"):
                trainer.fit(x, x, 2, 4)
            continue
        options = {"partial_batches": True} if partial else {}
        trainer.fit(x, x, max_epoch=2, batch_size=4, eval_interval=1, **options)
        assert [len(batch) for batch in trainer.model.seen] == expected * 2
        lines = capsys.readouterr().out.splitlines()
        assert f"iter {len(expected)} / {len(expected)}" in lines[len(expected) - 1]
        if partial:
            for epoch in range(2):
                batches = trainer.model.seen[len(sizes) * epoch : len(sizes) * (epoch + 1)]
                assert sorted(chain.from_iterable(batches)) == list(range(rows))


def test_partial_batches_draws_what_the_book_draws():
    x, after = np.arange(11)[:, None], []
    for partial in (False, True):
        np.random.seed(3)
        trainer = Trainer(Rows(), SGD())
        trainer.fit(x, x, 2, 4, eval_interval=None, partial_batches=partial)
        after.append((np.random.rand(), trainer.model.seen[:2]))
    assert after[0] == after[1]
    with pytest.raises(ValueError, match="partial_batches is 'yes', expected True or False"):
        trainer.fit(x, x, 1, 4, partial_batches="yes")


def test_what_is_left_of_a_text_begins_the_next_epoch():
    text = np.arange(23)
    trainer = RnnlmTrainer(Rows(), SGD())
    trainer.model.forward = lambda x, t: trainer.model.seen.append(x.ravel().tolist()) or 1.0
    trainer.fit(text, text, max_epoch=3, batch_size=1, time_size=5, eval_interval=None)
    assert list(chain.from_iterable(trainer.model.seen)) == [i % 23 for i in range(60)]

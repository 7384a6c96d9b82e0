"""The memory machine: every gradient, weightings after every stage, and that its stages do what they say."""

import numpy as np
import pytest

from fasts2s import use_backend
from fasts2s.models import NeuralTuringMachine, load_model, save_model
from fasts2s.models.turing._addressing import Asked, address
from fasts2s.testing import assert_close, check_gradients

ROWS, WIDTH = 7, 4


def machine(grown=0.5, **options):
    np.random.seed(3)
    model = NeuralTuringMachine(5, 3, hidden_size=6, rows=ROWS, width=WIDTH, **options)
    for p in model.params:
        p[...] += grown * np.random.randn(*p.shape)
    return model


def batch(N=2, T=6, L=3):
    rng = np.random.default_rng(4)
    return rng.standard_normal((N, T, 5)), rng.integers(0, 2, (N, L, 3)).astype(float)


def asked(key=(1, 0, 0, 0), strength=0.0, gate=1.0, shift=(0, 1, 0), sharpness=1.0, N=1):
    values = (key, [strength], [gate], shift, [sharpness])
    return Asked(*(np.tile(np.array(v, float), (N, 1, 1)) for v in values))


def test_gradients():
    with use_backend("numpy", dtype="float64"):
        model, (xs, ts) = machine(), batch()
        model.forward(xs, ts)
        model.backward()
        grads = [g.copy() for g in model.grads]
        model.backward()
        names = ["Wx", "Wh", "b", "W of the orders", "b of the orders", "W of the output", "b of the output"]
        for name, p, grad, again in zip(names, model.params, grads, model.grads, strict=True):
            assert_close(name, again, grad, 0)
            assert check_gradients(lambda: model.forward(xs, ts), {name: p}, {name: grad}, 1e-5) <= 1e-6
            assert np.abs(grad).max() > 0, name
        W = grads[3]
        columns = np.abs(W).max(axis=0)
        assert (columns > 0).all()  # every order of both heads has one


def test_weightings_are_shares_after_every_stage():
    with use_backend("numpy", dtype="float32"):
        model, (xs, _) = machine(3.0), batch(4, 9)
        steps = model._run(model._inputs(xs)).steps
        for step in steps:
            for weights in step.stages:
                assert weights.min() >= 0
                assert_close("sums", weights.sum(axis=2), np.ones(weights.shape[:2]), 1e-6)


def test_content_finds_the_row_that_is_like_the_key():
    memory = np.random.default_rng(1).standard_normal((1, ROWS, WIDTH))
    before = np.zeros((1, 1, ROWS))
    stages, _ = address(memory, before, asked(key=3 * memory[0, 5], strength=200.0))
    assert stages.sharpened[0, 0].argmax() == 5
    assert stages.sharpened[0, 0, 5] > 0.99


@pytest.mark.parametrize(("shift", "row"), [((1, 0, 0), 5), ((0, 1, 0), 6), ((0, 0, 1), 0)])
def test_a_shift_goes_around(shift, row):
    before = np.zeros((1, 1, ROWS))
    before[0, 0, 6] = 1
    stages, _ = address(np.ones((1, ROWS, WIDTH)), before, asked(gate=0.0, shift=shift))
    assert stages.gated[0, 0].argmax() == 6
    assert_close("sharpened", stages.sharpened[0, 0], np.eye(ROWS)[row], 1e-9)


def test_sharpening_is_a_power():
    before = np.random.default_rng(1).dirichlet(np.ones(ROWS))[None, None]
    stages, _ = address(np.ones((1, ROWS, WIDTH)), before, asked(gate=0.0, sharpness=3.0))
    assert_close("sharpened", stages.sharpened, before**3 / (before**3).sum(), 1e-6)


def test_a_row_does_not_depend_on_its_neighbours():
    model, (xs, _) = machine(), batch(3)
    assert_close("row 1", model.scores(xs)[1:2], model.scores(xs[1:2]), 1e-5)


def test_what_was_watched():
    model, (xs, _) = machine(), batch()
    seen = model.watch(xs[:1])
    assert seen.memory.shape == (6, ROWS, WIDTH)
    assert seen.reads.shape == seen.writes.shape == (6, ROWS)
    assert_close("first memory", seen.memory[0] == seen.memory[1], np.zeros((ROWS, WIDTH)), 0)


def test_files_and_summary(tmp_path, capsys):
    model, (xs, ts) = machine(), batch()
    save_model(tmp_path / "model.npz", model)
    again, _ = load_model(tmp_path / "model.npz")
    assert again.forward(xs, ts) == model.forward(xs, ts)
    model.summary()
    assert f"{sum(p.size for p in model.params):,}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda: NeuralTuringMachine(0, 1), "input_size is 0"),
        (lambda: machine().scores(np.ones((2, 3, 4))), r"xs has shape \(2, 3, 4\), expected \(N, T, D\)"),
        (lambda: machine().scores(np.ones((2, 5))), r"xs has shape \(2, 5\), expected \(N, T, D\)"),
        (lambda: machine().forward(np.ones((2, 3, 5)), np.ones((2, 4, 3))), "ts"),
        (lambda: machine().forward(np.ones((2, 3, 5)), np.ones((2, 2, 2))), "ts has shape"),
        (lambda: machine().backward(), "before"),
    ],
)
def test_what_does_not_fit(run, message):
    with pytest.raises(ValueError, match=message):
        run()

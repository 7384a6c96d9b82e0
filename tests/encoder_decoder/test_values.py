"""What a model computes: step by step, beside other rows, on other backends, and with its options."""

import numpy as np
import pytest

from fasts2s import use_backend
from fasts2s.backend import to_cpu
from fasts2s.testing import TOLERANCES, relative_error
from tests.encoder_decoder import samples

PADDING = TOLERANCES["padding"][0]


def _scores(model, xs, ts):
    """Return the scores of all steps (N, T, V), without dropout."""
    read, _ = model.encoder.forward(xs, model.encoder.checked(xs)[1], model._dropper, False)
    return to_cpu(model.decoder.forward(ts[:, :-1], read, model._dropper, False)[0])


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("name", samples.OPTIONS)
def test_step_by_step_is_the_same(name, backend):
    model, (xs, ts) = samples.model(name, backend), samples.batch()
    taught, state = _scores(model, xs, ts), model.start(xs)
    for t in range(ts.shape[1] - 1):
        scores, state = model.step(ts[:, t], state)
        np.testing.assert_allclose(scores, taught[:, t], rtol=0, atol=1e-5 * np.abs(taught).max())


@pytest.mark.parametrize("name", samples.OPTIONS)
def test_a_row_does_not_depend_on_its_neighbours(name):
    model, (xs, ts) = samples.model(name), samples.batch()
    together = _scores(model, xs, ts)
    for n in range(len(xs)):
        S, T = np.count_nonzero(xs[n]), np.count_nonzero(ts[n])
        alone = _scores(model, xs[n : n + 1, :S], ts[n : n + 1, :T])
        assert relative_error(alone[0], together[n, : T - 1]) <= PADDING


@pytest.mark.parametrize("name", samples.OPTIONS)
def test_loss_and_gradients_are_means_over_the_words_of_all_rows(name):
    if "sampling" in name or samples.OPTIONS[name].get("dropout"):
        pytest.skip("what is drawn depends on the shape of a batch")
    model, (xs, ts) = samples.model(name), samples.batch()
    total, counts = [np.zeros_like(p) for p in model.grads], np.count_nonzero(ts[:, 1:], axis=1)
    losses = []
    for n, count in enumerate(counts):
        S, T = np.count_nonzero(xs[n]), count + 1
        losses.append(float(model.forward(xs[n : n + 1, :S], ts[n : n + 1, :T])))
        model.backward(count / counts.sum())
        for sum_, grad in zip(total, model.grads, strict=True):
            sum_ += grad
    assert float(model.forward(xs, ts)) == pytest.approx(np.average(losses, weights=counts), rel=PADDING)
    model.backward()
    for k, (sum_, grad) in enumerate(zip(total, model.grads, strict=True)):
        assert relative_error(grad, sum_) <= TOLERANCES["gradient float32"][0], k


@pytest.mark.parametrize("name", samples.OPTIONS)
def test_numba_computes_what_numpy_computes(name):
    xs, ts = samples.batch()
    made = {}
    for backend in ("numpy", "numba"):
        model = samples.model(name, backend)
        loss = float(model.forward(xs, ts))
        model.backward()
        made[backend] = (loss, [grad.copy() for grad in model.grads])
    assert made["numba"][0] == pytest.approx(made["numpy"][0], rel=2e-6)
    whole = np.sqrt(sum(np.vdot(grad, grad) for grad in made["numpy"][1]))
    for k, (ours, reference) in enumerate(zip(made["numba"][1], made["numpy"][1], strict=True)):
        # Where terms nearly cancel, what is left has their rounding: a hundredth of the whole gradient is the least.
        size = max(np.linalg.norm(reference), whole / 100)
        assert np.linalg.norm(ours - reference) <= TOLERANCES["gradient float32"][0] * size, k


def test_evaluation_drops_smooths_and_samples_nothing():
    xs, ts = samples.batch()
    model = samples.model("dropout", dropout=0.9, label_smoothing=0.5, scheduled_sampling=0.9)
    plain = samples.model("dropout", dropout=0.0)
    for p, q in zip(model.params, plain.params, strict=True):
        p[...] = q
    losses = {float(model.forward(xs, ts, train_flg=False)) for _ in range(3)}
    assert losses == {float(plain.forward(xs, ts))}
    assert float(model.forward(xs, ts)) not in losses


def test_smoothed_labels():
    with use_backend("numpy", dtype="float64"):
        model, (xs, ts) = samples.model("smoothing"), samples.batch()
        scores = _scores(model, xs, ts)
        log_p = scores - np.log(np.exp(scores).sum(axis=2, keepdims=True))
        labels = ts[:, 1:]
        right = np.take_along_axis(log_p, labels[:, :, None], axis=2)[:, :, 0]
        losses = -0.8 * right - 0.2 * log_p.mean(axis=2)
        assert float(model.forward(xs, ts)) == pytest.approx(losses[labels != 0].mean(), rel=1e-12)


def test_sampled_inputs_are_right_words_or_the_models_own():
    model = samples.model("sampling", scheduled_sampling=0.5)
    xs, ts = (np.repeat(a, 40, axis=0) for a in samples.batch())
    read, _ = model.encoder.forward(xs, model.encoder.checked(xs)[1], model._dropper, False)
    own = _scores(model, xs, ts).argmax(axis=2)
    made = model._inputs(ts, read)
    assert (made[:, 0] == 2).all()  # the start mark
    given = ts[:, 1:-1]
    assert ((made[:, 1:] == given) | (made[:, 1:] == own[:, :-1])).all()
    assert (made[:, 1:][given == 0] == 0).all()
    open_ = (given != 0) & (given != own[:, :-1])
    assert 0.4 < (made[:, 1:] != given)[open_].mean() < 0.6


@pytest.mark.parametrize("variational", [False, True])
def test_dropout_keeps_the_mean_and_its_share(variational):
    model = samples.model("dropout", dropout=0.25, variational=variational)
    factors = model._dropper.draw(model.params[0], (400, 7, 6), True)
    assert factors.shape == (400, 1 if variational else 7, 6)
    assert set(np.unique(factors)) == {np.float32(0), np.float32(1 / 0.75)}
    assert 0.22 < (factors == 0).mean() < 0.28


def test_a_source_of_padding_alone_is_finite():
    model, (xs, ts) = samples.model("additive"), samples.batch()
    xs[0] = 0
    assert np.isfinite(float(model.forward(xs, ts)))
    model.backward()
    assert all(np.isfinite(grad).all() for grad in model.grads)


def test_moved_and_taken_states_go_on_from_the_rows_they_name():
    model, (xs, ts) = samples.model("feeding peeky"), samples.batch()
    _, state = model.step(ts[:, 0], model.start(xs))
    rows = np.array([2, 0, 0])
    expected, _ = model.step(ts[rows, 1], model.step(ts[rows, 0], model.start(xs[rows]))[1])
    np.testing.assert_allclose(model.step(ts[rows, 1], state.taken(rows))[0], expected, atol=1e-5)
    several = np.array([0, 0, 1, 1, 2, 2])  # two rows of every source
    _, wide = model.step(ts[several, 1], state.moved(several))
    expected, _ = model.step(ts[several, 2], model.step(ts[several, 1], state.taken(several))[1])
    np.testing.assert_allclose(model.step(ts[several, 2], wide)[0], expected, atol=1e-5)
    fewer, kept = wide.taken(np.array([2, 0])), np.array([4, 5, 0, 1])
    np.testing.assert_allclose(model.step(ts[several, 2][kept], fewer)[0], expected[kept], atol=1e-5)
    filled = wide.taken(np.arange(3)).refilled(np.array([2, 1]))  # the last source in the place of the first
    rows_of = [4, 5, 2, 3]
    np.testing.assert_allclose(model.step(ts[several, 2][rows_of], filled)[0], expected[rows_of], atol=1e-5)
    same = np.repeat(xs[:1], 3, axis=0)  # the same source in all rows: what moves is enough
    _, state = model.step(ts[:, 1], model.start(same))
    expected, _ = model.step(ts[:, 2], model.step(ts[rows, 1], model.start(same))[1])
    np.testing.assert_allclose(model.step(ts[:, 2], state.moved(rows))[0], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["dot", "peeky", "feeding", "smoothing"])
def test_targets_without_a_word_have_no_loss_and_no_gradient(name):
    model, (xs, ts) = samples.model(name), samples.batch()
    ts[:, 1:] = 0
    assert float(model.forward(xs, ts)) == 0
    model.backward()
    assert not any(grad.any() for grad in model.grads)

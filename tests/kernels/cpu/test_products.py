"""Who makes large products: decided once, kept, said, and right either way."""

import json

import numpy as np
import pytest

from fasts2s_kernels.cpu import jit, products
from fasts2s_kernels.cpu.products import CHOICE, FILE, Choice
from fasts2s_kernels.ops.affine import cpu
from fasts2s_kernels.ops.lstm.cpu import lstm_forward
from tests.fresh_python import run_python

LARGE = (512, 256, 256)  # R, D, M: twice LARGE


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return an empty cache folder."""
    monkeypatch.setattr(jit.cache(), "folder", tmp_path)
    return tmp_path


@pytest.fixture
def timed(monkeypatch):
    """Return a function that sets what a measurement finds; without it a measurement fails."""
    monkeypatch.setattr(products, "_ratio", lambda own: pytest.fail("measured"))
    return lambda ratio: monkeypatch.setattr(products, "_ratio", lambda own: ratio)


def test_a_blas_that_is_clearly_faster_is_used_and_noise_changes_nothing(folder, timed):
    timed(2.3)
    assert Choice().by_blas(*LARGE)
    timed(0.5)
    later = Choice()  # another process
    assert later.by_blas(*LARGE)
    assert later.describe() == "BLAS: beside the kernels the BLAS was 2.30 times as fast"


@pytest.mark.parametrize(
    ("first", "again", "used"),
    [(1.9, 1.9, False), (2.1, 1.6, True), (2.1, 1.4, False), (0.9, 1.9, False), (0.9, 2.1, True)],
)
def test_only_a_clear_difference_changes_what_was_decided(first, again, used, folder, timed):
    timed(first)
    Choice().decide(again=True)
    timed(again)
    Choice().decide(again=True)
    assert Choice().by_blas(*LARGE) == used


def test_what_another_process_found_meanwhile_counts(folder, timed):
    timed(3.0)
    Choice().decide()
    timed(0.5)
    assert Choice().decide().ratio == 3.0


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "3", '{"libraries": 1}', '{"libraries": "", "ratio": "x", "by_blas": 1}']
)
def test_a_damaged_file_is_measured_again(text, folder, timed):
    (folder / FILE).write_text(text)
    timed(3.0)
    assert Choice().by_blas(*LARGE)
    assert json.loads((folder / FILE).read_text())["by_blas"] is True


def test_another_blas_or_number_of_workers_is_measured_again(folder, timed, monkeypatch):
    timed(3.0)
    assert Choice().by_blas(*LARGE)
    monkeypatch.setattr(products, "_libraries", lambda: "another")
    timed(1.8)  # not the bound of what is in use: it is another BLAS
    assert not Choice().by_blas(*LARGE)


def test_without_a_folder_nothing_is_timed(timed, monkeypatch):
    monkeypatch.setattr(jit.cache(), "folder", None)
    assert not Choice().by_blas(*LARGE)


def test_what_cannot_be_kept_is_not_used(folder, timed, monkeypatch):
    (folder / "file").touch()
    monkeypatch.setattr(products, "_path", lambda: folder / "file" / FILE)
    timed(3.0)
    assert not Choice().by_blas(*LARGE)


def test_small_or_thin_products_are_not_for_the_blas(timed):
    chosen = Choice()
    chosen.forced = True
    assert chosen.by_blas(*LARGE)
    assert not any(chosen.by_blas(*sizes) for sizes in [(255, 256, 256), (1, 4096, 8192), (1 << 20, 16, 64)])


def test_a_measurement_is_a_plausible_number(folder):
    assert 0.02 < products._ratio(cpu._forward) < 50


@pytest.mark.parametrize("turned", [False, True])
def test_the_affine_layer_through_the_blas(turned, monkeypatch):
    rng, (R, D, M) = np.random.default_rng(0), LARGE
    x, W, b, dout = (rng.standard_normal(shape, np.float32) for shape in ((R, D), (D, M), (M,), (R, M)))
    W = np.asfortranarray(W) if turned else W
    made = []
    for forced in (False, True):
        monkeypatch.setattr(CHOICE, "forced", forced)
        dW, db = np.empty_like(W), np.empty_like(b)
        made.append((cpu.affine_forward(x, W, b), cpu.affine_backward(dout, x, W, dW=dW, db=db), dW, db))
    for own, blas in zip(*made, strict=True):
        np.testing.assert_allclose(own, blas, rtol=1e-5, atol=1e-3)
    np.testing.assert_array_equal(made[1][0], np.dot(x, W) + b)  # it was the BLAS


def test_inputs_of_an_lstm_through_the_blas(monkeypatch):
    rng, (N, T, D, H) = np.random.default_rng(1), (64, 8, 128, 80)
    xs, Wx, Wh, b = (
        rng.standard_normal(shape, np.float32) / 8 for shape in ((N, T, D), (D, 4 * H), (H, 4 * H), (4 * H,))
    )
    asked = []
    monkeypatch.setattr(CHOICE, "by_blas", lambda R, D, M: asked.append((R, D, M)) or len(asked) > 1)
    own, blas = (lstm_forward(xs, Wx, Wh, b)[:3] for _ in range(2))
    assert asked == [(N * T, D, 4 * H)] * 3  # the layer, the layer, the affine map
    for a, c in zip(own, blas, strict=True):
        np.testing.assert_allclose(a, c, atol=2e-6)


@pytest.mark.parametrize(("value", "said"), [("1", "True"), ("off", "False"), ("auto", "None"), ("", "None")])
def test_the_variable_forces_either_way(value, said):
    code = "import fasts2s; fasts2s.get_backend().kernels(); from fasts2s_kernels.cpu import products"
    assert (
        run_python(
            f"{code}; print(products.CHOICE.forced)", FASTS2S_BLAS=value, FASTS2S_BACKEND="numba"
        ).stdout.strip()
        == said
    )


def test_another_value_is_refused():
    done = run_python("import fasts2s; fasts2s.get_backend().kernels()", FASTS2S_BLAS="maybe")
    assert "ValueError: FASTS2S_BLAS is 'maybe', expected 1" in done.stderr

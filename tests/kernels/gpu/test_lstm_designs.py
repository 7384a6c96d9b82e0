"""The three designs of the LSTM, each on the shapes that it is made for and on those at its edges."""

import numpy as np
import pytest

from fasts2s_kernels import load
from fasts2s_kernels.gpu import dispatch
from tests.kernels.gpu.runs import check

SIZES = {  # (N, T, D, H)
    "rows": [
        (1, 1, 1, 1), (1, 5, 3, 7), (5, 1, 2, 26), (3, 4, 5, 13), (135, 2, 3, 33), (3, 7, 16, 100), (4, 5, 16, 128),
        (2, 3, 5, 144), (3, 29, 2, 4),
    ],
    "slices": [
        (1, 1, 1, 1), (3, 4, 2, 26), (5, 3, 7, 11), (2, 3, 16, 100), (7, 4, 16, 256), (20, 3, 30, 650),
        (140, 2, 3, 160), (33, 9, 2, 37),
    ],
    "steps": [(1, 1, 1, 1), (3, 4, 5, 13), (5, 1, 7, 100), (4, 3, 16, 650)],
}  # fmt: skip
CASES = [(design, sizes) for design, several in SIZES.items() for sizes in several]


@pytest.fixture
def only(monkeypatch):
    """Leaves one design to the dispatch; returns what it was asked for."""
    asked = []

    def choose(design):
        for name in ("rows", "slices"):
            original = getattr(dispatch, name)

            def plan(*args, name=name, original=original):
                found = original(*args) if name == design else None
                asked.append((name, found))
                return found

            monkeypatch.setattr(dispatch, name, plan)
        return asked

    return choose


@pytest.mark.parametrize(("design", "sizes"), CASES, ids=lambda v: v if isinstance(v, str) else "-".join(map(str, v)))
def test_values_and_gradients(only, rng, design, sizes):
    asked = only(design)
    check("lstm_backward", rng, *sizes)
    if design != "steps":
        assert all(found is not None for name, found in asked if name == design), "another design ran"


@pytest.mark.parametrize(("design", "sizes"), [(d, s[3]) for d, s in SIZES.items()], ids=str)
def test_values_and_gradients_on_ids(only, rng, design, sizes):
    only(design)
    check("lstm_ids_backward", rng, *sizes)


@pytest.mark.parametrize("design", SIZES)
def test_nothing_optional(only, rng, design):
    only(design)
    check("lstm_backward", rng, 3, 4, 5, 13, given=["dhs"])


def test_float64_goes_step_by_step(rng):
    check("lstm_backward", rng, 3, 4, 5, 100, dtype=np.float64)


@pytest.mark.parametrize("H", [128, 256, 650])
def test_the_book_is_not_step_by_step(H, rng):
    """An H100 has a design of one launch for every H of the book."""
    device = dispatch.Device(90, 132, 232448)
    for N in (1, 20, 128):
        assert dispatch.rows(N, H, device, "backward") or dispatch.slices(N, H, device)


def test_longer_batches_go_in_parts(only, rng):
    """More rows than all groups of one launch have."""
    only("slices")
    kernels = load("cupy")
    plan = dispatch.slices(300, 400, dispatch.Device(90, 132, 232448))
    assert plan is not None
    assert plan.rows * plan.groups < 300
    check("lstm_backward", rng, plan.rows * plan.groups + 1, 1, 2, 400)
    assert kernels is load("cupy")

"""Running a function of the cupy backend in every order of threads: the results must be the same bits in all."""

import contextlib

import numpy as np

from fasts2s_kernels import load
from fasts2s_kernels.calling import everything, host, reference
from fasts2s_kernels.cases import functions
from tests.conftest import STANDS_IN
from tests.kernels.helpers import CLASSES, assert_results, draw

#: On a real GPU threads run as they like: there the same bits twice.
ORDERS = (("forward", 0), ("reverse", 0), ("random", 1)) if STANDS_IN else (("once", 0), ("again", 0))


@contextlib.contextmanager
def in_order(name, seed):
    """A block whose kernels run in an order of threads, where there is a choice."""
    if not STANDS_IN:
        yield
        return
    from cupy import stand_in  # noqa: PLC0415

    with stand_in.order(name, seed):
        yield


def same_bits(results, expected):
    """Assert that two dicts of arrays hold the same bits."""
    for name, a in expected.items():
        assert np.array_equal(results[name], a, equal_nan=True), f"{name} depends on the order of the threads"


def check(name, rng, *sizes, dtype=np.float32, given=None):
    """Compare all results of a function of the cupy backend with the float64 reference, in every order of threads.

    sizes are those of its letters; given are the optional arguments, all of them if None. Outputs to 2e-6, gradients
    to 1e-5, ids exactly; in float64 to 1e-12.
    """
    kernels, function, found = load("cupy"), functions()[name], {}
    drawn = draw(name, rng, *sizes, given=given, dtype=dtype)
    for order in ORDERS:
        with in_order(*order):
            results = host(kernels, everything(kernels, function, drawn))
        found = found or results
        same_bits(results, found)
    limits = {"out": 1e-12, "grad": 1e-12} if dtype is np.float64 else CLASSES
    assert_results(f"{name} at {sizes}", found, reference(function, drawn), limits)

"""Running an operation of the cupy backend in every order of threads: the results must be the same bits in all."""

import contextlib

import numpy as np

from fasts2s.testing import assert_close
from fasts2s_kernels import load
from fasts2s_kernels.backends import numpy as reference
from tests.conftest import STANDS_IN
from tests.kernels.ops import cast, host, projection

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


def everything(op, kernels, inputs, douts):
    """Outputs and gradients on the host, by name."""
    outputs, cache = op.run(kernels, inputs)
    found = host(kernels, outputs)
    return found, host(kernels, op.back(kernels, inputs, cache, douts))


def check(op, inputs, dtype=np.float32):
    """Compare outputs and gradients of the cupy backend with the float64 reference, in every order of threads.

    Outputs to 2e-6, gradients to 1e-5 (relative L2 norm); float64 to 1e-12.
    """
    kernels, wide = load("cupy"), cast(inputs, np.float64)
    expected, cache = op.run(reference, wide)
    douts = projection(np.random.default_rng(5), op, expected, dtype)
    wanted = op.back(reference, wide, cache, cast(douts, np.float64))
    first = None
    for order in ORDERS:
        with in_order(*order):
            outputs, grads = everything(op, kernels, cast(inputs, dtype), douts)
        if first is None:
            first = outputs, grads
        same_bits(outputs, first[0])
        same_bits(grads, first[1])
    exact = dtype is np.float64
    for name, a in expected.items():
        assert_close(name, first[0][name], a, 1e-12 if exact else "forward float32")
    for name, a in wanted.items():
        assert_close(f"d{name}", first[1][name], a, 1e-12 if exact else "gradient float32")

"""The host does not wait for the device inside a step, and does not start more than it has to."""

import numpy as np
import pytest

from fasts2s_kernels import load
from fasts2s_kernels.calling import everything
from fasts2s_kernels.cases import functions, pairs
from fasts2s_kernels.drawing import values
from fasts2s_kernels.letters import SIZES
from tests.conftest import STANDS_IN
from tests.kernels.helpers import draw

pytestmark = pytest.mark.skipif(not STANDS_IN, reason="a real CuPy does not count")


@pytest.fixture
def counts():
    from cupy import stand_in  # noqa: PLC0415 - only where it stands in

    stand_in.counts.reset()
    return stand_in.counts


@pytest.mark.parametrize("function", pairs(), ids=lambda function: function.forward.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_kernel_waits(function, dtype, rng, counts):
    kernels, given = load("cupy"), values(function, rng, SIZES, dtype=dtype, given=function.inputs)
    everything(kernels, function, given)
    assert counts.launches + counts.operations > 0  # of kernels of ours, and of CuPy's
    assert counts.fetches == 0
    assert counts.synchronizations == 0


def test_clipping_and_updating_do_not_wait(rng, counts):
    kernels = load("cupy")
    params, grads, m, v = (
        [kernels.asarray(rng.standard_normal(s).astype("f")) for s in ((3, 5), (7,), (5000,))] for _ in range(4)
    )
    norm = kernels.clip_grads(grads, None)
    numbers = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "step": 1}
    kernels.adam_update(params, grads, m, v, scale=kernels.clip_rate(norm, 0.25), **numbers)
    kernels.clip_grads(grads, 0.25)
    assert counts.fetches == 0
    assert counts.by_kernel == {"gradient_norm": 2, "clip_factor": 1, "adam": 1, "clip_gradients": 1}


def test_a_scale_of_nan_leaves_everything(rng):
    kernels = load("cupy")
    host = rng.standard_normal(5000).astype("f")
    p, g, v = (kernels.asarray(host) for _ in range(3))
    p, v = p.copy(), v.copy()
    kernels.momentum_update([p], [g], [v], lr=0.1, momentum=0.9, scale=kernels.asarray(np.array(np.nan)))
    assert np.array_equal(kernels.to_numpy(p), host)
    assert np.array_equal(kernels.to_numpy(v), host)


@pytest.mark.parametrize("H", [100, 256])
def test_the_time_loop_is_one_launch(rng, counts, H):
    given = draw("lstm_backward", rng, 3, 6, 5, H, dtype=np.float32)
    everything(load("cupy"), functions()["lstm_backward"], given)
    design = "rows" if H == 100 else "slices"
    assert counts.by_kernel[f"lstm_fwd_{design}"] == 1
    assert counts.by_kernel[f"lstm_bwd_{design}"] == 1
    assert sum(counts.by_kernel.values()) == 4  # and two sums: of dA for the bias, and for the row bias

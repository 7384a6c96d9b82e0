"""The machine code of the ``rows`` kernels: their weights are fetched before the loop over the steps, and stay."""

import pytest

from fasts2s_kernels.gpu.specialisations import all_specialisations
from tests.kernels.gpu.compile_gate import catalogue, sass
from tests.kernels.gpu.compile_gate.gate import compile_one
from tests.kernels.gpu.compile_gate.nvrtc import options

#: Instructions that read global memory in the loop over the steps, on whatever branch. Forward: the mask, the next
#: input, or its id and the row of a table. Backward: two steps of the mask, dhs, four gates, c, and the c before it
#: from one of two places. ``lstm_greedy_rows`` is not here: it reads the output weights at every step.
LOADS = {"lstm_fwd_rows": 4, "lstm_bwd_rows": 10}
#: Instructions that read shared memory besides the products: the activations, the state, parts of sums.
OTHERS = 8

REREADS = """
extern "C" __global__ void k(const volatile float* weights, float* out, int T) {
    __shared__ float h[32];
    h[threadIdx.x] = 0.0f;
    for (int t = 0; t < T; t++) {
        float sum = 0.0f;
        __syncthreads();
#pragma unroll
        for (int i = 0; i < 32; i++) sum = fmaf(h[i], weights[i], sum);
        __syncthreads();
        h[threadIdx.x] = sum;
    }
    out[threadIdx.x] = h[threadIdx.x];
}
"""


@pytest.fixture(scope="module")
def disassembler(absent):
    """The path of nvdisasm."""
    return sass.disassembler() or absent("nvdisasm", f"pip install {sass.DISTRIBUTION}")


@pytest.mark.parametrize("most", [100, 152])
@pytest.mark.parametrize("module", LOADS)
@pytest.mark.parametrize("arch", [75, 90, 120], ids="sm_{}".format)
def test_weights_stay(nvrtc, disassembler, arch, module, most):
    of_module = {
        catalogue.constant(each, "FS_H"): each for each in all_specialisations(arch) if each.module == module
    }
    H = max(size for size in of_module if size <= most)
    wanted = of_module[H]
    in_registers = min(catalogue.constant(wanted, "FS_KREG"), H)
    text = sass.listing(disassembler, compile_one(nvrtc, arch, wanted).cubin)
    loop = sass.time_loop(text, module, in_registers)
    assert loop is not None
    assert loop.count("LDG") + loop.count("LD") <= LOADS[module]
    assert loop.count("LDL") == loop.count("STL") == 0
    # The vector comes four numbers at a time; a weight without a register comes alone, or in an inner loop.
    assert loop.count("LDS") <= H - in_registers + -(-H // 4) + OTHERS


def test_weights_that_are_read_again_are_seen(nvrtc, disassembler):
    for arch in (75, 90, 120):
        loop = sass.time_loop(
            sass.listing(disassembler, nvrtc.compile(REREADS, "k.cu", options(arch, ())).cubin), "k", 32
        )
        assert loop is not None and loop.count("LDG") >= 32

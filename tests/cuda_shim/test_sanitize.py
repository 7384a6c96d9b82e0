"""The sanitizers see what the guard pads cannot, and say nothing of kernels that are right."""

import re

import pytest

from tests.cuda_shim import builder, sanitize

BODIES = {
    "right": ("out[i] = x[i];", ""),
    "read behind": ("out[i] = x[i + (i == 7)];", "use-after-poison"),
    "read before": ("out[i] = x[i - (i == 0)];", "use-after-poison"),
    "write far": ("out[i + (i == 7) * 100] = x[i];", "use-after-poison"),
    "read of shared memory": ("out[i] = fs_smem[i];", "use-after-poison"),
    "local array": (
        "float few[4]; for (int k = 0; k < 4; ++k) few[k] = k; out[i] = few[i];",
        "out of bounds|overflow",
    ),
    "shift": ("out[i] = 1 << (i + 25 + n);", "shift"),
}
TEST = '''
import cupy, numpy as np

TEXT = """extern "C" __global__ void k(const float* x, float* out, int n) {
    extern __shared__ float fs_smem[];
    const int i = threadIdx.x;
    fs_smem[min(i, 6)] = 0;
    __syncthreads();
    @BODY@
}"""


def test_it():
    for cooperative in (False, True, True):
        k = cupy.RawModule(code=TEXT, enable_cooperative_groups=cooperative).get_function("k")
        x, out = cupy.ones(8, "f"), cupy.zeros(8, "f")
        k((2,), (8,), (x, out, np.int32(0)), shared_mem=28)
        assert (out == 1).all() or cooperative
'''


@pytest.fixture(autouse=True)
def _sanitizers(shim):
    try:
        sanitize.libraries()
    except builder.BuildError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", BODIES)
def test_what_is_reported(name, tmp_path):
    body, expected = BODIES[name]
    path = tmp_path / "test_kernel.py"
    path.write_text(TEST.replace("@BODY@", body))
    (tmp_path / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(builder.HERE.parent / 'stand_in')!r})\n"
    )
    code, said = sanitize.run(str(path), "-c", str(builder.HERE.parent.parent / "pyproject.toml"))
    assert (code == 0) == (name == "right"), said
    if expected:
        assert re.search(expected, said) and "k.cu:6" in said, said

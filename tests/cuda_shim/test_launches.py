"""What the stand-in for CuPy refuses to launch, what it counts, and what its device says."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.cuda_shim import builder

cupy = pytest.importorskip("cupy")
stand_in = pytest.importorskip("cupy.stand_in", reason="a real CuPy runs here")
pytestmark = pytest.mark.usefixtures("shim")

TAKES = """
extern "C" __global__ void __launch_bounds__(FS_WARPS * 32)
k(const float* __restrict__ x, int n, long long m, float a, double b, bool c) {}
extern "C" __global__ void
wide(const float4* x, const unsigned char* mask, unsigned* u, const long long* ids, float** all) {}
"""


@pytest.fixture
def k():
    return cupy.RawModule(code=TAKES, options=("-DFS_WARPS=2",)).get_function("k")


RIGHT = np.int32(1), np.int64(2), np.float32(3), np.float64(4), np.bool_(True)


def test_what_fits_is_taken(k):
    for x in (cupy.zeros(3, "f"), cupy.zeros((3, 4), "f").T, None, np.uintp(0), cupy.zeros((0, 3), "f")[:, 1:]):
        k((1,), (64,), (x, *RIGHT))
    wide = cupy.RawModule(code=TAKES, options=("-DFS_WARPS=2",)).get_function("wide")
    arrays = [cupy.zeros(4, kind) for kind in ("f4", "u1", "u4", "i8", "u8")]
    wide(1, 1, tuple(arrays))
    assert wide.max_threads_per_block == 1024 and wide.num_regs > 0 and wide.local_size_bytes == 0


WRONG = {
    "too few": lambda x: (x, *RIGHT[:-1]),
    "too many": lambda x: (x, *RIGHT, x),
    "int": lambda x: (x, 1, *RIGHT[1:]),
    "float": lambda x: (x, *RIGHT[:2], 1.0, *RIGHT[3:]),
    "long": lambda x: (x, np.int64(1), *RIGHT[1:]),
    "unsigned": lambda x: (x, np.uint32(1), *RIGHT[1:]),
    "double": lambda x: (x, *RIGHT[:2], np.float64(1), *RIGHT[3:]),
    "device number": lambda x: (x, cupy.asarray(1, "i4"), *RIGHT[1:]),
    "host array": lambda x: (x.get(), *RIGHT),
    "host array of one": lambda x: (x.get()[:1], *RIGHT),
    "address": lambda x: (x.data.ptr, *RIGHT),
    "signed address": lambda x: (np.int64(x.data.ptr), *RIGHT),
    "other dtype": lambda x: (x.astype("f8"), *RIGHT),
    "integers": lambda x: (x.view("i4"), *RIGHT),
    "list": lambda x: ([1.0], *RIGHT),
}


@pytest.mark.parametrize("name", WRONG)
def test_arguments_that_do_not_fit_are_refused(k, name):
    with pytest.raises(TypeError, match="k takes 6 arguments" if name.startswith("too") else "argument [01234] of k"):
        k((1,), (1,), WRONG[name](cupy.zeros(6, "f")))


def test_an_array_with_gaps_is_refused(k):
    with pytest.raises(ValueError, match="not contiguous"):
        k((1,), (1,), (cupy.zeros((4, 6), "f")[:, ::2], *RIGHT))


@pytest.mark.parametrize(
    ("grid", "block", "shared"),
    [((0,), (1,), 0), ((1, 65536), (1,), 0), ((1 << 31,), (1,), 0), ((1,), (0,), 0), ((1,), (65,), 0),
     ((1,), (33, 2), 0), ((1,), (1, 1, 65), 0), ((1,), (1,), 49153), ((1,), (1,), -1)],
)  # fmt: skip
def test_shapes_that_a_device_cannot_launch_are_refused(k, grid, block, shared):
    with pytest.raises(cupy.cuda.driver.CUDADriverError, match="CUDA_ERROR_INVALID_VALUE"):
        k(grid, block, (None, *RIGHT), shared_mem=shared)


def test_more_shared_memory_has_to_be_asked_for(k):
    k.max_dynamic_shared_size_bytes = 60000
    k((1,), (1,), (None, *RIGHT), shared_mem=60000)
    with pytest.raises(cupy.cuda.driver.CUDADriverError):
        k.max_dynamic_shared_size_bytes = 232449


@pytest.mark.parametrize(
    ("text", "message"),
    [('extern "C" __global__ void k() {\n  oops();\n}', "k.cu:2"), ("#include <cmath>\n", "#include"),
     ("__global__ void k() {}", "no kernel"),
     ('extern "C" __global__ void k(int* x) { atomicAdd(x, 1.0f, 2); }', "error"),
     ('extern "C" __global__ void k(long long* x) { atomicAdd(x, 1ll); }', "atomicAdd")],
)  # fmt: skip
def test_a_text_that_nvrtc_would_refuse_does_not_compile(text, message):
    with pytest.raises(cupy.cuda.compiler.CompileException, match=message):
        cupy.RawModule(code=text).get_function("k")


def test_a_missing_kernel_and_options_of_another_kind_are_refused():
    with pytest.raises(cupy.cuda.driver.CUDADriverError, match="NOT_FOUND: named symbol not found: other"):
        cupy.RawModule(code=TAKES, options=("-DFS_WARPS=2",)).get_function("other")
    with pytest.raises(TypeError, match="expected a tuple of str"):
        cupy.RawModule(code=TAKES, options=["-DFS_WARPS=2"])


def test_comments_are_no_kernels():
    start = 'extern "C" __global__ void '
    assert builder.kernels_of(f"// {start}no(\n/* {start}neither( */\n{start}yes() {{}}") == {"yes": "1024"}


def test_launches_and_fetches_are_counted(k):
    a = cupy.zeros(3, "f")
    stand_in.counts.reset()
    with stand_in.recorded() as launches:
        k((2,), (32,), (a, *RIGHT), shared_mem=8)
        b = (a + 1)[1:] * 2
        b += a[:2]
    assert (stand_in.counts.launches, stand_in.counts.by_kernel, stand_in.counts.fetches) == (1, {"k": 1}, 0)
    assert stand_in.counts.operations == 3
    assert launches == [("k", (2, 1, 1), (32, 1, 1), 8, False)]
    ways = [
        float,
        lambda x: x.get(),
        cupy.asnumpy,
        lambda x: x.item(),
        lambda x: x.tolist(),
        repr,
        bool,
        int,
        "{}".format,
    ]
    for n, way in enumerate(ways, 1):
        way(b[0])
        assert stand_in.counts.fetches == n
    assert b[b > 1].shape == (2,) and stand_in.counts.fetches == len(ways) + 1


def test_several_processes_build_at_once(tmp_path):
    code = (
        "from tests.cuda_shim import library\n"
        "text = 'extern \"C\" __global__ void k(int* x) { x[0] = 3; }'\n"
        "assert list(library.load(text).kernels) == ['k']\n"
    )
    environment = {"FASTS2S_TEST_SHIM_CACHE": str(tmp_path), "PATH": os.environ["PATH"]}
    root = builder.HERE.parent.parent
    started = [subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=root) for _ in range(3)]
    assert [process.wait(120) for process in started] == [0, 0, 0]
    assert [path.suffix for path in tmp_path.iterdir()] == [".so"]

"""What the shim finds in kernels, and what the stand-in for CuPy refuses: each with a small kernel that is wrong."""

import re

import numpy as np
import pytest

cupy = pytest.importorskip("cupy")
stand_in = pytest.importorskip("cupy.stand_in", reason="a real CuPy runs here")
pytestmark = pytest.mark.usefixtures("shim")

HEAD = 'extern "C" __global__ void '
ORDERS = [("forward", 0), ("reverse", 0), ("random", 1), ("random", 2), ("random", 3)]


def kernel(text, name="k", options=(), cooperative=False, shared=0):
    module = cupy.RawModule(code=text, options=options, enable_cooperative_groups=cooperative)
    found = module.get_function(name)
    found.max_dynamic_shared_size_bytes = max(shared, 49152)
    return found


def fault(k, grid, block, args, order=("forward", 0), **more):
    with stand_in.order(*order), pytest.raises(stand_in.KernelFault) as caught:
        k((grid,), (block,), args, **more)
    return str(caught.value)


# ---- threads -----------------------------------------------------------------------------------------------------

SUM = """
typedef FS_REAL real;
template <int WIDTH> __device__ __forceinline__ real warp_sum(real v) {
    #pragma unroll
    for (int far = WIDTH / 2; far > 0; far /= 2) v += __shfl_xor_sync(0xffffffffu, v, far);
    return v;
}
// Sum of the rows of x (rows, n).
extern "C" __global__ void __launch_bounds__(FS_BLOCK, 1)
k(const real* __restrict__ x, real* __restrict__ out, const int n) {
    extern __shared__ real fs_smem[];
    real a = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) a += x[(long long)blockIdx.x * n + i];
    a = warp_sum<32>(a);
    if (threadIdx.x % 32 == 0) fs_smem[threadIdx.x / 32] = a;
    __syncthreads();
    if (threadIdx.x < 32) {
        a = warp_sum<32>(threadIdx.x < blockDim.x / 32 ? fs_smem[threadIdx.x] : real(0));
        if (threadIdx.x == 0) out[blockIdx.x] = a;
    }
}
"""


@pytest.mark.parametrize("fibers", [(), ("-DFS_SHIM_UCONTEXT",)])
@pytest.mark.parametrize(("real", "tolerance"), [("float", 1e-5), ("double", 1e-13)])
def test_a_sum_is_right_in_every_order(thread_order, real, tolerance, fibers, rng):
    host = rng.standard_normal((5, 1001)).astype(real.replace("float", "f4").replace("double", "f8"))
    out = cupy.empty(5, host.dtype)
    k = kernel(SUM, options=(f"-DFS_REAL={real}", "-DFS_BLOCK=96", *fibers))
    k((5,), (96,), (cupy.asarray(host), out, np.int32(1001)), shared_mem=3 * host.itemsize)
    assert np.abs(out.get() - host.astype("f8").sum(1)).max() < tolerance * 100


@pytest.mark.parametrize("removed", ["    __syncthreads();\n", "v += "])
def test_a_mistake_in_the_sum_shows_in_some_order(removed, rng):
    host = rng.standard_normal((3, 300)).astype("f")
    k = kernel(SUM.replace(removed, ""), options=("-DFS_REAL=float", "-DFS_BLOCK=96"))
    found = []
    for order in ORDERS:
        with stand_in.order(*order):
            out = cupy.empty(3, "f")
            k((3,), (96,), (cupy.asarray(host), out, np.int32(300)), shared_mem=12)
            found.append(np.allclose(out.get(), host.sum(1), atol=1e-4))
    assert not all(found)


SHUFFLES = (
    HEAD
    + """k(float* f, int* i, long long* l, double* d, unsigned* votes) {
    const int t = threadIdx.x;
    f[t] = __shfl_sync(0xffffffffu, t + 0.5f, 3);
    f[32 + t] = __shfl_sync(0xffffffffu, t + 0.5f, 9, 8);
    i[t] = __shfl_up_sync(0xffffffffu, t, 2);
    i[32 + t] = __shfl_down_sync(0xffffffffu, t, 3, 16);
    l[t] = __shfl_xor_sync(0xffffffffu, (long long)t << 40, 5);
    d[t] = __shfl_down_sync(0xffffffffu, t * 1e-300, 1);
    votes[t] = __ballot_sync(0xffffffffu, t % 3 == 0);
    if (t < 16) {
        votes[32 + t] = __any_sync(0xffffu, t == 40) + 2 * __all_sync(0xffffu, t < 16);
        votes[32 + t] += 4 * __any_sync(0xffffu, t == 1);
        __syncwarp(0xffffu);
    } else {
        votes[32 + t] = __shfl_sync(0xffff0000u, t, 20);
    }
    __syncwarp();
    votes[64 + t] = __syncthreads_count(t < 7) * 4 + __syncthreads_or(t == 90) * 2 + __syncthreads_and(t < 32);
}
"""
)


def test_shuffles_and_votes(thread_order):
    f, i, n = cupy.empty(64, "f"), cupy.empty(64, "i4"), cupy.empty(32, "i8")
    d, votes = cupy.empty(32, "f8"), cupy.empty(96, "u4")
    kernel(SHUFFLES)((1,), (32,), (f, i, n, d, votes))
    t = np.arange(32)
    assert (f.get()[:32] == 3.5).all() and (f.get()[32:] == t // 8 * 8 + 1.5).all()
    assert (i.get()[:32] == np.where(t < 2, t, t - 2)).all()
    assert (i.get()[32:] == np.where(t % 16 < 13, t + 3, t)).all()
    assert (n.get() == (t ^ 5) << 40).all()
    assert (d.get() == np.minimum(t + 1, 31) * 1e-300).all()
    votes = votes.get()
    assert (votes[:32] == sum(1 << k for k in range(0, 32, 3))).all()
    assert (votes[32:48] == 6).all() and (votes[48:64] == 20).all() and (votes[64:] == 29).all()


def test_lanes_that_never_were_give_nothing(thread_order):
    text = HEAD + "k(float* out) { out[threadIdx.x] = __shfl_down_sync(0xffffffffu, 1.0f, 4); }"
    out = cupy.empty(40, "f")
    kernel(text)((1,), (40,), (out,))
    assert out.get()[:36].tolist() == [1] * 36 and np.isnan(out.get()[36:]).all()


DIVERGENT = {
    "exit": ("if (threadIdx.x == 5) return; __syncthreads();", "divergent exit: .* barrier of line 1, but 1 threads"),
    "late exit": (
        "__syncthreads(); if (threadIdx.x > 5) return; __syncthreads();",
        "divergent exit: .* but 58 threads",
    ),
    "branch": (
        "if (threadIdx.x < 9)\n __syncthreads();\nelse\n __syncthreads();",
        "divergent barriers: .* line [24], .* line [24]",
    ),
    "warp": (
        "if (threadIdx.x)\n __syncwarp();\nelse __syncthreads();",
        "deadlock: .*warp operation of line 2.* barrier of line 3",
    ),
    "mask": ("if (threadIdx.x < 8)\n __shfl_sync(0xffu << 1, 1, 2);", "is not in the mask 0x000001fe .* line 2"),
    "masks": ("__shfl_sync(threadIdx.x < 8 ? 0xffffffffu : 0xffffffu, 1, 2);", "(?s)deadlock|is not in the mask"),
    "trap": ("if (threadIdx.x == 3) __trap();", r"__trap\(\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", DIVERGENT)
@pytest.mark.parametrize("order", ORDERS[:3])
def test_threads_that_part_are_a_fault(name, order):
    body, message = DIVERGENT[name]
    found = fault(kernel(HEAD + f"k() {{ {body} }}"), 2, 64, (), order)
    assert re.search(message, found), found


# ---- memory ------------------------------------------------------------------------------------------------------


def test_writing_behind_shared_memory_is_a_fault(thread_order):
    text = HEAD + "k() { extern __shared__ float fs_smem[]; fs_smem[threadIdx.x] = 1; }"
    kernel(text)((2,), (32,), (), shared_mem=128)
    assert "wrote byte 124 of its dynamic shared memory, which has 124" in fault(
        kernel(text), 2, 32, (), shared_mem=124
    )


@pytest.mark.parametrize(("shift", "where"), [(8, "behind"), (-1, "before")])
def test_writing_beside_an_array_is_a_fault_that_names_the_kernel(shift, where):
    text = HEAD + "pads(double* x, int shift) { x[(int)threadIdx.x + shift] = 1; }"
    a = cupy.zeros(8)
    found = fault(kernel(text, "pads"), 1, 8, (a, np.int32(shift)))
    assert f"pads wrote byte {-8 if shift < 0 else 0} {where} an array of 64 bytes" in found
    kernel(text, "pads")((1,), (8,), (a, np.int32(0)))
    assert a.get().tolist() == [1] * 8


@pytest.mark.parametrize("kind", ["unsigned char", "float", "double"])
def test_shared_memory_is_poisoned_before_every_block(kind):
    letters = {"unsigned char": "u1", "float": "f4", "double": "f8"}[kind]
    text = (
        HEAD
        + f"k({kind}* out) {{ extern __shared__ {kind} fs_smem[]; out[blockIdx.x] = fs_smem[3]; fs_smem[3] = 1; }}"
    )
    out = cupy.zeros(3, letters)
    kernel(text)((3,), (1,), (out,), shared_mem=64)
    assert (out.get() == 255).all() if kind == "unsigned char" else np.isnan(out.get()).all()


def test_new_arrays_are_poisoned():
    for made in (cupy.empty((2, 3), "f"), cupy.empty_like(cupy.zeros(3)), cupy.ndarray((4,), "f8")):
        assert cupy.isnan(made).all()
    assert (cupy.empty(3, "i4").get() == 0x6B6B6B6B).all() and (cupy.empty(3, "i8") != 0).all()


def test_all_shared_memory_of_the_device_can_be_used():
    text = HEAD + "k(int n) { extern __shared__ double fs_smem[]; for (int i = 0; i < n; ++i) fs_smem[i] = i; }"
    most = cupy.cuda.Device().attributes["MaxSharedMemoryPerBlockOptin"]
    kernel(text, shared=most)((1,), (1,), (np.int32(most // 8),), shared_mem=most)
    assert "wrote byte 232448" in fault(kernel(text, shared=most), 1, 1, (np.int32(most // 8 + 1),), shared_mem=most)


# ---- between blocks ----------------------------------------------------------------------------------------------

BARRIER = (
    HEAD
    + """k(unsigned* counter, const int* in, int* out, int steps) {
    __shared__ int mine;
    for (int step = 1; step <= steps; ++step) {
        if (threadIdx.x == 0) {
            out[blockIdx.x * steps + step - 1] = in[blockIdx.x] + step;
            __threadfence();
            atomicAdd(counter, 1u);
            while (*(volatile unsigned*)counter < FS_TARGET) __nanosleep(20);
            __threadfence();
            int sum = 0;
            for (int b = 0; b < gridDim.x; ++b) sum += __ldcg(out + b * steps + step - 1);
            mine = sum;
        }
        __syncthreads();
        if (threadIdx.x == 31) out[blockIdx.x * steps + step - 1 + gridDim.x * steps] = mine;
        __syncthreads();
    }
}
"""
)


@pytest.mark.parametrize("blocks", [1, 4, 132])
def test_a_cooperative_launch_waits_for_all_blocks(blocks, thread_order):
    k = kernel(BARRIER, options=("-DFS_TARGET=gridDim.x * step",), cooperative=True)
    steps, ins = 3, cupy.arange(blocks, dtype="i4")
    out, counter = cupy.empty((2, blocks, steps), "i4"), cupy.zeros(1, "u4")
    k((blocks,), (32,), (counter, ins, out, np.int32(steps)))
    assert (out.get()[1] == blocks * (blocks - 1) // 2 + blocks * np.arange(1, steps + 1)).all()
    assert counter.item() == blocks * steps


@pytest.mark.parametrize("cooperative", [True, False])
def test_a_barrier_that_nobody_opens_is_a_fault(cooperative):
    target = "-DFS_TARGET=gridDim.x * step" + " + 1" * cooperative  # one block after another, none may wait at all
    k = kernel(BARRIER, options=(target,), cooperative=cooperative)
    args = cupy.zeros(1, "u4"), cupy.zeros(3, "i4"), cupy.zeros(18, "i4"), np.int32(3)
    with stand_in.patience(0.3):
        assert "sleeps, and no block came further in 0.3 s" in fault(k, 3, 32, args)


def test_a_fault_in_one_block_ends_the_others():
    text = (
        HEAD
        + """k(unsigned* open) {
        if (blockIdx.x == 1) { if (threadIdx.x) __syncthreads(); return; }
        while (!*(volatile unsigned*)open) __nanosleep(100);
    }"""
    )
    assert "divergent exit" in fault(kernel(text, cooperative=True), 3, 32, (cupy.zeros(1, "u4"),))


def test_a_cooperative_grid_above_the_multiprocessors_is_refused():
    k = kernel(HEAD + "k() {}", cooperative=True)
    with stand_in.device(sms=84, shared_memory=101376, capability="86"):
        assert cupy.cuda.Device().compute_capability == "86"
        k((42, 2), (32,), ())
        with pytest.raises(AssertionError, match="cooperative grid"):
            k((85,), (32,), ())
        with pytest.raises(cupy.cuda.driver.CUDADriverError, match="expected at most 101376"):
            k.max_dynamic_shared_size_bytes = 101377


ATOMICS = (
    HEAD
    + """k(int* i, unsigned long long* u, long long* l) {
    const int t = threadIdx.x + blockDim.x * blockIdx.x;
    atomicAdd(i, t); atomicMax(i + 1, t); atomicMin(i + 2, t); atomicOr(i + 3, 1 << t % 8); atomicCAS(i + 4, 7, t);
    if (t == 3) atomicExch(i + 5, 12);
    atomicAdd(u, 1ull << 40); atomicMax(l, (long long)t << 33); atomicMin(l + 1, -(long long)t);
}
"""
)


def test_atomics(thread_order):
    i, u, n = cupy.asarray([0, 0, 99, 0, 7, 0], "i4"), cupy.zeros(1, "u8"), cupy.zeros(2, "i8")
    kernel(ATOMICS)((3,), (16,), (i, u, n))
    found = i.get()
    assert found[[0, 1, 2, 3, 5]].tolist() == [sum(range(48)), 47, 0, 255, 12] and 0 <= found[4] < 48
    assert (u.item(), n.tolist()) == (48 << 40, [47 << 33, -47])

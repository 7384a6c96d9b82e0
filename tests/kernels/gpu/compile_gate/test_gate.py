"""The gate can fail: toy modules, each with one thing wrong."""

import pytest

from fasts2s_kernels.gpu.specialisations import Specialisation
from tests.kernels.gpu.compile_gate import catalogue, cubin, ptxas_log
from tests.kernels.gpu.compile_gate import nvrtc as nvrtc_module
from tests.kernels.gpu.compile_gate.gate import launchable, problems
from tests.kernels.gpu.compile_gate.kept import compile_kept
from tests.kernels.gpu.compile_gate.nvrtc import Nvrtc, NvrtcMissingError, library, options

# Each thread holds FS_LIVE values that all are needed at the end.
HOLDS = """
extern "C" __global__ void __launch_bounds__(FS_THREADS, 1) k(const float* in, float* out) {
    float v[FS_LIVE];
#pragma unroll
    for (int i = 0; i < FS_LIVE; i++) v[i] = in[i * FS_THREADS + threadIdx.x];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < FS_LIVE; i++) out[i * FS_THREADS + threadIdx.x] = v[FS_LIVE - 1 - i];
}
"""
# An array that is indexed at run time cannot lie in registers.
INDEXED = """
extern "C" __global__ void k(const float* in, float* out, int n) {
    float v[100];
    for (int i = 0; i < 100; i++) v[i] = in[i];
    for (int i = 0; i < n; i++) v[i * 7 % 100] += in[i];
    out[threadIdx.x] = v[n % 100];
}
"""
# The same in a function that is not inlined: its frame belongs to no kernel by name.
CALLED = INDEXED.replace('extern "C" __global__', "static __device__ __noinline__").replace(" k(", " slow(")
CALLED += 'extern "C" __global__ void k(const float* in, float* out, int n) { slow(in, out, n); }'
HELD = ("-DFS_LIVE=64", "-DFS_THREADS=256")
PLAIN = 'extern "C" __global__ void k(float* out) { out[threadIdx.x] = 1.0f; }'


def judge(nvrtc, arch, source, threads, *defines, kernels=("k",)):
    compiled = nvrtc.compile(source, "toy.cu", options(arch, defines))
    return problems(Specialisation("toy", defines, kernels, threads), compiled)


@pytest.fixture(params=catalogue.ARCHITECTURES, ids="sm_{}".format)
def arch(request):
    return request.param


def test_what_is_right_passes(nvrtc, arch):
    assert judge(nvrtc, arch, PLAIN, 256) == []
    assert judge(nvrtc, arch, HOLDS, 512, "-DFS_LIVE=64", "-DFS_THREADS=512") == []


def test_a_spill(nvrtc, arch):
    # 1024 threads get 64 registers each.
    found = judge(nvrtc, arch, HOLDS, 1024, "-DFS_LIVE=100", "-DFS_THREADS=1024")
    assert any("spill stores" in sentence for sentence in found)
    assert any("spill loads" in sentence for sentence in found)


@pytest.mark.parametrize("source", [INDEXED, CALLED], ids=["kernel", "function"])
def test_a_stack_frame(nvrtc, arch, source):
    assert any("bytes of stack frame" in sentence for sentence in judge(nvrtc, arch, source, 32))


def test_too_many_registers(nvrtc, arch):
    # Without __launch_bounds__ ptxas does not know the block.
    source = HOLDS.replace("__launch_bounds__(FS_THREADS, 1)", "")
    found = judge(nvrtc, arch, source, 1024, "-DFS_LIVE=100", "-DFS_THREADS=1024")
    assert len(found) == 1 and "does not fit a multiprocessor" in found[0]


def test_more_threads_than_promised(nvrtc, arch):
    found = judge(nvrtc, arch, HOLDS, 160, "-DFS_LIVE=4", "-DFS_THREADS=128")
    assert found == ["k: launched with 160 threads, __launch_bounds__ promises at most 128"]


def test_an_error(nvrtc):
    (found,) = judge(nvrtc, 90, PLAIN.replace("1.0f", "one"), 32)
    assert found.startswith("does not compile:") and "toy.cu(1): error" in found and '"one" is undefined' in found


@pytest.mark.parametrize(
    "spoiled", ["int unused; out[threadIdx.x] = 1.0f;", "unsigned u = threadIdx.x; if (u >= 0) out[u] = 1.0f;"]
)
def test_a_warning(nvrtc, spoiled):
    found = judge(nvrtc, 90, PLAIN.replace("out[threadIdx.x] = 1.0f;", spoiled), 32)
    assert len(found) == 1 and found[0].startswith("warning: toy.cu(1): warning #")


def test_an_include(nvrtc):
    (found,) = judge(nvrtc, 90, "#include <cooperative_groups.h>\n" + PLAIN, 32)
    assert "could not open source file" in found


@pytest.mark.parametrize("source", [PLAIN.replace('extern "C" ', ""), PLAIN.replace(" k(", " other(")])
def test_a_missing_kernel(nvrtc, source):
    (found,) = judge(nvrtc, 90, source, 32)
    assert found.startswith("k: not in the machine code, which has ")


def test_a_kernel_that_is_not_launched_may_be_wrong(nvrtc):
    assert judge(nvrtc, 90, INDEXED + PLAIN.replace(" k(", " good("), 32, kernels=("good",)) == []


def test_silence_is_no_success(nvrtc):
    compiled = nvrtc.compile(PLAIN, "toy.cu", options(90, ())[:-1])
    assert problems(Specialisation("toy", (), ("k",), 32), compiled) == ["k: ptxas reports nothing about it"]
    entry_only = compiled._replace(log="ptxas info    : Compiling entry function 'k' for 'sm_90'")
    found = problems(Specialisation("toy", (), ("k",), 32), entry_only)
    assert [sentence.split()[-1] for sentence in found] == ["frame", "stores", "loads", "registers"]


def test_the_report_changes_no_instruction(nvrtc, arch):
    arguments = options(arch, HELD)
    code = [nvrtc.compile(HOLDS, "toy.cu", chosen).cubin for chosen in (arguments, arguments[:-1])]
    assert len({cubin.sections(each)[".text.k"] for each in code}) == 1


def test_what_is_kept_is_what_the_compiler_makes(nvrtc, tmp_path, monkeypatch):
    monkeypatch.setenv("FASTS2S_TEST_NVRTC_CACHE", str(tmp_path / "kept"))
    wrong = PLAIN.replace("1.0f", "one")
    cases = [(PLAIN, "toy.cu", options(arch, ())) for arch in (75, 90)]
    cases += [
        (PLAIN, "other.cu", options(90, ())),
        (wrong, "toy.cu", options(90, ())),
        (HOLDS, "toy.cu", options(90, HELD)),
    ]
    made = [compile_kept(nvrtc, *case) for case in cases]
    fresh = [nvrtc.compile(*case) for case in cases]  # its log tells another time
    assert [(one.succeeded, one.cubin) for one in made] == [(one.succeeded, one.cubin) for one in fresh]
    files = sorted((tmp_path / "kept").iterdir())
    assert len(files) == len(cases)
    files[0].write_bytes(files[0].read_bytes()[:-9])
    files[1].write_bytes(b"")
    again = [compile_kept(nvrtc, *case) for case in cases]  # what is damaged is made anew
    assert [one.cubin for one in again] == [one.cubin for one in made]
    monkeypatch.setattr(nvrtc, "compile", None)
    assert [compile_kept(nvrtc, *case) for case in cases] == again


def test_the_layouts_of_the_report():
    """As NVRTC 13.5 and nvcc 13.0 print it; names of C++ functions may be mangled."""
    nvrtc_log = """\
ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'a' for 'sm_75'
ptxas info    : Function properties for a
ptxas         .     160 bytes stack frame, 4 bytes spill stores, 8 bytes spill loads
ptxas info    : Used 19 registers, used 1 barriers, 168 bytes cumulative stack size, 256 bytes smem, 364 bytes cmem[0]
ptxas info    : Function properties for _Z4slowfi
ptxas         .     8 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads"""
    nvcc_log = """\
ptxas info    : Compiling entry function 'b' for 'sm_90a'
ptxas info    : Function properties for b
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 8 registers, used 0 barriers"""
    found = ptxas_log.usages(f"{nvrtc_log}\n{nvcc_log}")
    assert found == {
        "a": ptxas_log.Usage(19, 256, 168, 4, 8, entry=True),
        "_Z4slowfi": ptxas_log.Usage(None, 0, 8, 0, 0),
        "b": ptxas_log.Usage(8, 0, 0, 0, 0, entry=True),
    }
    assert ptxas_log.warnings(nvrtc_log) == []


def test_registers_of_a_block():
    assert launchable(64, 1024) and not launchable(65, 1024)
    assert launchable(128, 512) and not launchable(129, 512)
    # 19 warps: 65536 // 608 would be 107.
    assert launchable(96, 608) and not launchable(104, 608)
    assert launchable(255, 256) and launchable(0, 1)


def test_the_machine_code_says_its_threads(nvrtc, arch):
    code = nvrtc.compile(
        HOLDS + PLAIN.replace(" k(", " open_("), "t.cu", options(arch, ("-DFS_LIVE=2", "-DFS_THREADS=96"))
    )
    assert cubin.kernels(code.cubin) == {"k", "open_"}
    assert cubin.max_threads(code.cubin, "k") == 96 and cubin.max_threads(code.cubin, "open_") is None
    with pytest.raises(ValueError, match="not a 64-bit little-endian ELF file"):
        cubin.sections(b"ptx")


def test_a_missing_library_is_no_success(absent, monkeypatch, tmp_path):
    monkeypatch.setattr(nvrtc_module, "DISTRIBUTION", "no-such-distribution")
    with pytest.raises(
        NvrtcMissingError, match=r"no-such-distribution is not installed: pip install 'fasts2s\[test\]'"
    ):
        library()
    with pytest.raises(NvrtcMissingError, match="cannot be loaded"):
        Nvrtc(tmp_path / "libnvrtc.so.13")
    monkeypatch.setenv("FASTS2S_TEST_REQUIRE", "shim")
    with pytest.raises(pytest.skip.Exception, match="no nvrtc: gone"):
        absent("nvrtc", "gone")
    monkeypatch.setenv("FASTS2S_TEST_REQUIRE", "shim,nvrtc")
    with pytest.raises(pytest.fail.Exception, match="no nvrtc: gone"):
        absent("nvrtc", "gone")

"""The mutants themselves: what they take out, and whether the tests that miss one are told."""

import pytest

from tests.cuda_shim import builder, mutants

TEXT = """extern "C" __global__ void k(float* x) {
    extern __shared__ float fs_smem[];
    fs_smem[threadIdx.x] = threadIdx.x;
    __syncthreads();
    x[threadIdx.x] = fs_smem[blockDim.x - 1 - threadIdx.x];
    __syncthreads();  // not needed; and no mutant takes the one of this comment: __syncthreads();
}
"""
TEST = f'''
import cupy
import pytest

TEXT = """// before
{TEXT}"""


@pytest.mark.parametrize("order", ["forward", "reverse", "random"])
def test_it(order):
    x = cupy.empty(40, "f")
    with cupy.stand_in.order(order):
        cupy.RawModule(code=TEXT).get_function("k")((1,), (40,), (x,), shared_mem=160)
    assert x.get().tolist() == list(range(39, -1, -1))
'''


def test_each_barrier_is_taken_out_alone():
    found = list(mutants.without_barriers(TEXT))
    assert [m.name for m in found] == ["line 4: no __syncthreads();", "line 6: no __syncthreads();"]
    assert [m.text.count("__syncthreads") for m in found] == [2, 2]
    assert next(mutants.without_barriers("group_barrier(counter + g, f(step) * 2);")).text == ";"
    assert mutants.replaced(TEXT, "blockDim.x - 1", "31").name == "line 5: blockDim.x - 1 -> 31"
    with pytest.raises(ValueError, match="3 times, expected once"):
        mutants.replaced(TEXT, "__syncthreads", "")


def test_a_mutant_that_no_test_sees_is_told(shim, tmp_path, capsys):
    (tmp_path / "k.cu").write_text(TEXT)
    test = tmp_path / "test_kernel.py"
    test.write_text(TEST)
    start = f"import sys\nsys.path.insert(0, {str(builder.HERE.parent / 'stand_in')!r})\n"
    (tmp_path / "conftest.py").write_text(start)
    settings = ["-c", str(mutants.ROOT / "pyproject.toml"), str(test)]
    assert mutants.main([str(tmp_path / "k.cu"), "--replace", "blockDim.x - 1", "38", "--", *settings]) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said] == ["seen", "SURVIVES", "seen", "1"]
    with pytest.raises(ValueError, match="no_such_name"):
        mutants.main(
            [str(tmp_path / "k.cu"), "--no-barriers", "--replace", "blockDim.x - 1", "no_such_name", "--", *settings]
        )
    test.write_text(TEST.replace("// not needed", "// changed"))
    with pytest.raises(ValueError, match="no kernel was built from this text"):
        mutants.main([str(tmp_path / "k.cu"), "--", *settings])

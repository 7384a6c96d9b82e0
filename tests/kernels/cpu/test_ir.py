"""No kernel tells LLVM that there is no NaN: such a flag deletes the checks for NaN, and nothing shows it."""

from tests.kernels.cpu.inspection import all_kernels, fast_function, forbidden
from tests.kernels.cpu.processes import separate


def test_no_kernel_forbids_nan() -> None:
    # Not optimised: the code as it was asked for, in half the time.
    done = separate(all_kernels, timeout=300, NUMBA_OPT="0")
    assert done.result["count"] >= 43
    assert done.result["operations"] > 200
    assert done.result["found"] == {}


def test_such_flags_are_found() -> None:
    assert fast_function()
    assert forbidden("%x = fadd nnan float %a, %b") == ["%x = fadd nnan float %a, %b"]
    assert not forbidden('%x = fadd contract float %a, %b\ndefine void @"a fast name"() ; ')

"""Memory that training steps take beyond the model, in a process of its own."""

from dataclasses import replace

import pytest

from fasts2s.bench import memory
from fasts2s.bench.cases import STEPS

MIB = 2**20
SMALL = {"N": 3, "S": 4, "T": 4, "V": 11, "D": 6, "H": 6}


@pytest.mark.parametrize("name", ["numpy", "numba"])
@pytest.mark.parametrize("case", STEPS, ids=lambda case: case.name)
def test_memory(case, name, tiny, benchmark):
    """Growth of the peak in three steps; the figures of bytes stand in the extra information."""
    if tiny:
        if name != "numpy" or case is not STEPS[0]:
            pytest.skip("a smoke test starts one process, with nothing to compile")
        case = replace(case, sizes={letter: min(size, SMALL[letter]) for letter, size in case.sizes.items()})
    else:
        memory.growth(name, case)  # what compiling takes is not measured
    benchmark.group = f"memory of {case.name}"
    growth, before = benchmark.pedantic(memory.growth, (name, case), rounds=1)
    assert growth >= 0
    assert before > 0
    sizes = {"growth_mib": round(growth / MIB, 1), "before_mib": round(before / MIB, 1)}
    benchmark.extra_info.update({"backend": name, "model": case.kind, "sizes": case.sizes, **sizes})

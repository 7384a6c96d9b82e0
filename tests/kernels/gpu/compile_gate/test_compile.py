"""Every module that may be asked for compiles for every architecture, spills nothing and fits a multiprocessor."""

import re

import pytest

from fasts2s_kernels.gpu.sources import PARTS, text
from fasts2s_kernels.gpu.specialisations import all_specialisations
from tests.kernels.gpu.compile_gate import catalogue
from tests.kernels.gpu.compile_gate.gate import problems

WHOLE = catalogue.everything()
#: The name of a kernel; __launch_bounds__(...) may stand before it.
KERNEL = re.compile(r'extern "C" __global__ void\s+(?:__\w+__\(.*?\)\s+)?(\w+)\(')


@pytest.mark.parametrize("module", PARTS)
@pytest.mark.parametrize("arch", catalogue.ARCHITECTURES + catalogue.RELATIVES * WHOLE, ids="sm_{}".format)
def test_may_be_launched(nvrtc, arch, module):
    found = {}
    for wanted, compiled in catalogue.compile_all(nvrtc, arch, catalogue.chosen(arch, module, whole=WHOLE)):
        wrong = problems(wanted, compiled)
        if wrong:
            found[" ".join(wanted.defines)] = wrong
    assert found == {}


def test_the_architectures_are_known(nvrtc):
    assert set(catalogue.ARCHITECTURES + catalogue.RELATIVES) == set(nvrtc.architectures())


@pytest.mark.parametrize("arch", catalogue.ARCHITECTURES)
def test_no_kernel_is_forgotten(arch):
    listed = {}
    for wanted in all_specialisations(arch):
        listed.setdefault(wanted.module, set()).update(wanted.kernels)
    assert listed == {module: set(KERNEL.findall(text(module))) for module in PARTS}


@pytest.mark.parametrize(
    ("name", "sizes"), [("FS_H", (*catalogue.SIZES, *catalogue.SMALL_SIZES)), ("FS_R", catalogue.GROUPS)]
)
def test_every_chosen_size_is_dispatched(name, sizes):
    dispatched = {catalogue.constant(wanted, name) for wanted in all_specialisations(90)} - {None}
    assert set(sizes) <= dispatched, "a size that no device is given tells nothing"
    assert {min(dispatched), max(dispatched)} <= set(sizes), "the extremes are the most demanding"

"""The cases of ``fasts2s bench`` with pytest-benchmark, in one process: steps, layers, answers, kernels, data."""

import pytest

from fasts2s.bench import data, kernel_ops, pipeline
from fasts2s.bench.cases import ANSWERS, LAYERS, STEPS
from fasts2s.bench.gate import judge
from fasts2s.bench.plans import tiny

# A benchmark whom the gate refused fails once: that it was not timed is no second error.
pytestmark = pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")


def measured(build, case, backend, is_tiny, clock):
    """Let a case pass the gate, then time it; before a round weights are the initial ones, the optimiser goes on."""
    case = tiny(case) if is_tiny else case
    given, reference = data.make(case)
    made = build(case, given)
    made.reset()
    assert judge(made.results(), reference, "ours")[1] == [], "the gate refuses it"
    clock(made, case, backend)


@pytest.mark.parametrize("case", [*STEPS, *LAYERS, *ANSWERS, *kernel_ops.CASES], ids=lambda case: case.name)
def test_case(case, backend, peer, is_tiny, clock):
    """A case on a backend."""
    measured(lambda *given: peer.ready(*given, {}), case, backend, is_tiny, clock)


@pytest.mark.parametrize("case", pipeline.CASES, ids=lambda case: case.name)
def test_data(case, is_tiny, clock):
    """A case of the way of data into a model. No backend takes part."""
    measured(lambda case, data: pipeline.build(case), case, "", is_tiny, clock)

"""Whole training steps of the book's models: forward, backward, clipping, update, as the Trainer makes them."""

from dataclasses import replace

import pytest

from fasts2s.bench import data, flops
from fasts2s.bench.cases import STEPS
from fasts2s.bench.peer import read_data

SMALL = {"N": 3, "S": 4, "T": 4, "V": 11, "D": 6, "H": 6}


@pytest.mark.parametrize("case", STEPS, ids=lambda case: case.name)
def test_step(case, backend, peer, tiny, timing, tmp_path):
    """One step. Before every round the weights are the initial ones again; the optimiser goes on."""
    if tiny:
        case = replace(case, sizes={letter: min(size, SMALL[letter]) for letter, size in case.sizes.items()})
    reference = data.make(case, tmp_path)
    made = peer.build(case, read_data(case, tmp_path), {})
    timing.gate(made.results(), reference)
    samples, tokens = flops.samples_and_tokens(case)
    timing.run(
        made.once,
        case.name,
        backend=backend,
        reset=made.reset,
        tokens=tokens,
        samples=samples,
        flops=flops.step_flops(case),
        model=case.kind,
        sizes=case.sizes,
        params=flops.parameter_count(case),
    )

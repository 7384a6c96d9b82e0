"""Plans that are over in seconds."""

from dataclasses import replace

from fasts2s.bench.cases import ANSWERS, LAYERS, STEPS, lstm
from fasts2s.bench.measure import Pace
from fasts2s.bench.plans import Plan
from fasts2s.bench.results import GROUPS

TINY = {"N": 3, "S": 4, "T": 5, "D": 6, "H": 7, "V": 9}
STEP = replace(STEPS[1], name="PeekySeq2seq tiny", sizes=TINY)
LAYER = replace(LAYERS[0], name="LSTM tiny", sizes=TINY)
SWEEP = tuple(lstm(2, 3, 4, H, group="scaling", name=f"LSTM layer, H={H}") for H in (4, 8, 16))
TEXT = replace(ANSWERS[2], name="text tiny", sizes={**TINY, "T": 8})
PERPLEXITY = replace(ANSWERS[3], name="perplexity tiny", sizes={**TINY, "N": 2, "T": 5})


def small(*cases, **more):
    """Return a plan with these cases."""
    return Plan("small", cases, pace=dict.fromkeys(GROUPS, Pace(3, 1, 0.002, 0.0)), **more)

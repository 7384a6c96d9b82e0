"""What a training must keep to go on to the very bits of one that was never stopped, and how it is kept.

``tree`` turns values into arrays and JSON and back, ``objects`` finds what changes in models and optimisers,
``keeper`` writes it beside the training, ``signals`` lets a training end between two steps.
"""

from fasts2s.resuming.fingerprint import fingerprint
from fasts2s.resuming.keeper import Keeper, ResumeError, read_state
from fasts2s.resuming.objects import (
    give_model,
    give_object,
    global_random,
    set_global_random,
    take_model,
    take_object,
)
from fasts2s.resuming.signals import StopBetweenSteps, all_asked
from fasts2s.resuming.tree import Packed, frozen, pack, unpack

__all__ = [
    "Keeper",
    "Packed",
    "ResumeError",
    "StopBetweenSteps",
    "all_asked",
    "fingerprint",
    "frozen",
    "give_model",
    "give_object",
    "global_random",
    "pack",
    "read_state",
    "set_global_random",
    "take_model",
    "take_object",
    "unpack",
]

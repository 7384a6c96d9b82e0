"""Options of applications."""

import argparse
import time
from typing import Any

from fasts2s.commands.arguments import add_backend, add_checkpoint_every, positive, seed

#: Seconds after the first step, which compiles kernels, at which ``--quick`` ends, whatever was planned.
QUICK_SECONDS = 15.0
#: Models of an application over pairs of texts -> settings of :class:`fasts2s.models.EncoderDecoder`.
MODELS: dict[str, dict[str, Any]] = {
    "attention": {},
    "peeky": {"attention": "none", "decoder": "peeky"},
    "plain": {"attention": "none"},
}


#: From this share of all steps on the learning rate falls, in a straight line, to this share of what it was.
_FALLS_FROM, _FALLS_TO = 0.4, 0.02


def falling(done: float) -> float:
    """Return the learning rate, as a share of the first, when a share of all steps is done."""
    late = max(0.0, done - _FALLS_FROM) / (1 - _FALLS_FROM)
    return 1 - late * (1 - _FALLS_TO)


def quick_enough(quick: bool, first_step_ended: float) -> str:
    """Return why a training ends if it is a quick one whose time is over, else ""; 0: no step has ended yet."""
    late = quick and first_step_ended and time.perf_counter() - first_step_ended > QUICK_SECONDS
    return f"--quick trains for {QUICK_SECONDS:.0f} s at most" if late else ""


def add_common(parser: argparse.ArgumentParser, name: str) -> None:
    """Add the options that every application has."""
    add = parser.add_argument
    add("--out", metavar="DIR", default=name, help="folder to write to (%(default)s)")
    add("--overwrite", action="store_true", help="replace the run that --out holds")
    add("--quick", action="store_true", help="a short training on little data, to see it work")
    add("--seed", metavar="N", type=seed, default=1, help="of data, weights and shuffling (%(default)s)")
    add("--epochs", metavar="N", type=positive, help="passes over the data (as many as it needs)")
    add("--resume", metavar="DIR", help="go on with the run in DIR, as it was started")
    add_checkpoint_every(parser)
    add_backend(parser)


def add_pairs(parser: argparse.ArgumentParser, name: str, data: str = "") -> None:
    """Add the options of an application over pairs of texts; ``data`` says what a file of one's own holds."""
    add_common(parser, name)
    add = parser.add_argument
    add("--model", choices=tuple(MODELS), default="attention", help="which decoder (%(default)s)")
    if data:
        add("--data", metavar="FILE", help=f"{data}: any file that train pairs reads (built in)")
        add("--tokens", choices=("char", "word", "subword"), help="what a symbol of --data is (as it fits)")

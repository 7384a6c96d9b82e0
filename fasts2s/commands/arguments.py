"""Values of the command line: what argparse calls on a word. Errors name the word and what was expected."""

import argparse
from collections.abc import Callable
from typing import Any

from fasts2s.backend import NAMES

#: The largest size and number of anything: what NumPy's indices hold on every machine.
MOST = 2**31 - 1
_LONGEST_SHOWN = 40


class Parser(argparse.ArgumentParser):
    """A parser that takes options and words in any order: ``ask DIR --backend numpy QUESTION``."""

    #: While words and options are mixed, which takes the words away: the help of the parser that was written.
    _help: str | None = None

    def parse_known_args(self, *args: Any, **options: Any) -> Any:
        """Parse; argparse calls this method again from within, and cannot mix where commands follow."""
        if self._help is not None or self._subparsers is not None:
            return super().parse_known_args(*args, **options)
        self._help = super().format_help()
        try:
            return self.parse_known_intermixed_args(*args, **options)
        finally:
            self._help = None

    def format_help(self) -> str:
        """Return the help text, of the middle of parsing too."""
        return self._help or super().format_help()


def whole(least: int, most: int = MOST) -> Callable[[str], int]:
    """Return a reader of whole numbers from ``least`` to ``most``."""

    def read(text: str) -> int:
        """Read a whole number within the limits."""
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{_shown(text)} is not a whole number from {least} to {most}")
        return value

    return read


def above_zero(text: str) -> float:
    """Read a finite number > 0."""
    return _real(text, lambda value: 0 < value < float("inf"), "> 0")


def from_zero(text: str) -> float:
    """Read a finite number >= 0."""
    return _real(text, lambda value: 0 <= value < float("inf"), ">= 0")


def share_up_to_one(text: str) -> float:
    """Read a number above 0, at most 1."""
    return _real(text, lambda value: 0 < value <= 1, "above 0, at most 1")


def share(text: str) -> float:
    """Read a number from 0 to below 1."""
    return _real(text, lambda value: 0 <= value < 1, "from 0 to below 1")


def _real(text: str, fits: Callable[[float], bool], expected: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not fits(value):
        raise argparse.ArgumentTypeError(f"{_shown(text)} is not a finite number {expected}")
    return value


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}...")


positive = whole(1)
seed = whole(0, 2**32 - 1)


def add_backend(parser: Any, **options: Any) -> None:
    """Add the option that chooses the kernels."""
    parser.add_argument("--backend", choices=NAMES, help="overrides FASTS2S_BACKEND", **options)


def every(text: str) -> tuple[int | None, float | None]:
    """Read how often a checkpoint is written: ``50`` is steps, ``2m`` minutes; return (steps, seconds)."""
    if text.endswith("m"):
        return None, 60 * above_zero(text[:-1])
    return positive(text), None


def add_checkpoint_every(parser: Any, **options: Any) -> None:
    """Add the option that says how often a training is kept."""
    text = "keep the state after so many steps, or minutes: 5m (10m)"
    parser.add_argument("--checkpoint-every", metavar="N", type=every, help=text, **options)


def add_distributed(parser: Any, **options: Any) -> None:
    """Add the option that lets the processes of a launcher train together."""
    text = "train together with all that a launcher started: mpiexec -n 4 fasts2s train ... --distributed mpi"
    parser.add_argument("--distributed", choices=("mpi",), help=text, **options)


def fields(arguments: argparse.Namespace, options: Any) -> dict[str, Any]:
    """Return the arguments that a dataclass of options has fields for."""
    return {name: getattr(arguments, name) for name in options.__dataclass_fields__}

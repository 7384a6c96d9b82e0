"""``fasts2s app translate``: number words and sentences of a small grammar, or pairs of one's own."""

import argparse
from collections.abc import Callable
from random import Random
from typing import Any

from fasts2s.apps.application import Application, exact
from fasts2s.apps.arguments import add_pairs
from fasts2s.apps.own_pairs import own_application
from fasts2s.apps.running import run_application
from fasts2s.apps.worlds.drawing import Drawn, draw
from fasts2s.apps.worlds.grammar import sentence_pair
from fasts2s.apps.worlds.numbers import number_pair
from fasts2s.commands.errors import CommandError

LANGUAGES = ("en", "ko", "ja", "fr")
#: Task -> what draws a pair in two languages.
WORLDS: dict[str, Callable[[Random, str, str], Drawn]] = {"numbers": number_pair, "grammar": sentence_pair}
#: Pairs to learn from, to measure with, for the end.
_COUNTS = (16_000, 300, 1000)
_SETTINGS: dict[str, dict[str, Any]] = {
    "numbers": {"tokens": "char", "hidden": 128, "wordvec": 32, "epochs": 5},
    "grammar": {"tokens": "word", "hidden": 128, "wordvec": 64, "epochs": 5},
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this application."""
    add_pairs(parser, "translate", "translations of your own, source and target")
    add = parser.add_argument
    add("--task", choices=tuple(WORLDS), default="grammar", help="what is translated (%(default)s)")
    add("--from", dest="source", choices=LANGUAGES, default="en", help="(%(default)s)")
    add("--to", dest="target", choices=LANGUAGES, default="ko", help="(%(default)s)")


def application(a: argparse.Namespace) -> Application:
    """Return what the options ask for."""
    if a.data:
        return own_application("translate", a, exact, "word")
    if a.source == a.target:
        raise CommandError(f"--from and --to are both {a.source}, expected two different languages")
    origin = f"translate {a.task} {a.source}-{a.target}"
    parts = draw(lambda rng: WORLDS[a.task](rng, a.source, a.target), _COUNTS, a.seed, origin)
    return Application("translate", f"{a.task}, {a.source} to {a.target}", parts, _SETTINGS[a.task])


def run(a: argparse.Namespace) -> int:
    """Run the application; return the exit status."""
    return run_application(application(a), a)

"""``fasts2s app answer``: questions about who is where in a small world."""

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any

from fasts2s.apps.application import Application, Findings
from fasts2s.apps.arguments import add_pairs
from fasts2s.apps.own_pairs import own_application
from fasts2s.apps.running import run_application
from fasts2s.apps.worlds.drawing import draw
from fasts2s.apps.worlds.stories import LONGEST, SHORTEST, story_pair
from fasts2s.text import Pairs
from fasts2s.text_to_text import TextToText

_SETTINGS: dict[str, Any] = {"tokens": "word", "hidden": 128, "wordvec": 64, "epochs": 14}
_FOR_CURVE = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this application."""
    add_pairs(parser, "answer", "questions and answers of your own")
    parser.add_argument("--language", choices=("en", "ko"), default="en", help="of the stories (%(default)s)")


def application(a: argparse.Namespace) -> Application:
    """Return what the options ask for."""
    if a.data:
        return own_application("answer", a, None, "word")
    world = partial(story_pair, language=a.language)
    parts = draw(world, (24_000, 300, 1000), a.seed, f"stories, {a.language}")
    report = partial(_by_length, language=a.language, seed=a.seed)
    return Application("answer", "questions about stories", parts, _SETTINGS, label="right answers", report=report)


def _by_length(whole: TextToText, pairs: Pairs, said: Sequence[str], language: str, seed: int) -> Findings:
    """Report the share of right answers by the length of the story; longer ones than were learned, too."""
    lengths = [*range(SHORTEST, LONGEST + 1), LONGEST + 2]
    found = {}
    for length in lengths:
        test = draw(partial(story_pair, language=language, length=length), (0, 0, _FOR_CURVE), seed, "").test
        found[f"{length} moves"] = 100 * whole.exact_match(test)
    cells = "  ".join(f"{name} {share:.0f} %" for name, share in found.items())
    return [f"right answers by length: {cells}", f"(stories of more than {LONGEST} moves were never seen)"], found


def run(a: argparse.Namespace) -> int:
    """Run the application; return the exit status."""
    return run_application(application(a), a)

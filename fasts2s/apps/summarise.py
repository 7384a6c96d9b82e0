"""``fasts2s app summarise``: headlines of reports; first lines of docstrings."""

import argparse
from collections.abc import Sequence
from typing import Any

from fasts2s.apps.application import Application, Findings
from fasts2s.apps.arguments import add_pairs
from fasts2s.apps.own_pairs import own_application
from fasts2s.apps.running import run_application
from fasts2s.apps.worlds.docstrings import docstring_parts, first_words
from fasts2s.apps.worlds.drawing import draw
from fasts2s.apps.worlds.reports import report_pair
from fasts2s.metrics import rouge_l
from fasts2s.text import Pairs
from fasts2s.text_to_text import TextToText

_REPORTS: dict[str, Any] = {"tokens": "word", "hidden": 128, "wordvec": 64, "epochs": 8}
_DOCSTRINGS: dict[str, Any] = {
    "tokens": "word",
    "hidden": 192,
    "wordvec": 96,
    "epochs": 24,
    "min_count": 2,
    "dropout": 0.4,
    "shared_vocabulary": True,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this application."""
    add_pairs(parser, "summarise", "texts and summaries of your own")
    parser.add_argument("--task", choices=("reports", "docstrings"), default="reports", help="(%(default)s)")


def application(a: argparse.Namespace) -> Application:
    """Return what the options ask for."""
    if a.data:
        return own_application("summarise", a, likeness, "word")
    if a.task == "reports":
        parts = draw(report_pair, (12_000, 300, 1000), a.seed, "reports")
        return Application("summarise", "headlines", parts, _REPORTS, label="headlines with all slots right")
    likeness("", "a", "a")  # says at once that its library is not there
    return Application(
        "summarise",
        "first lines of docstrings",
        docstring_parts(),
        _DOCSTRINGS,
        rightness=likeness,
        label="ROUGE-L",
        report=_beside_first_words,
    )


def likeness(source: str, answer: str, target: str) -> float:
    """Return ROUGE-L of an answer, from 0 to 1. ImportError: the extra ``text`` is not installed."""
    return rouge_l([answer], [target]) / 100


def _beside_first_words(whole: TextToText, pairs: Pairs, said: Sequence[str]) -> Findings:
    """Report ROUGE-L of the first words of the text in the place of a summary."""
    baseline = rouge_l([first_words(source) for source in pairs.sources], pairs.targets)
    return [f"ROUGE-L of the first 8 words of the text: {baseline:.2f} %"], {"first 8 words": baseline}


def run(a: argparse.Namespace) -> int:
    """Run the application; return the exit status."""
    return run_application(application(a), a)

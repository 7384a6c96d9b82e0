"""``fasts2s app mail``: replies to mails, in English and Korean, that repeat date, time and place."""

import argparse
from collections.abc import Sequence
from typing import Any

from fasts2s.apps.application import Application, Findings
from fasts2s.apps.arguments import add_pairs
from fasts2s.apps.own_pairs import own_application
from fasts2s.apps.running import run_application
from fasts2s.apps.worlds.drawing import draw
from fasts2s.apps.worlds.mail import all_slots_right, mail_pair
from fasts2s.metrics import exact_match
from fasts2s.text import Pairs
from fasts2s.text_to_text import TextToText

_SETTINGS: dict[str, Any] = {"tokens": "word", "hidden": 128, "wordvec": 64, "epochs": 7}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this application."""
    add_pairs(parser, "mail", "mails and replies of your own")


def application(a: argparse.Namespace) -> Application:
    """Return what the options ask for."""
    if a.data:
        return own_application("mail", a, None, "word")
    parts = draw(mail_pair, (20_000, 300, 1000), a.seed, "mails")
    return Application(
        "mail",
        "replies to mails",
        parts,
        _SETTINGS,
        rightness=all_slots_right,
        label="replies with all slots right",
        report=_by_language,
    )


def _by_language(whole: TextToText, pairs: Pairs, said: Sequence[str]) -> Findings:
    """Report the score of each language, and the share of replies that are right word for word."""
    right = list(map(all_slots_right, pairs.sources, said, pairs.targets))
    found: dict[str, float] = {}
    for language, korean in (("English", False), ("Korean", True)):
        own = [one for one, target in zip(right, pairs.targets, strict=True) if _is_korean(target) == korean]
        found[language] = 100 * sum(own) / max(1, len(own))
    found["word for word"] = 100 * exact_match(said, pairs.targets)
    return [", ".join(f"{name} {value:.2f} %" for name, value in found.items())], found


def _is_korean(text: str) -> bool:
    return any("가" <= char <= "힣" for char in text)


def run(a: argparse.Namespace) -> int:
    """Run the application; return the exit status."""
    return run_application(application(a), a)

"""``fasts2s app program``: what small programs print; letters copied, reversed, sorted."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any

import numpy as np

from fasts2s.apps.application import Application, Findings
from fasts2s.apps.arguments import add_pairs
from fasts2s.apps.running import run_application
from fasts2s.apps.worlds.drawing import Drawn, draw
from fasts2s.apps.worlds.programs import DIGITS, KINDS, LEARNED, LETTER_TASKS, LETTERS, letters_pair, program_pair
from fasts2s.generation import GenerationOptions
from fasts2s.text import Pairs
from fasts2s.text_to_text import TextToText

#: Numbers are printed from the left, and made from the right: what is carried is known before it is needed.
_PROGRAMS: dict[str, Any] = {
    "tokens": "char", "hidden": 128, "wordvec": 32, "epochs": 20, "batch_size": 64, "lr": 0.004,
    "target_backwards": True,
}  # fmt: skip
_LETTERS: dict[str, Any] = {"tokens": "char", "hidden": 128, "wordvec": 32, "epochs": 6}
#: Programs of each kind and number of digits, and texts of each length, that the curve is made of.
_FOR_CURVE = 100
_TASKS = ("program", *LETTER_TASKS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this application."""
    add_pairs(parser, "program")
    parser.add_argument("--task", choices=_TASKS, default="program", help="what is learned (%(default)s)")


def application(a: argparse.Namespace) -> Application:
    """Return what the options ask for."""
    if a.task == "program":
        parts = draw(partial(program_pair, kinds=LEARNED), (100_000, 300, 0), a.seed, "programs")
        test = draw(partial(program_pair, digits=DIGITS), (0, 0, 1000), a.seed, "programs").test
        return Application(
            "program", "programs", parts._replace(test=test), _PROGRAMS, 6000, report=partial(_by_digits, seed=a.seed)
        )
    parts = draw(partial(letters_pair, task=a.task), (20_000, 300, 1000), a.seed, f"letters to {a.task}")
    return Application(
        "program", f"letters, {a.task}", parts, _LETTERS, report=partial(_by_length, task=a.task, seed=a.seed)
    )


def run(a: argparse.Namespace) -> int:
    """Run the application; return the exit status."""
    return run_application(application(a), a)


def _by_digits(whole: TextToText, pairs: Pairs, said: Sequence[str], seed: int) -> Findings:
    """Report the share of right answers by kind of program and digits; one more digit than was learned, too."""
    lines, found = [f"{'exact answers by digits':<24}" + "".join(f"{d:>8}" for d in range(1, DIGITS + 2))], {}
    for kind in KINDS:
        cells = []
        for digits in range(1, DIGITS + 2):
            share = _share(whole, partial(program_pair, digits=digits, kinds=[kind]), seed)
            cells.append(f"{share:>7.1f}%")
            found[f"{kind}, {digits} digits"] = share
        lines.append(f"{kind:<24}" + "".join(cells))
    return [*lines, f"(numbers of {DIGITS + 1} digits were never seen)"], found


def _by_length(whole: TextToText, pairs: Pairs, said: Sequence[str], task: str, seed: int) -> Findings:
    """Report the share of right answers by length, and the alignment where it is known."""
    lengths = [2, 4, 6, 8, 10, LETTERS, LETTERS + 2, LETTERS + 4]
    shares = [_share(whole, partial(letters_pair, task=task, length=k), seed) for k in lengths]
    lines = [
        "letters        " + "".join(f"{k:>7}" for k in lengths),
        "exact answers  " + "".join(f"{share:>6.1f}%" for share in shares),
        f"(texts of more than {LETTERS} letters were never seen)",
    ]
    found = {f"{k} letters": share for k, share in zip(lengths, shares, strict=True)}
    if task != "sort" and whole.model.settings.attention != "none":
        found["alignment"] = aligned = 100 * alignment(whole, pairs, task == "reverse")
        shape = "anti-diagonal" if task == "reverse" else "diagonal"
        lines.append(f"attention is largest on the {shape} in {aligned:.1f} % of the places")
    return lines, found


def _share(whole: TextToText, world: Callable[[Random], Drawn], seed: int) -> float:
    """Return the percentage of right answers to what a world draws of combinations that were not learned."""
    test = draw(world, (0, 0, _FOR_CURVE), seed, "").test
    return 100 * whole.exact_match(test)


def alignment(whole: TextToText, pairs: Pairs, reverse: bool) -> float:
    """Return the share of places of right answers, 0 to 1, that look most at the letter they repeat."""
    right = places = 0
    answers = whole.answers(pairs.sources, GenerationOptions(attention=True))
    for target, (said, *_) in zip(pairs.targets, answers, strict=True):
        if said.text == target and said.attention is not None:
            n = len(said.words)
            wanted = np.arange(n)[::-1] if reverse else np.arange(n)
            right += int((np.asarray(said.attention)[:n].argmax(axis=1) == wanted).sum())
            places += n
    return right / places if places else 0.0

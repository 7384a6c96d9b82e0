"""``fasts2s generate``: write text with a trained language model."""

import argparse

from fasts2s.commands.answering import chosen
from fasts2s.commands.errors import CommandError
from fasts2s.commands.writer import Writer
from fasts2s.generation import GenerationOptions


def generate(a: argparse.Namespace) -> int:
    """Print the start and what the model writes after it; the start is cut as the text was."""
    writer = Writer.load(a.dir, a.backend)
    words = writer.vocabulary
    prompt = words.ids("--start", a.start)
    banned = words.never | words.all_ids("--skip", a.skip) | words.all_ids("--ban", a.ban)
    if len(banned) == len(words):
        raise CommandError(f"--skip leaves none of the model's {len(words)} symbols, expected fewer")
    options = GenerationOptions(
        **chosen(a, _temperature(a)),
        banned=sorted(banned),
        max_length=a.length,
        stop_id=None if a.stop is None else words.one_id("--stop", a.stop),
    )
    written = writer.write(prompt, options)
    if a.nbest == 1:
        print(written[0][1])
    else:
        print("\n\n".join(f"log-probability {score:.2f}\n{text}" for score, text in written))
    return 0


def _temperature(a: argparse.Namespace) -> float:
    """Return what was asked for, else 1; a beam looks for the best text, nothing is drawn there."""
    if a.temperature is not None:
        return float(a.temperature)
    return 0.0 if a.beam > 1 else 1.0

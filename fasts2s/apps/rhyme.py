"""``fasts2s app rhyme``: a language model that writes verses, or goes on with a text of one's own."""

import argparse
import json
import random
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fasts2s.apps.arguments import add_common
from fasts2s.apps.worlds.verses import rhymes, verses
from fasts2s.commands import run_folder
from fasts2s.commands.train_lm import LanguageModelOptions, train_lm
from fasts2s.commands.train_parsers import usual_options
from fasts2s.commands.writer import Writer
from fasts2s.generation import GenerationOptions
from fasts2s.text import BOS, EOS, PAD, UNK

_VERSES, _VERSES_QUICK = 6000, 2000
#: Options of ``fasts2s train lm`` for verses, where they differ from the usual ones.
_SETTINGS: dict[str, Any] = {"epochs": 24, "hidden": 128, "min_count": 1, "max_grad": 1.0}
_OWN: dict[str, Any] = {"epochs": 6, "hidden": 128, "tokens": "char", "min_count": 2}
_WRITTEN, _SHOWN, _LONGEST = 300, 6, 40
#: The text that was learned, beside the model.
TEXT = "verses.txt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this application."""
    add_common(parser, "rhyme")
    parser.add_argument("--data", metavar="FILE", help="a text of your own, learned by characters (built in)")


def run(a: argparse.Namespace) -> int:
    """Run the application; return the exit status: 0, or 130 after Ctrl-C."""
    if a.data:
        return train_lm(_options(a, a.data, _OWN))
    text = verses(_VERSES_QUICK if a.quick else _VERSES, a.seed)
    with TemporaryDirectory() as folder:
        file = Path(folder) / TEXT
        file.write_text(text, encoding="utf-8")
        status = train_lm(_options(a, str(file), _SETTINGS))
        if not status:
            shutil.copy(file, Path(a.out) / TEXT)
            _judge(a, set(text.splitlines()))
    return status


def _options(a: argparse.Namespace, file: str, settings: dict[str, Any]) -> LanguageModelOptions:
    usual = usual_options(LanguageModelOptions, "lm", file)
    chosen = {"out": a.out, "overwrite": a.overwrite, "seed": a.seed}
    epochs = a.epochs or (max(1, settings["epochs"] // 2) if a.quick else None)
    return LanguageModelOptions(**{**usual, **settings, **chosen, **({"epochs": epochs} if epochs else {})})


def _judge(a: argparse.Namespace, known: set[str]) -> None:
    """Print verses that the model writes, and how many of them rhyme and are new; add that to history.json."""
    writer = Writer.load(a.out, a.backend)
    options = GenerationOptions(
        temperature=0.7, max_length=_LONGEST, stop_id=EOS, banned=(PAD, UNK, BOS), rng=a.seed, nbest=_WRITTEN
    )
    # After a verse, as in training; each is what follows the last line end.
    prompt = [*writer.vocabulary.ids("the first verse", min(known)), EOS]
    written = [text.rpartition("\n")[2].strip() for _, text in writer.write(prompt, options)]
    random.Random(a.seed).shuffle(written)  # they come by their probability
    found = {
        "rhyming": 100 * sum(map(rhymes, written)) / len(written),
        "new": 100 * sum(text not in known for text in written) / len(written),
    }
    print("\n" + "\n".join(f"   {text}" for text in written[:_SHOWN]))
    print(f"score: {found['rhyming']:.1f} % of {len(written)} verses rhyme; {found['new']:.1f} % are new")
    path = Path(a.out) / run_folder.HISTORY
    history = json.loads(path.read_text(encoding="utf-8"))
    run_folder.write_history(Path(a.out), history | {"application": "rhyme", "report": found})

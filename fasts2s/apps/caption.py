"""``fasts2s app caption``: what can be seen in a picture, said in words."""

import argparse
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.apps.arguments import QUICK_SECONDS, add_common
from fasts2s.apps.backbone import teach_backbone
from fasts2s.apps.picture_files import read_picture, write_picture
from fasts2s.apps.picture_sheets import draw_looks, draw_sheet
from fasts2s.apps.senses import Examples, SenseOptions, SenseRun, SenseToText, printed
from fasts2s.apps.worlds.shapes import SIDE, THINGS, single_things, two_things
from fasts2s.commands.arguments import whole
from fasts2s.commands.output import Beside
from fasts2s.generation import GenerationOptions
from fasts2s.models import EncoderDecoderSettings, PictureEncoderDecoder
from fasts2s.text import tokenizer_for

KIND, HINT = "pictures", "fasts2s app caption --out DIR"
SHEET, LOOKS, PICTURE = "captions.png", "attention.png", "picture-{}.png"
_FILTERS = (12, 24, 32)
#: Pictures of single things, of two things to learn from, and epochs over both.
_COUNTS, _QUICK = (16_000, 24_000, 12, 12), (4000, 4000, 3, 4)
_HELD_OUT, _TEST, _QUICK_TEST = 300, 1000, 300
_LONGEST = 12
_SHOWN, _KEPT = 24, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this application."""
    add_common(parser, "caption")
    add = parser.add_argument
    add("picture", nargs="*", metavar="PICTURE", help="PNG or JPEG files to say captions of; none: train")
    add("--beam", metavar="N", type=whole(1, 100), default=3, help="captions of each PICTURE (%(default)s)")


def run(a: argparse.Namespace) -> int:
    """Train, or say what is seen in pictures; return the exit status."""
    return _say(a) if a.picture else _train(a)


def _train(a: argparse.Namespace) -> int:
    singles, pairs, first, epochs = _QUICK if a.quick else _COUNTS
    train, held_out = two_things(pairs, a.seed, 0), two_things(_HELD_OUT, a.seed, 1)
    np.random.seed(a.seed)
    target = tokenizer_for("word", train.captions)
    options = SenseOptions(a.out, a.overwrite, a.seed, a.epochs or epochs, a.quick)
    model = PictureEncoderDecoder(
        EncoderDecoderSettings(
            _FILTERS[-1], len(target), options.wordvec, options.hidden, attention="dot", dropout=0.2
        ),
        (3, SIDE, SIDE),
        _FILTERS,
    )
    text = SenseToText(model, target, KIND, _LONGEST)
    examples = [Examples(part.pictures, part.captions) for part in (train, held_out)]
    with closing(SenseRun("caption", "what is seen in pictures of two things", text, *examples, options)) as run:
        print(f"{len(train):,} pictures of two things, {singles:,} of one, backend {model.backend.name}")
        seconds = QUICK_SECONDS / 2 if a.quick else float("inf")
        told = teach_backbone(model, *single_things(singles, a.seed), len(THINGS), first, seconds)
        run.history["single things told right"] = told
        began = time.perf_counter()
        run.learned, run.held_out = (Examples(model.features(part.sources), part.texts) for part in examples)
        print(f"the convolutions stay as they are; features of all pictures in {time.perf_counter() - began:.1f} s")
        return run.conclude(partial(_summarise, run, a.seed))


def _summarise(run: SenseRun, seed: int, finished: bool) -> None:
    test = two_things(_QUICK_TEST if run.options.quick else _TEST, seed, 2)
    examples = Examples(run.model.features(test.pictures), test.captions)
    said = run.score(examples, "pictures of combinations never seen")
    with Beside("drawing pictures"):
        draw_sheet(run.folder / SHEET, test.pictures[:_SHOWN], said[:_SHOWN], test.captions[:_SHOWN])
        print(f"captions: {run.folder / SHEET}")
        for n in range(_KEPT):
            write_picture(run.folder / PICTURE.format(n + 1), test.pictures[n])
        _look(run.whole, test.pictures[0], run.folder / LOOKS)
    run.show_files("app", "caption", str(run.folder / PICTURE.format(1)), "--out", str(run.folder))


def _look(text: SenseToText, picture: Any, path: Path, options: GenerationOptions | None = None) -> None:
    """Draw what the model looked at in a picture (3, H, W)."""
    encoder = text.model.encoder
    said = text.answers(picture[None], options or GenerationOptions(attention=True))[0][0]
    draw_looks(path, picture, said, encoder.rows, encoder.columns)
    print(f"looked:  {path}")


def _say(a: argparse.Namespace) -> int:
    text, _ = SenseToText.load(a.out, KIND, HINT, a.backend)
    pictures = np.stack([read_picture(path, SIDE, SIDE) for path in a.picture])
    options = GenerationOptions(beam=a.beam, nbest=a.beam)
    for path, found in zip(a.picture, text.answers(pictures, options), strict=True):
        print("\n".join([path] * (len(a.picture) > 1) + printed(found)))
    return 0

"""``fasts2s app caption``: what can be seen in a picture, said in words."""

import argparse
import time
from contextlib import closing
from functools import partial

import numpy as np

from fasts2s.apps.arguments import QUICK_SECONDS, add_common
from fasts2s.apps.backbone import teach_backbone
from fasts2s.apps.eyes import Eyes
from fasts2s.apps.picture_files import read_picture, write_picture
from fasts2s.apps.picture_sheets import draw_looks, draw_sheet
from fasts2s.apps.senses import Examples, SenseOptions, SenseRun, SenseToText, printed
from fasts2s.apps.worlds.shapes import SIDE, THINGS, single_things, two_things
from fasts2s.commands.arguments import whole
from fasts2s.commands.output import Beside
from fasts2s.generation import GenerationOptions
from fasts2s.models import EncoderDecoderSettings, PictureEncoderDecoder
from fasts2s.onnx_backbone import OnnxBackbone
from fasts2s.text import tokenizer_for

KIND, HINT = "pictures", "fasts2s app caption --out DIR"
SHEET, LOOKS, PICTURE = "captions.png", "attention.png", "picture-{}.png"
_FILTERS = (12, 24, 32)
#: Pictures of single things, of two things to learn from, and epochs over both.
_COUNTS, _QUICK = (16_000, 24_000, 12, 12), (6000, 8000, 4, 8)
_HELD_OUT, _TEST, _QUICK_TEST = 300, 1000, 300
_LONGEST = 12
_SHOWN, _KEPT = 24, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this application."""
    add_common(parser, "caption")
    add = parser.add_argument
    add("picture", nargs="*", metavar="PICTURE", help="PNG or JPEG files to say captions of; none: train")
    add("--backbone", metavar="FILE.onnx", help="eyes to see with: a network of your own (extra onnx; built in)")
    add("--beam", metavar="N", type=whole(1, 100), default=3, help="captions of each PICTURE (%(default)s)")


def run(a: argparse.Namespace) -> int:
    """Train, or say what is seen in pictures; return the exit status."""
    return _say(a) if a.picture else _train(a)


def _train(a: argparse.Namespace) -> int:
    _, pairs, _, epochs = _QUICK if a.quick else _COUNTS
    train, held_out = two_things(pairs, a.seed, 0), two_things(_HELD_OUT, a.seed, 1)
    np.random.seed(a.seed)
    target = tokenizer_for("word", train.captions)
    options = SenseOptions(a.out, a.overwrite, a.seed, a.epochs or epochs, a.quick)
    network = OnnxBackbone(a.backbone) if a.backbone else None
    shape, filters = (network.shape, ()) if network else ((3, SIDE, SIDE), _FILTERS)
    channels = filters[-1] if filters else shape[0]
    sizes = (channels, len(target), options.wordvec, options.hidden)
    model = PictureEncoderDecoder(EncoderDecoderSettings(*sizes, attention="dot", dropout=0.2), shape, filters)
    text = SenseToText(model, target, KIND, _LONGEST)
    learned, measured = (Examples(part.pictures, part.captions) for part in (train, held_out))
    with closing(
        SenseRun("caption", "what is seen in pictures of two things", text, learned, measured, options)
    ) as run:
        print(f"{len(train):,} pictures of two things, backend {model.backend.name}")
        eyes = Eyes.network(network) if network else _taught(run)
        text.more_facts = eyes.facts
        began = time.perf_counter()
        run.learned, run.held_out = (Examples(eyes.features(x.sources), x.texts) for x in (learned, measured))
        print(f"the convolutions stay as they are; features of all pictures in {time.perf_counter() - began:.1f} s")
        return run.conclude(partial(_summarise, run, eyes))


def _taught(run: SenseRun) -> Eyes:
    """Teach the convolutions of a model single things, if a run that goes on has not done so; return them."""
    o, model = run.options, run.model
    count, _, epochs, _ = _QUICK if o.quick else _COUNTS
    if run.take_up_weights():
        print("the convolutions were taught when the run began")
    else:
        print(f"first {count:,} pictures of one thing, for the convolutions alone")
        seconds = QUICK_SECONDS / 2 if o.quick else float("inf")
        told = teach_backbone(model, *single_things(count, o.seed), len(THINGS), epochs, seconds)
        run.beforehand["single things told right"] = told
    run.history |= run.beforehand
    return Eyes.own(model)


def _summarise(run: SenseRun, eyes: Eyes, finished: bool) -> None:
    test = two_things(_QUICK_TEST if run.options.quick else _TEST, run.options.seed, 2)
    examples = Examples(eyes.features(test.pictures), test.captions)
    texts = run.score(examples, "pictures of combinations never seen")
    with Beside("drawing pictures"):
        draw_sheet(run.folder / SHEET, test.pictures[:_SHOWN], texts[:_SHOWN], test.captions[:_SHOWN])
        print(f"captions: {run.folder / SHEET}")
        for n in range(_KEPT):
            write_picture(run.folder / PICTURE.format(n + 1), test.pictures[n])
        said = run.whole.answers(examples.sources[:1], GenerationOptions(attention=True))[0][0]
        draw_looks(run.folder / LOOKS, test.pictures[0], said, run.model.encoder.rows, run.model.encoder.columns)
        print(f"looked:   {run.folder / LOOKS}")
    run.show_files("app", "caption", str(run.folder / PICTURE.format(1)), "--out", str(run.folder))


def _say(a: argparse.Namespace) -> int:
    text, extra = SenseToText.load(a.out, KIND, HINT, a.backend)
    eyes = Eyes.of(text.model, a.backbone or extra.get("backbone"), extra.get("sha256"))
    sources = eyes.features(np.stack([read_picture(path, *eyes.size) for path in a.picture]))
    options = GenerationOptions(beam=a.beam, nbest=a.beam)
    for path, found in zip(a.picture, text.answers(sources, options), strict=True):
        print("\n".join([path] * (len(a.picture) > 1) + printed(found)))
    return 0

"""``fasts2s app tones``: digits heard in sounds, as in the recognition of speech."""

import argparse
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.apps.arguments import add_common
from fasts2s.apps.senses import Examples, SenseOptions, SenseRun, SenseToText, printed
from fasts2s.apps.sound_files import read_sound, write_sound
from fasts2s.apps.worlds.tones import BANDS, MOST_DIGITS, frames_of, spoken_digits
from fasts2s.commands.arguments import whole
from fasts2s.commands.figures import write_figure
from fasts2s.commands.output import Beside
from fasts2s.generation import GenerationOptions
from fasts2s.models import EncoderDecoderSettings, FrameEncoderDecoder, Frames
from fasts2s.text import tokenizer_for
from fasts2s.text_to_text import Said

KIND, HINT = "sounds", "fasts2s app tones --out DIR"
HEARD, SOUND = "attention.png", "sound-{}.wav"
#: Sounds to learn from, and epochs.
_COUNTS, _QUICK = (10_000, 8), (2500, 4)
_HELD_OUT, _TEST = 300, 1000
_KEPT = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this application."""
    add_common(parser, "tones")
    add = parser.add_argument
    add("sound", nargs="*", metavar="FILE.wav", help="wave files to hear digits in; none: train")
    add("--beam", metavar="N", type=whole(1, 100), default=3, help="answers for each FILE.wav (%(default)s)")


def run(a: argparse.Namespace) -> int:
    """Train, or say what is heard in files; return the exit status."""
    return _say(a) if a.sound else _train(a)


def examples_of(count: int, seed: int, part: int) -> Examples:
    """Return frames of sounds that belong to a part, and the digits in them."""
    sounds, digits = spoken_digits(count, seed, part)
    return Examples(Frames.of([frames_of(sound) for sound in sounds]), digits)


def _train(a: argparse.Namespace) -> int:
    count, epochs = _QUICK if a.quick else _COUNTS
    train, held_out = examples_of(count, a.seed, 0), examples_of(_HELD_OUT, a.seed, 1)
    np.random.seed(a.seed)
    target = tokenizer_for("char", train.texts)
    options = SenseOptions(a.out, a.overwrite, a.seed, a.epochs or epochs, a.quick)
    settings = EncoderDecoderSettings(
        BANDS, len(target), options.wordvec, options.hidden, attention="dot", bidirectional=True
    )
    model = FrameEncoderDecoder(settings)
    text = SenseToText(model, target, KIND, 4 * MOST_DIGITS)
    with closing(SenseRun("tones", "digits in sounds", text, train, held_out, options)) as run:
        longest = train.sources.values.shape[1]
        print(f"{len(train):,} sounds of up to {longest} frames, backend {model.backend.name}")
        return run.conclude(partial(_summarise, run, a.seed))


def _summarise(run: SenseRun, seed: int, finished: bool) -> None:
    test = examples_of(_HELD_OUT if run.options.quick else _TEST, seed, 2)
    run.score(test, "sounds of digits never heard in this order")
    sounds, _ = spoken_digits(_KEPT, seed, 2)
    with Beside("writing and drawing sounds"):
        for n, sound in enumerate(sounds, start=1):
            write_sound(run.folder / SOUND.format(n), sound)
        frames = Frames.of([frames_of(max(sounds, key=len))])
        said = run.whole.answers(frames, GenerationOptions(attention=True))[0][0]
        draw_heard(run.folder / HEARD, frames.values[0], said)
        print(f"heard:   {run.folder / HEARD}")
    run.show_files("app", "tones", str(run.folder / SOUND.format(1)), "--out", str(run.folder))


def draw_heard(path: Path, frames: Any, said: Said) -> None:
    """Draw frames (T, BANDS), and below them where a model listened for each of its words."""
    weights = np.asarray(said.attention)[: len(said.words)]

    def fill(figure: Any) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True)
        upper.imshow(frames.T, origin="lower", aspect="auto", cmap="magma", interpolation="nearest")
        upper.set_ylabel("band")
        lower.imshow(weights, aspect="auto", cmap="Blues", vmin=0, interpolation="nearest")
        lower.set_yticks(range(len(said.words)), said.words)
        lower.set_xlabel("frame, 16 ms each")
        lower.set_ylabel("digit")

    write_figure(path, (9, 5), fill)


def _say(a: argparse.Namespace) -> int:
    text, _ = SenseToText.load(a.out, KIND, HINT, a.backend)
    frames = Frames.of([frames_of(read_sound(path)) for path in map(Path, a.sound)])
    for path, found in zip(a.sound, text.answers(frames, GenerationOptions(beam=a.beam, nbest=a.beam)), strict=True):
        print("\n".join([path] * (len(a.sound) > 1) + printed(found)))
    return 0

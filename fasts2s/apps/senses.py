"""What applications share whose sources are no texts: pictures and sounds in, words out."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.apps.arguments import falling, quick_enough
from fasts2s.backend import BackendLike
from fasts2s.commands import run_folder
from fasts2s.commands.curves import text_curve
from fasts2s.commands.errors import CommandError
from fasts2s.commands.output import fitting
from fasts2s.commands.training_run import TrainingRun
from fasts2s.generation import GenerationOptions, generate
from fasts2s.metrics import exact_match
from fasts2s.models import load_model
from fasts2s.optimizers import Adam
from fasts2s.text import BOS, EOS, PAD, UNK, Tokenizer, encode_texts, load_tokenizer
from fasts2s.text.batches import padded
from fasts2s.text_to_text import TARGET, Said
from fasts2s.trainer import Trainer
from fasts2s_kernels.arrays import Array

#: Sources that are answered together.
_TOGETHER = 250
_MEASURED, _EXAMPLES = 300, 6


@dataclass(frozen=True)
class Examples:
    """Sources, as a model takes them, rows by index, and what is to be said of each."""

    sources: Any
    texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, rows: slice) -> Examples:
        return Examples(self.sources[rows], self.texts[rows])


class SenseToText:
    """A model whose sources are no texts, and the tokenizer of its answers.

    model : a FrameEncoderDecoder or a PictureEncoderDecoder
    kind : what the sources are, in a word: it stands in the file
    """

    def __init__(self, model: Any, target: Tokenizer, kind: str, max_length: int) -> None:
        self.model, self.target, self.kind, self.max_length = model, target, kind, max_length
        self.more_facts: dict[str, Any] = {}

    @classmethod
    def load(
        cls, folder: str | Path, kind: str, hint: str, backend: BackendLike | None
    ) -> tuple[SenseToText, dict[str, Any]]:
        """Return what an application wrote into a folder, and the facts in its file. Raises CommandError."""
        path = Path(folder) / run_folder.MODEL
        if not path.exists():
            raise CommandError(f"there is no {path}: train one with {hint}")
        model, extra = load_model(path, backend=backend)
        if extra.get("task") != kind:
            raise CommandError(
                f"{path} was trained on {extra.get('task')!r}, expected {kind!r}: train one with {hint}"
            )
        return cls(model, load_tokenizer(folder, TARGET), kind, int(extra.get("max_length", 50))), extra

    def facts(self) -> dict[str, Any]:
        """Return what stands beside the model in its file."""
        return {"task": self.kind, "max_length": self.max_length, **self.more_facts}

    def targets(self, texts: Sequence[str]) -> Array:
        """Return texts as ids (N, T) between marks, padded."""
        rows = encode_texts(texts, self.target)
        ids = padded(rows, np.arange(len(rows)), 1)
        ids[:, 0] = BOS
        return ids

    def answers(self, sources: Any, options: GenerationOptions | None = None) -> list[list[Said]]:
        """Return the answers to N sources, the best first; None: one each, greedily."""
        asked = GenerationOptions() if options is None else options
        longest = min(asked.max_length, self.max_length)
        chosen = replace(asked, start_id=BOS, stop_id=EOS, banned=(*asked.banned, PAD, BOS, UNK), max_length=longest)
        said: list[list[Said]] = []
        for start in range(0, len(sources), _TOGETHER):
            found = generate(self.model, sources[start : start + _TOGETHER], chosen)
            said += [[self._said(answer) for answer in answers] for answers in found]
        return said

    def _said(self, answer: Any) -> Said:
        words = [self.target.decode([i]) for i in answer.words]
        return Said(self.target.decode(answer.words), answer.score, [], words, answer.attention, answer.ids)

    def exact(self, examples: Examples) -> tuple[float, list[str]]:
        """Return the share of right answers, and the answers."""
        said = [answers[0].text for answers in self.answers(examples.sources)]
        return exact_match(said, list(examples.texts)), said


@dataclass(frozen=True)
class SenseOptions:
    """The options of a training; sizes in units and rows, ``max_grad`` an L2 norm."""

    out: str
    overwrite: bool
    seed: int
    epochs: int
    quick: bool
    hidden: int = 128
    wordvec: int = 32
    attention: str = "dot"
    batch_size: int = 64
    lr: float = 0.002
    max_grad: float = 5.0


class SenseRun(TrainingRun):
    """The training of an application whose sources are no texts."""

    measure_name = "accuracy"

    def __init__(
        self,
        name: str,
        title: str,
        whole: SenseToText,
        train: Examples,
        held_out: Examples,
        options: SenseOptions,
    ) -> None:
        self.whole, self.title, self.learned, self.held_out = whole, title, train, held_out[:_MEASURED]
        self.ids = whole.targets(train.texts)
        self.optimizer = Adam(options.lr, backend=whole.model.backend)
        self._first_step_ended = 0.0
        facts = {"application": name, "examples": {"train": len(train), "held_out": len(held_out)}}
        super().__init__(options, name, whole.model, Trainer(whole.model, self.optimizer), facts)

    def iterations(self) -> int:
        """Return the number of steps of an epoch."""
        return math.ceil(len(self.learned) / int(self.options.batch_size))

    def fit(self) -> None:
        """Train one epoch."""
        o, steps = self.options, self.options.epochs * self.iterations()
        order = np.random.default_rng([o.seed, len(self.epochs)]).permutation(len(self.learned))
        for rows in np.array_split(order, self.iterations())[self.skipped :]:
            self.optimizer.lr = o.lr * falling(self.trainer.updates / steps)
            ids = self.ids[rows]
            ids = ids[:, : int((ids != PAD).sum(axis=1).max())]
            self.trainer.train_step(self.learned.sources[rows], ids, o.max_grad)
            self._first_step_ended = self._first_step_ended or time.perf_counter()

    def measure(self, losses: list[float], seconds: float) -> dict[str, Any]:
        """Return the share of right answers to what is held out, in percent."""
        share, self._said = self.whole.exact(self.held_out)
        return {"accuracy": 100 * share}

    def enough(self) -> str:
        """Return why a quick training ends, if it does."""
        return quick_enough(self.options.quick, self._first_step_ended)

    def show(self, row: dict[str, Any]) -> None:
        """Print the line of an epoch and two answers."""
        print(
            f"epoch {row['epoch']:>2}/{self.options.epochs}  loss {row['loss']:.4f}  "
            f"held out: exact answers {row['accuracy']:.1f} %  ({row['seconds']:.1f} s)"
            + ("" if row["finished"] else "  interrupted")
        )
        print("   " + "\n   ".join(marked(self._said[:2], self.held_out.texts[:2])))

    def extra(self) -> dict[str, Any]:
        """Return what the model file needs beside the model."""
        return self.whole.facts()

    def write_beside(self) -> None:
        """Write the tokenizer."""
        self.whole.target.save(self.folder, TARGET)

    def learned_from(self) -> tuple[Any, ...]:
        """Return what is to be said: what is seen comes from the same seed, and its bits from the backend too."""
        return self.ids, list(self.held_out.texts)

    def titles(self) -> tuple[str, str]:
        """Return the title of the curve and of its right half."""
        return self.title, "exact answers to what is held out"

    def score(self, test: Examples, what: str) -> list[str]:
        """Take the best epoch, print examples and the score, keep it; return the answers."""
        print("\nexact answers by epoch, held out\n" + text_curve(self.epochs, self.measure_name, " %", 100))
        self.use_best()
        share, said = self.whole.exact(test)
        print(f"\n{what}\n   " + "\n   ".join(marked(said[:_EXAMPLES], test.texts[:_EXAMPLES])))
        print(f"score: exact answers {100 * share:.2f} % of {len(test):,} {what}")
        self.history["test"] = {"accuracy": 100 * share, "examples": len(test)}
        self.save_costs()
        return said


def marked(said: Sequence[str], right: Sequence[str]) -> list[str]:
    """Return answers with a mark, and with what was expected where they are wrong."""
    good, bad = fitting(("☑", "☒"), ("ok", "no"))
    return [f"{a} {good}" if a == b else f"{a} {bad} ({b})" for a, b in zip(said, right, strict=True)]


def printed(said: Sequence[Said]) -> list[str]:
    """Return answers with their probabilities."""
    return [f"{math.exp(one.score):.4f}  {one.text}" for one in said]

"""``fasts2s train lm``: a language model on words or characters."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasts2s.backend import get_backend
from fasts2s.commands.curves import text_curve
from fasts2s.commands.errors import CommandError
from fasts2s.commands.sizes import require_memory
from fasts2s.commands.training_run import TrainingRun
from fasts2s.commands.unknown_words import TOKENS, Unknown
from fasts2s.corpus import Corpus, load_text
from fasts2s.corpus.text import Level
from fasts2s.evaluation import perplexity
from fasts2s.models import BetterRnnlm, Rnnlm
from fasts2s.optimizers import SGD
from fasts2s.trainer import RnnlmTrainer

#: Training ends when the learning rate is this many times smaller than at first.
_SMALLEST = 1000
MODELS: dict[str, Any] = {"rnnlm": Rnnlm, "better": BetterRnnlm}


@dataclass(frozen=True)
class LanguageModelOptions:
    """The options of the command; sizes in units, words and rows, ``max_grad`` an L2 norm."""

    text: str | None
    model: str
    level: Level
    epochs: int
    batch_size: int
    time_size: int
    hidden: int
    lr: float
    max_grad: float
    min_count: int
    seed: int
    out: str | None
    overwrite: bool


class _Run(TrainingRun):
    measure_name = "perplexity"
    larger_is_better = False

    def __init__(self, options: LanguageModelOptions) -> None:
        self.corpus, o = _load(options), options
        np.random.seed(o.seed)
        backend = get_backend()
        require_memory(o.hidden * (8 * o.hidden + self.corpus.vocab_size), copies=2)  # at least, with gradients
        model = MODELS[o.model](self.corpus.vocab_size, o.hidden, o.hidden, backend=backend)
        self.optimizer = SGD(o.lr, backend=backend)
        tokens = {"train": self.corpus.train.size, "vocabulary": self.corpus.vocab_size}
        self.unknown = Unknown(self.corpus, o.level)
        facts = {"corpus": self.corpus.name, TOKENS[o.level]: tokens, "unk_percent": self.unknown.percent}
        super().__init__(o, f"lm-{o.model}", model, RnnlmTrainer(model, self.optimizer), facts)

    def iterations(self) -> int:
        return int((self.corpus.train.size - 1) // (self.options.batch_size * self.options.time_size))

    def fit(self) -> None:
        o, train = self.options, self.corpus.train
        self.trainer.fit(train[:-1], train[1:], 1, o.batch_size, o.time_size, o.max_grad, eval_interval=None)

    def held_out(self, ids: Any) -> float:
        """Return the perplexity of held-out words, the state being empty before and after."""
        self.model.reset_state()
        # As many streams as leave each of them a full stretch of time_size steps.
        streams = max(1, min(10, (ids.size - 1) // self.options.time_size))
        result = perplexity(self.model, ids, streams, self.options.time_size)
        self.model.reset_state()
        if not np.isfinite(result):
            raise FloatingPointError(f"the perplexity of held-out words is {result}: lower --lr or --max-grad")
        return result

    def measure(self, losses: list[float], seconds: float) -> dict[str, Any]:
        rate = len(losses) * self.options.batch_size * self.options.time_size / seconds
        return {
            "perplexity": self.held_out(self.corpus.valid),
            "lr": self.optimizer.lr,
            f"{TOKENS[self.options.level]}_per_second": rate,
        }

    def no_progress(self) -> None:
        # The book's schedule: no progress on held-out text, smaller steps.
        self.optimizer.lr /= 4

    def enough(self) -> str:
        lr, first = self.optimizer.lr, self.options.lr
        if lr >= first / _SMALLEST:
            return ""
        best = self.best()
        return (
            f"the learning rate, quartered after every epoch without progress, would be {lr:.2g}, less than a "
            f"{_SMALLEST}th of --lr {first:g}: the weights hardly change any more, epoch {best['epoch']} was the best"
        )

    def show(self, row: dict[str, Any]) -> None:
        tokens = TOKENS[self.options.level]
        before = self.epochs[-2]["lr"] if len(self.epochs) > 1 else self.options.lr
        with np.errstate(over="ignore"):
            training = np.exp(row["loss"])
        print(
            f"epoch {row['epoch']:>2}/{self.options.epochs}  loss {row['loss']:.4f}  "
            f"perplexity: training {training:.1f}{self.unknown.beside('train')}, "
            f"validation {row['perplexity']:.1f}{self.unknown.beside('valid')}  "
            f"{row[f'{tokens}_per_second']:,.0f} {tokens}/s  ({row['seconds']:.1f} s)"
            + (f"  learning rate {row['lr']:g}" if row["lr"] != before else "")
            + ("" if row["finished"] else "  interrupted")
        )

    def extra(self) -> dict[str, Any]:
        # The level says how a prompt is cut, as the text was: see generate.
        words = [self.corpus.id_to_word[i] for i in range(self.corpus.vocab_size)]
        return {"task": "lm", "level": self.options.level, "words": words}

    def titles(self) -> tuple[str, str]:
        return f"language model {self.options.model}: {self.corpus.name}", self.measured()

    def measured(self) -> str:
        """Return what the measure is, with the share of unknown words."""
        return f"perplexity of held-out {TOKENS[self.options.level]}{self.unknown.beside('valid')}"


def _load(options: LanguageModelOptions) -> Corpus:
    corpus = load_text(options.text, unk_below=options.min_count, level=options.level)
    need = options.batch_size * options.time_size
    if corpus.train.size <= need or min(corpus.valid.size, corpus.test.size) <= options.time_size:
        raise CommandError(
            f"the text gives {corpus.train.size} {TOKENS[options.level]} to train on and {corpus.valid.size} + "
            f"{corpus.test.size} to measure with, expected more than --batch-size times --time-size = {need} and "
            f"--time-size = {options.time_size}: take a longer text or smaller values"
        )
    return corpus


def train_lm(options: LanguageModelOptions) -> int:
    """Run the command; return the exit status: 0, or 130 after Ctrl-C."""
    with closing(_Run(options)) as run:
        return _train(run)


def _train(run: _Run) -> int:
    options, c = run.options, run.corpus
    print(
        f"{c.name}: {c.train.size:,} {TOKENS[options.level]} to learn, {c.valid.size:,} + {c.test.size:,} held out, "
        f"vocabulary {c.vocab_size:,}; {options.model}, {run.history['parameters']:,} parameters, "
        f"backend {run.model.backend.name}"
    )
    run.unknown.warn()
    finished = run.train()
    if run.epochs:
        _summarise(run, finished)
    else:
        print("interrupted before the first step: nothing to save")
    return 0 if finished else 130


def _summarise(run: _Run, finished: bool) -> None:
    if finished:
        run.use_best()
        run.history["test_perplexity"] = run.held_out(run.corpus.test)
        run.save()
    print(f"\n{run.measured()} by epoch\n" + text_curve(run.epochs, "perplexity", ""))
    best, share = run.best(), run.unknown.beside("valid")
    print(f"\nvalidation perplexity {best['perplexity']:.1f}{share} (epoch {best['epoch']})")
    if finished:
        print(f"test perplexity of that model {run.history['test_perplexity']:.1f}{run.unknown.beside('test')}")
    by_frequency = (run.corpus.id_to_word[int(i)] for i in np.bincount(run.corpus.train).argsort()[::-1])
    word = next((w for w in by_frequency if w.isalpha()), run.corpus.id_to_word[0])
    run.show_files("generate", str(run.folder), "--start", word)

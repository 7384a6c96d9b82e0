"""``fasts2s train lm``: a language model on words."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fasts2s.backend import get_backend
from fasts2s.commands import run_folder
from fasts2s.commands.curves import draw_curve, text_curve
from fasts2s.commands.errors import CommandError
from fasts2s.commands.progress import progress_bar
from fasts2s.corpus import Corpus, load_text
from fasts2s.evaluation import perplexity
from fasts2s.models import BetterRnnlm, Rnnlm
from fasts2s.optimizers import SGD
from fasts2s.trainer import RnnlmTrainer

MODELS: dict[str, Any] = {"rnnlm": Rnnlm, "better": BetterRnnlm}


@dataclass(frozen=True)
class LanguageModelOptions:
    """The options of the command; sizes in units, words and rows, ``max_grad`` an L2 norm."""

    text: str | None
    model: str
    epochs: int
    batch_size: int
    time_size: int
    hidden: int
    lr: float
    max_grad: float
    min_count: int
    seed: int
    out: str | None


class _Run:
    def __init__(self, options: LanguageModelOptions) -> None:
        self.options = options
        self.corpus = _load(options)
        np.random.seed(options.seed)
        backend = get_backend()
        self.model = MODELS[options.model](self.corpus.vocab_size, options.hidden, options.hidden, backend=backend)
        self.optimizer = SGD(options.lr, backend=backend)
        self.trainer = RnnlmTrainer(self.model, self.optimizer)
        self.folder = run_folder.new_folder(options.out, f"lm-{options.model}")
        self.epochs: list[dict[str, Any]] = []
        self.best = float("inf")
        self.history: dict[str, Any] = {
            "settings": asdict(options),
            "environment": run_folder.environment(backend.name),
            "corpus": self.corpus.name,
            "words": {"train": self.corpus.train.size, "vocabulary": self.corpus.vocab_size},
            "epochs": self.epochs,
        }

    def epoch(self, number: int) -> bool:
        """Train one epoch, measure, print and save; return False if it was interrupted."""
        o, losses, started = self.options, [], time.perf_counter()
        xs, ts = self.corpus.train[:-1], self.corpus.train[1:]
        with progress_bar(len(xs) // (o.batch_size * o.time_size), f"epoch {number}/{o.epochs}") as advance:

            def on_step(loss: float) -> None:
                losses.append(loss)
                advance()

            self.trainer.on_step = on_step
            try:
                self.trainer.fit(xs, ts, 1, o.batch_size, o.time_size, o.max_grad, eval_interval=None)
                finished = True
            except KeyboardInterrupt:
                finished = False
        if losses:
            self._measure(number, losses, time.perf_counter() - started, finished)
        return finished

    def measure(self, ids: Any) -> float:
        """Return the perplexity of held-out words, the state being empty before and after."""
        self.model.reset_state()
        # As many streams as leave each of them a full stretch of time_size steps.
        streams = max(1, min(10, (ids.size - 1) // self.options.time_size))
        result = perplexity(self.model, ids, streams, self.options.time_size)
        self.model.reset_state()
        return result

    def _measure(self, number: int, losses: list[float], seconds: float, finished: bool) -> None:
        o = self.options
        row = {
            "epoch": number,
            "finished": finished,
            "loss": float(np.mean(losses)),
            "perplexity": self.measure(self.corpus.valid),
            "lr": self.optimizer.lr,
            "seconds": seconds,
            "words_per_second": len(losses) * o.batch_size * o.time_size / seconds,
        }
        self.epochs.append(row)
        print(
            f"epoch {number:>2}/{o.epochs}  loss {row['loss']:.4f}  perplexity: training {np.exp(row['loss']):.1f}, "
            f"validation {row['perplexity']:.1f}  {row['words_per_second']:,.0f} words/s  ({seconds:.1f} s)"
            + ("" if finished else "  interrupted")
        )
        if row["perplexity"] < self.best:
            self.best = row["perplexity"]
            run_folder.write_model(self.folder, self.model, self._extra(number))
        else:
            # The book's schedule: no progress on held-out text, smaller steps.
            self.optimizer.lr /= 4
        self.save()

    def save(self) -> None:
        """Write history.json and curve.png."""
        run_folder.write_history(self.folder, self.history)
        title = f"language model {self.options.model}: {self.corpus.name}"
        path = self.folder / run_folder.CURVE
        draw_curve(path, self.epochs, title, "perplexity", "perplexity of held-out words")

    def _extra(self, epoch: int) -> dict[str, Any]:
        words = [self.corpus.id_to_word[i] for i in range(self.corpus.vocab_size)]
        return {"task": "lm", "words": words, "epoch": epoch, "perplexity": self.best}


def _load(options: LanguageModelOptions) -> Corpus:
    try:
        corpus = load_text(options.text, unk_below=options.min_count)
    except (OSError, ValueError, ImportError) as error:
        raise CommandError(str(error)) from None
    need = options.batch_size * options.time_size
    if corpus.train.size <= need or min(corpus.valid.size, corpus.test.size) <= options.time_size:
        raise CommandError(
            f"the text gives {corpus.train.size} words to train on and {corpus.valid.size} + {corpus.test.size} to "
            f"measure with, expected more than batch-size * time-size = {need} and {options.time_size}: "
            "take a longer text or smaller values"
        )
    return corpus


def train_lm(options: LanguageModelOptions) -> int:
    """Run the command; return the exit status: 0, or 130 after Ctrl-C."""
    started = time.perf_counter()
    run = _Run(options)
    c = run.corpus
    print(
        f"{c.name}: {c.train.size:,} words to learn, {c.valid.size:,} + {c.test.size:,} held out, "
        f"vocabulary {c.vocab_size:,}; {options.model}, {sum(p.size for p in run.model.params):,} parameters, "
        f"backend {run.model.backend.name}"
    )
    finished = True
    for number in range(1, options.epochs + 1):
        finished = run.epoch(number)
        if not finished:
            break
    if not run.epochs:
        print("interrupted before the first step: nothing to save")
        return 130
    _summarise(run, time.perf_counter() - started, finished)
    return 0 if finished else 130


def _summarise(run: _Run, seconds: float, finished: bool) -> None:
    print("\nperplexity of held-out words by epoch\n" + text_curve(run.epochs, "perplexity", ""))
    print(f"\nbest validation perplexity {run.best:.1f}")
    if finished:
        model, _ = run_folder.read_model(str(run.folder), ("lm",), "", run.model.backend.name)
        run.model = model
        run.history["test_perplexity"] = run.measure(run.corpus.test)
        run.save()
        print(f"test perplexity of that model {run.history['test_perplexity']:.1f}")
    memory = run_folder.peak_memory_mb()
    print(f"time {seconds:.0f} s" + (f", peak memory {memory:.0f} MB" if memory else ""))
    for name in (run_folder.MODEL, run_folder.HISTORY, run_folder.CURVE):
        print(f"wrote {run.folder / name}")
    print(f"try:  fasts2s generate {run.folder} --start {run.corpus.id_to_word[0]}")

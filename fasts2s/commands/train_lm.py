"""``fasts2s train lm``: a language model on words, subwords or characters."""

from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from fasts2s.backend import get_backend
from fasts2s.commands import run_folder
from fasts2s.commands.curves import text_curve
from fasts2s.commands.errors import CommandError
from fasts2s.commands.lm_models import RATES, describe, make_model
from fasts2s.commands.training_run import TrainingRun
from fasts2s.commands.unknown_words import Unknown
from fasts2s.commands.vocabularies import SYMBOLS, TokenizerVocabulary
from fasts2s.commands.writer import Writer
from fasts2s.corpus import Corpus, load_text
from fasts2s.evaluation import perplexity
from fasts2s.generation import GenerationOptions
from fasts2s.optimizers import SGD
from fasts2s.text import EOS, UNK
from fasts2s.trainer import RnnlmTrainer

#: Training ends when the learning rate is this many times smaller than at first.
_SMALLEST = 1000
#: Symbols of the example that is written after an epoch.
_EXAMPLE = {"word": 16, "subword": 20, "char": 60}


@dataclass(frozen=True)
class LanguageModelOptions:
    """The options of the command; sizes in units, symbols and rows, ``max_grad`` an L2 norm.

    Without a min_count it is 2, for subwords 1; without lr it is that of the cell. What of model to wordvec is
    None or False was not asked for.
    """

    text: str | None
    format: Any
    column: int | str
    encoding: str
    tokens: Any
    lower: bool
    jamo: bool
    vocabulary: int | None
    min_count: int | None
    model: str | None
    cell: str | None
    layers: int | None
    dropout: float | None
    tied: bool
    wordvec: int | None
    epochs: int
    batch_size: int
    time_size: int
    hidden: int
    lr: float | None
    max_grad: float
    seed: int
    out: str | None
    overwrite: bool
    schedule: Any = None
    warmup: int | None = None
    patience: int | None = None
    average: bool = False


class _Run(TrainingRun):
    measure_name = "perplexity"
    larger_is_better = False

    def __init__(self, options: LanguageModelOptions) -> None:
        self.kind = describe(options)  # what does not go together is said before a text is read
        self.lr = options.lr or RATES[options.cell or "lstm"]
        o = replace(options, lr=self.lr)
        self.corpus = _load(o)
        np.random.seed(o.seed)
        backend = get_backend()
        model = make_model(o, self.corpus.vocab_size, backend)
        self.optimizer = SGD(self.lr, backend=backend)
        self.symbols = SYMBOLS[o.tokens]
        self.writer = Writer(model, TokenizerVocabulary(self.corpus.tokenizer))
        self.unknown = Unknown(self.corpus)
        counts = {"train": self.corpus.train.size, "vocabulary": self.corpus.vocab_size}
        facts = {"corpus": self.corpus.name, self.symbols: counts, "unk_percent": self.unknown.percent}
        super().__init__(o, f"lm-{o.model or o.cell or 'rnnlm'}", model, RnnlmTrainer(model, self.optimizer), facts)

    def iterations(self) -> int:
        return int((self.corpus.train.size - 1) // (self.options.batch_size * self.options.time_size))

    def fit(self) -> None:
        o, train = self.options, self.corpus.train
        self.trainer.fit(train[:-1], train[1:], 1, o.batch_size, o.time_size, o.max_grad, eval_interval=None)

    def held_out(self, ids: Any) -> float:
        """Return the perplexity of held-out symbols, the state being empty before and after."""
        self.model.reset_state()
        # As many streams as leave each of them a full stretch of time_size steps.
        streams = max(1, min(10, (ids.size - 1) // self.options.time_size))
        result = perplexity(self.model, ids, streams, self.options.time_size)
        self.model.reset_state()
        if not np.isfinite(result):
            raise FloatingPointError(f"the perplexity of held-out words is {result}: lower --lr or --max-grad")
        return result

    def bits(self, part: str, ppl: float) -> float | None:
        """Return the bits per character that a perplexity of a part is; None where many words are `<unk>`."""
        if self.options.tokens == "word":
            return None
        ids = getattr(self.corpus, part)
        return float(np.log2(ppl) * ids.size / self.corpus.characters[part])

    def measure(self, losses: list[float], seconds: float) -> dict[str, Any]:
        rate = len(losses) * self.options.batch_size * self.options.time_size / seconds
        ppl = self.held_out(self.corpus.valid)
        bits = self.bits("valid", ppl)
        return {
            "perplexity": ppl,
            **({} if bits is None else {"bits_per_character": bits}),
            "lr": self.optimizer.lr,
            f"{self.symbols}_per_second": rate,
        }

    def no_progress(self) -> None:
        # The book's schedule: no progress on held-out text, smaller steps.
        self.optimizer.lr /= 4

    def enough(self) -> str:
        lr, first = self.optimizer.lr, self.lr
        if lr >= first / _SMALLEST:
            return ""
        best = self.best()
        return (
            f"the learning rate, quartered after every epoch without progress, would be {lr:.2g}, less than a "
            f"{_SMALLEST}th of --lr {first:g}: the weights hardly change any more, epoch {best['epoch']} was the best"
        )

    def show(self, row: dict[str, Any]) -> None:
        with np.errstate(over="ignore"):
            training = np.exp(row["loss"])
        print(
            f"epoch {row['epoch']:>2}/{self.options.epochs}  loss {row['loss']:.4f}  "
            f"perplexity: training {training:.1f}{self.unknown.beside('train')}, "
            f"validation {self.shown('valid', row['perplexity'])}  "
            f"{row[f'{self.symbols}_per_second']:,.0f} {self.symbols}/s  ({row['seconds']:.1f} s)"
            + self.remarks(row, self.lr)
        )
        print("   " + self.example(row["epoch"]))

    def shown(self, part: str, ppl: float) -> str:
        """Return a perplexity as it is printed, with the share of unknown words and bits per character."""
        bits = self.bits(part, ppl)
        digits = 1 if bits is None else 2
        more = "" if bits is None else f", {bits:.3f} bits per character"
        return f"{ppl:.{digits}f}{self.unknown.beside(part)}{more}"

    def example(self, seed: int) -> str:
        """Return what the model writes at the beginning of a line; the training draws what it would without."""
        options = GenerationOptions(
            temperature=1.0,
            max_length=_EXAMPLE[self.options.tokens],
            banned=sorted(self.writer.vocabulary.never),
            rng=seed,
        )
        ((_, text),) = self.writer.write([EOS], options)
        return " ".join(text.split())

    def extra(self) -> dict[str, Any]:
        return {"task": "lm", "tokens": self.options.tokens}

    def write_beside(self) -> None:
        self.corpus.tokenizer.save(self.folder, run_folder.TEXT)

    def learned_from(self) -> tuple[Any, ...]:
        return self.corpus.train, self.corpus.valid, self.corpus.test

    def titles(self) -> tuple[str, str]:
        return f"language model {self.kind}: {self.corpus.name}", self.measured()

    def measured(self) -> str:
        """Return what the measure is, with the share of unknown words."""
        return f"perplexity of held-out {self.symbols}{self.unknown.beside('valid')}"


def _load(o: LanguageModelOptions) -> Corpus:
    least = o.min_count if o.min_count is not None else 1 if o.tokens == "subword" else 2
    corpus = load_text(
        o.text,
        tokens=o.tokens,
        format=o.format,
        column=o.column,
        encoding=o.encoding,
        max_size=o.vocabulary,
        min_count=least,
        lower=o.lower,
        jamo=o.jamo,
    )
    need = o.batch_size * o.time_size
    if corpus.train.size <= need or min(corpus.valid.size, corpus.test.size) <= o.time_size:
        raise CommandError(
            f"the text gives {corpus.train.size} {SYMBOLS[o.tokens]} to train on and {corpus.valid.size} + "
            f"{corpus.test.size} to measure with, expected more than --batch-size times --time-size = {need} and "
            f"--time-size = {o.time_size}: take a longer text or smaller values"
        )
    return corpus


def train_lm(options: LanguageModelOptions) -> int:
    """Run the command; return the exit status: 0, or 130 after Ctrl-C."""
    with closing(_Run(options)) as run:
        return _train(run)


def _train(run: _Run) -> int:
    c = run.corpus
    print(
        f"{c.name}: {c.train.size:,} {run.symbols} to learn, {c.valid.size:,} + {c.test.size:,} held out, "
        f"vocabulary {c.vocab_size:,}; {run.kind}, {run.history['parameters']:,} parameters, "
        f"backend {run.model.backend.name}"
    )
    run.unknown.warn()
    return run.conclude(partial(_summarise, run))


def _summarise(run: _Run, finished: bool) -> None:
    if finished:
        run.use_best()
        run.history["test_perplexity"] = test = run.held_out(run.corpus.test)
        bits = run.bits("test", test)
        run.history |= {} if bits is None else {"test_bits_per_character": bits}
        run.save()
    print(f"\n{run.measured()} by epoch\n" + text_curve(run.epochs, "perplexity", ""))
    best = run.best()
    print(f"\nvalidation perplexity {run.shown('valid', best['perplexity'])} (epoch {best['epoch']})")
    if finished:
        print(f"test perplexity of that model {run.shown('test', run.history['test_perplexity'])}")
    run.show_files("generate", str(run.folder), "--start", _first_word(run.corpus))


def _first_word(corpus: Corpus) -> str:
    """Return the most frequent word that a text may begin with; the end of a line where there is none."""
    tokenizer = corpus.tokenizer
    by_frequency = np.bincount(corpus.train, minlength=len(tokenizer)).argsort()[::-1]
    words = (tokenizer.decode([int(i)]).strip() for i in by_frequency)
    # Some symbols stand inside of words only.
    return next((word for word in words if word.isalpha() and UNK not in tokenizer.encode(word)), "<eos>")

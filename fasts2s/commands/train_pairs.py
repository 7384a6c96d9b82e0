"""``fasts2s train pairs``: an encoder-decoder model on a file of pairs of texts."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from fasts2s.backend import get_backend
from fasts2s.commands.curves import text_curve
from fasts2s.commands.errors import CommandError
from fasts2s.commands.output import fitting
from fasts2s.commands.sizes import require_memory
from fasts2s.commands.training_run import TrainingRun
from fasts2s.models import EncoderDecoder, EncoderDecoderSettings
from fasts2s.optimizers import Adam
from fasts2s.text import Batches, EncodedPairs, Pairs, encode_pairs, read_pairs, split, statistics, tokenizers_for
from fasts2s.text_to_text import TextToText
from fasts2s.trainer import Trainer

#: Training ends when the learning rate is this many times smaller than at first.
_SMALLEST = 64
#: Pairs that are answered after an epoch, for the share of exact answers.
_ANSWERED = 200
#: Steps that an epoch has at least, unless batches would have fewer rows than this.
_STEPS, _FEWEST_ROWS = 32, 8
#: Characters of a text that are shown.
_SHOWN = 70
#: What options of the command are called in the settings of the model.
_SIZES = {"wordvec": "wordvec_size", "hidden": "hidden_size"}
_SETTINGS = (
    "cell", "layers", "residual", "dropout", "variational", "bidirectional", "reverse", "bridge", "decoder",
    "attention", "input_feeding", "tied", "label_smoothing", "scheduled_sampling",
)  # fmt: skip


@dataclass(frozen=True)
class PairOptions:
    """The options of the command; sizes in units, rows and tokens, ``max_grad`` an L2 norm."""

    file: str
    target_file: str | None
    format: Any
    source_column: int | str
    target_column: int | str
    encoding: str
    validation: float
    test: float
    tokens: Any
    lower: bool
    jamo: bool
    vocabulary: int | None
    min_count: int
    shared_vocabulary: bool
    target_backwards: bool
    max_length: int
    cell: Any
    layers: int
    wordvec: int
    hidden: int
    residual: bool
    dropout: float
    variational: bool
    bidirectional: bool
    reverse: bool
    bridge: Any
    decoder: Any
    attention: Any
    input_feeding: bool
    tied: bool
    label_smoothing: float
    scheduled_sampling: float
    epochs: int
    batch_size: int
    batch_tokens: int
    lr: float
    max_grad: float
    seed: int
    out: str | None
    overwrite: bool
    schedule: Any = None
    warmup: int | None = None
    patience: int | None = None
    average: bool = False

    def settings(self, source_size: int, target_size: int) -> EncoderDecoderSettings:
        """Return those of the model."""
        chosen = {name: getattr(self, name) for name in _SETTINGS}
        sizes = {name: getattr(self, option) for option, name in _SIZES.items()}
        return EncoderDecoderSettings(source_size=source_size, target_size=target_size, **sizes, **chosen)


def pairs_of(o: Any) -> Pairs:
    """Read the file that the options of ``add_reading`` name."""
    return read_pairs(
        o.file,
        format=o.format,
        source_column=o.source_column,
        target_column=o.target_column,
        encoding=o.encoding,
        target_path=o.target_file,
    )


class PairsData:
    """The pairs of a run: in parts, tokenizers learned from the training part, encoded."""

    def __init__(self, train: Pairs, validation: Pairs, test: Pairs, o: PairOptions) -> None:
        self.train, self.validation, self.test = train, validation, test
        self.source, self.target = tokenizers_for(
            self.train,
            o.tokens,
            shared=o.shared_vocabulary,
            target_backwards=o.target_backwards,
            max_size=o.vocabulary,
            min_count=o.min_count,
            jamo=o.jamo,
            lower=o.lower,
        )
        self.learned = self.encoded(self.train, o)
        self.held_out = self.encoded(self.validation, o)

    @classmethod
    def read(cls, o: PairOptions) -> "PairsData":
        """Read and split the file that the options name. CommandError: it has too few pairs."""
        train, validation, test = split(pairs_of(o), o.validation, o.test, o.seed)
        if not len(train) or not len(validation):
            raise CommandError(
                f"{o.file} gives {len(train)} pairs to learn from and {len(validation)} to measure with, "
                "expected at least one of each: take more pairs, or a larger --validation"
            )
        return cls(train, validation, test, o)

    def encoded(self, pairs: Pairs, o: PairOptions) -> EncodedPairs:
        """Return pairs as ids; those that are too long are left out."""
        return encode_pairs(pairs, self.source, self.target, max_source=o.max_length, max_target=o.max_length)


def _rows(o: PairOptions, pairs: int) -> int:
    """Return the most rows of a step: few pairs in large batches would be few steps, and nothing would be learned."""
    return min(o.batch_size, max(_FEWEST_ROWS, pairs // _STEPS))


class PairsRun(TrainingRun):
    """The training of an encoder-decoder model on pairs."""

    measure_name = "perplexity"
    larger_is_better = False

    def __init__(self, options: PairOptions, data: PairsData) -> None:
        self.data, o = data, options
        np.random.seed(o.seed)
        backend = get_backend()
        settings = o.settings(len(self.data.source), len(self.data.target))
        V, H = settings.source_size + settings.target_size, settings.hidden_size
        require_memory(V * settings.wordvec_size + settings.target_size * H + 8 * H * H * o.layers, copies=4)
        model = EncoderDecoder(settings, backend=backend)
        self.whole = TextToText(model, self.data.source, self.data.target, o.max_length)
        self.optimizer = Adam(o.lr, backend=backend)
        self.batches = Batches(
            self.data.learned, o.batch_tokens, max_rows=_rows(o, len(self.data.learned)), seed=o.seed
        )
        facts = {"pairs": {name: len(getattr(self.data, name)) for name in ("train", "validation", "test")}}
        super().__init__(o, "pairs", model, Trainer(model, self.optimizer), facts)

    def iterations(self) -> int:
        return len(self.batches)

    def fit(self) -> None:
        for batch in islice(self.batches.epoch(len(self.epochs)), self.skipped, None):
            self.trainer.train_step(batch.xs, batch.ts, self.options.max_grad)

    def measure(self, losses: list[float], seconds: float) -> dict[str, Any]:
        learned = self.data.learned
        tokens = int(learned.source.lengths.sum() + learned.target.lengths.sum()) * len(losses) / len(self.batches)
        return {
            "perplexity": self.whole.perplexity(self.data.held_out),
            "exact": self.whole.exact_match(self.data.validation[:_ANSWERED]),
            "lr": self.optimizer.lr,
            "tokens_per_second": tokens / seconds,
        }

    def no_progress(self) -> None:
        self.optimizer.lr /= 2

    def enough(self) -> str:
        lr, first = self.optimizer.lr, self.options.lr
        if lr >= first / _SMALLEST:
            return ""
        return (
            f"the learning rate, halved after every epoch without progress, is less than a {_SMALLEST}th of "
            f"--lr {first:g}; epoch {self.best()['epoch']} was the best"
        )

    def show(self, row: dict[str, Any]) -> None:
        print(
            f"epoch {row['epoch']:>2}/{self.options.epochs}  loss {row['loss']:.4f}  "
            f"validation: perplexity {row['perplexity']:.2f}, exact {100 * row['exact']:.1f} %  "
            f"{row['tokens_per_second']:,.0f} tokens/s  ({row['seconds']:.1f} s)" + self.remarks(row, self.options.lr)
        )
        print("   " + "\n   ".join(self.examples(2)))

    def examples(self, count: int) -> list[str]:
        """Return "source = answer ☑" for some of the pairs that are held out, others in every epoch."""
        held_out = self.data.validation
        order = np.random.default_rng(len(self.epochs)).permutation(len(held_out))
        shown = held_out.select(order[:count].tolist())
        return self.lines(shown, [said[0].text for said in self.whole.answers(shown.sources)])

    def lines(self, pairs: Pairs, answers: Sequence[str]) -> list[str]:
        """Return "source = answer ☑" for pairs and the answers to them."""
        right, wrong = fitting(("☑", "☒"), ("ok", "no"))
        lines = []
        for (source, target), answer in zip(pairs, answers, strict=True):
            mark = right if self.is_right(source, answer, target) else f"{wrong} ({short(target)})"
            lines.append(f"{short(source)} = {short(answer)} {mark}")
        return lines

    def is_right(self, source: str, answer: str, target: str) -> bool:
        """Whether an answer is marked as right."""
        return answer == target

    def extra(self) -> dict[str, Any]:
        return self.whole.facts()

    def write_beside(self) -> None:
        self.whole.save_tokenizers(self.folder)

    def learned_from(self) -> tuple[Any, ...]:
        encoded = (self.data.learned, self.data.held_out)
        sides = [side for pairs in encoded for side in (pairs.source, pairs.target)]
        return [[side.ids, side.offsets] for side in sides], list(self.data.test.sources)

    def titles(self) -> tuple[str, str]:
        o = self.options
        kind = f"{o.layers} x {o.cell.upper()}, {o.decoder}, attention {o.attention}"
        return f"{self.data.train.origin}: {kind}", "perplexity of held-out pairs"


def short(text: str) -> str:
    """Return a text as it is shown: on one line, and not too long."""
    text = text.replace("\n", "\\n")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def train_pairs(options: PairOptions) -> int:
    """Run the command; return the exit status: 0, or 130 after Ctrl-C."""
    with closing(PairsRun(options, PairsData.read(options))) as run:
        return _train(run)


def _train(run: PairsRun) -> int:
    show_data(run)
    return run.conclude(partial(_summarise, run))


def show_data(run: PairsRun) -> None:
    """Print what there is to learn, and how large the model is."""
    data, learned = run.data, run.data.learned
    print(statistics(data.train, data.source, data.target))
    left_out = f" ({learned.left_out:,} are longer than --max-length, and left out)" if learned.left_out else ""
    print(
        f"{len(learned):,} pairs to learn{left_out}, {len(data.held_out):,} to measure with, {len(data.test):,} kept "
        f"for the end; {run.history['parameters']:,} parameters, backend {run.model.backend.name}"
    )


def _summarise(run: PairsRun, finished: bool) -> None:
    print("\nperplexity of held-out pairs by epoch\n" + text_curve(run.epochs, "perplexity", ""))
    best = run.best()
    print(
        f"\nvalidation perplexity {best['perplexity']:.2f}, exact {100 * best['exact']:.1f} % (epoch {best['epoch']})"
    )
    if finished and len(run.data.test):
        run.use_best()
        run.history["test"] = scores = run.whole.scores(run.data.test)
        run.save()
        print("test " + ", ".join(scores_shown(scores)))
    run.show_files("ask", str(run.folder), min(run.data.validation.sources, key=len))


_NAMES = {
    "perplexity": "perplexity",
    "exact": "exact",
    "token_accuracy": "right symbols",
    "bleu": "BLEU",
    "chrf": "chrF",
    "rouge_l": "ROUGE-L",
}


def scores_shown(scores: dict[str, float]) -> list[str]:
    """Return scores in words: shares in percent."""
    shares = ("exact", "token_accuracy")
    return [
        f"{_NAMES[name]} " + (f"{100 * value:.1f} %" if name in shares else f"{value:.2f}")
        for name, value in scores.items()
    ]

"""``fasts2s train addition`` and ``fasts2s train date``: a sequence-to-sequence model on characters."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasts2s.backend import get_backend
from fasts2s.commands.curves import text_curve
from fasts2s.commands.errors import CommandError
from fasts2s.commands.output import fitting
from fasts2s.commands.sizes import require_memory
from fasts2s.commands.training_run import TrainingRun
from fasts2s.evaluation import decode_ids, exact_answers
from fasts2s.models import AttentionSeq2seq, PeekySeq2seq, Seq2seq
from fasts2s.optimizers import Adam
from fasts2s.sequence import SequenceData, load_file
from fasts2s.trainer import Trainer

MODELS = {"seq2seq": Seq2seq, "peeky": PeekySeq2seq, "attention": AttentionSeq2seq}
#: Shuffles and splits the data, as in the book; with this seed for the weights too, the run is the book's.
DATA_SEED = 1984


@dataclass(frozen=True)
class SequenceOptions:
    """The options of the command; sizes in units and rows, ``max_grad`` an L2 norm."""

    task: str
    model: str
    reverse: bool
    epochs: int
    batch_size: int
    hidden: int
    wordvec: int
    lr: float
    max_grad: float
    seed: int
    data: str | None
    out: str | None
    overwrite: bool
    schedule: Any = None
    warmup: int | None = None
    patience: int | None = None
    average: bool = False


class _Run(TrainingRun):
    measure_name = "accuracy"
    larger_is_better = True

    def __init__(self, options: SequenceOptions) -> None:
        self.data = _load(options)
        if options.seed != DATA_SEED:
            np.random.seed(options.seed)
        backend, o = get_backend(), options
        # At least the two LSTM layers and the embeddings; gradients and Adam's moments are as large.
        V = self.data.vocab_size
        require_memory(8 * o.hidden * (o.hidden + o.wordvec) + V * (2 * o.wordvec + o.hidden), copies=4)
        model = MODELS[o.model](self.data.vocab_size, o.wordvec, o.hidden, reverse=o.reverse, backend=backend)
        trainer = Trainer(model, Adam(o.lr, backend=backend))
        rows = {"train": len(self.data.x_train), "validation": len(self.data.x_test)}
        super().__init__(o, f"{o.task}-{o.model}", model, trainer, {"rows": rows})

    def iterations(self) -> int:
        return len(self.data.x_train) // int(self.options.batch_size)

    def fit(self) -> None:
        o, d = self.options, self.data
        self.trainer.fit(d.x_train, d.t_train, 1, o.batch_size, o.max_grad, eval_interval=None)

    def measure(self, losses: list[float], seconds: float) -> dict[str, Any]:
        right = exact_answers(self.model, self.data.x_test, self.data.t_test)
        rate = len(losses) * self.options.batch_size / seconds
        return {"accuracy": 100 * float(right.mean()), "samples_per_second": rate}

    def show(self, row: dict[str, Any]) -> None:
        print(
            f"epoch {row['epoch']:>2}/{self.options.epochs}  loss {row['loss']:.4f}  "
            f"accuracy {row['accuracy']:6.2f} %  {row['samples_per_second']:,.0f} samples/s  ({row['seconds']:.1f} s)"
            + self.remarks(row)
        )
        print("   " + "   ".join(self.answers(3)))

    def extra(self) -> dict[str, Any]:
        d = self.data
        return {
            "task": self.options.task,
            "characters": "".join(d.id_to_char[i] for i in range(d.vocab_size)),
            "mark": d.mark,
            "question_length": d.x_train.shape[1],
            "answer_length": d.t_train.shape[1] - 1,
        }

    def learned_from(self) -> tuple[Any, ...]:
        d = self.data
        return d.x_train, d.t_train, d.x_test, d.t_test, d.id_to_char[0]

    def titles(self) -> tuple[str, str]:
        o = self.options
        title = f"{o.task}: {o.model}{', reversed input' if o.reverse else ''}"
        return title, f"exact answers to {len(self.data.x_test):,} unseen questions"

    def answers(self, count: int) -> list[str]:
        """Return "question = answer ☑" for the first validation questions."""
        d = self.data
        guesses = self.model.generate_batch(d.x_test[:count], d.start_id, d.t_test.shape[1] - 1)
        right, wrong = fitting(("☑", "☒"), ("ok", "no"))
        lines = []
        for x, t, guess in zip(d.x_test, d.t_test, guesses, strict=False):
            answer, correct = decode_ids(guess, d.id_to_char), decode_ids(t[1:], d.id_to_char)
            mark = right if answer == correct else f"{wrong} ({correct.strip()})"
            lines.append(f"{decode_ids(x, d.id_to_char).strip()} = {answer.strip()} {mark}")
        return lines


def _load(options: SequenceOptions) -> SequenceData:
    data = load_file(options.data or f"{options.task}.txt", seed=DATA_SEED)
    if len(data.x_train) < options.batch_size or len(data.x_test) == 0:
        raise CommandError(
            f"the data give {len(data.x_train)} rows to learn and {len(data.x_test)} to measure with, expected at "
            f"least --batch-size = {options.batch_size} and 1: take more data or a smaller --batch-size"
        )
    return data


def train_sequence(options: SequenceOptions) -> int:
    """Run the command; return the exit status: 0, or 130 after Ctrl-C."""
    with closing(_Run(options)) as run:
        return _train(run)


def _train(run: _Run) -> int:
    options = run.options
    print(
        f"{options.task}: {len(run.data.x_train):,} questions to learn, {len(run.data.x_test):,} to answer; "
        f"{options.model} {'with' if options.reverse else 'without'} reversed input, "
        f"{run.history['parameters']:,} parameters, backend {run.model.backend.name}"
    )
    return run.conclude(lambda finished: _summarise(run))


def _summarise(run: _Run) -> None:
    print("\naccuracy by epoch\n" + text_curve(run.epochs, "accuracy", " %", 100))
    print("\nanswers\n  " + "\n  ".join(run.answers(10)))
    best, last = run.best(), run.epochs[-1]
    print(f"\naccuracy {last['accuracy']:.2f} %, best {best['accuracy']:.2f} % (epoch {best['epoch']})")
    question = decode_ids(run.data.x_test[0], run.data.id_to_char).strip()
    run.show_files("ask", str(run.folder), question)

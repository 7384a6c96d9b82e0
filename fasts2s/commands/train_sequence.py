"""``fasts2s train addition`` and ``fasts2s train date``: a sequence-to-sequence model on characters."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.backend import get_backend
from fasts2s.commands import run_folder
from fasts2s.commands.curves import draw_curve, text_curve
from fasts2s.commands.errors import CommandError
from fasts2s.commands.progress import progress_bar
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


class _Run:
    """One training run: data, model, trainer, and what has been measured so far."""

    def __init__(self, options: SequenceOptions) -> None:
        self.options = options
        self.data = _load(options)
        if options.seed != DATA_SEED:
            np.random.seed(options.seed)
        backend = get_backend()
        self.model = MODELS[options.model](
            self.data.vocab_size, options.wordvec, options.hidden, reverse=options.reverse, backend=backend
        )
        self.trainer = Trainer(self.model, Adam(options.lr, backend=backend))
        self.folder = run_folder.new_folder(options.out, f"{options.task}-{options.model}")
        self.epochs: list[dict[str, Any]] = []
        self.best = -1.0
        self.history = {
            "settings": asdict(options),
            "environment": run_folder.environment(backend.name),
            "rows": {"train": len(self.data.x_train), "validation": len(self.data.x_test)},
            "parameters": sum(p.size for p in self.model.params),
            "epochs": self.epochs,
        }

    def epoch(self, number: int) -> bool:
        """Train one epoch, measure, print and save; return False if it was interrupted."""
        o, losses, started = self.options, [], time.perf_counter()
        label = f"epoch {number}/{o.epochs}"
        with progress_bar(len(self.data.x_train) // o.batch_size, label) as advance:

            def on_step(loss: float) -> None:
                losses.append(loss)
                advance()

            self.trainer.on_step = on_step
            try:
                self.trainer.fit(
                    self.data.x_train,
                    self.data.t_train,
                    max_epoch=1,
                    batch_size=o.batch_size,
                    max_grad=o.max_grad,
                    eval_interval=None,
                )
                finished = True
            except KeyboardInterrupt:
                finished = False
        if losses:
            self._measure(number, losses, time.perf_counter() - started, finished)
        return finished

    def _measure(self, number: int, losses: list[float], seconds: float, finished: bool) -> None:
        right = exact_answers(self.model, self.data.x_test, self.data.t_test)
        row = {
            "epoch": number,
            "finished": finished,
            "loss": float(np.mean(losses)),
            "accuracy": 100 * float(right.mean()),
            "seconds": seconds,
            "samples_per_second": len(losses) * self.options.batch_size / seconds,
        }
        self.epochs.append(row)
        print(
            f"epoch {number:>2}/{self.options.epochs}  loss {row['loss']:.4f}  accuracy {row['accuracy']:6.2f} %  "
            f"{row['samples_per_second']:,.0f} samples/s  ({seconds:.1f} s)" + ("" if finished else "  interrupted")
        )
        print("   ".join(self.answers(3)))
        if row["accuracy"] >= self.best:
            self.best = row["accuracy"]
            run_folder.write_model(self.folder, self.model, self._extra(number))
        self.save()

    def save(self) -> None:
        """Write history.json and curve.png."""
        run_folder.write_history(self.folder, self.history)
        o = self.options
        title = f"{o.task}: {o.model}{', reversed input' if o.reverse else ''}"
        label = f"exact answers, {len(self.data.x_test):,} unseen questions"
        draw_curve(self.folder / run_folder.CURVE, self.epochs, title, "accuracy", label)

    def answers(self, count: int) -> list[str]:
        """Return "question = answer ☑" for the first validation questions."""
        d = self.data
        guesses = self.model.generate_batch(d.x_test[:count], d.start_id, d.t_test.shape[1] - 1)
        lines = []
        for x, t, guess in zip(d.x_test, d.t_test, guesses, strict=False):
            answer, correct = decode_ids(guess, d.id_to_char), decode_ids(t[1:], d.id_to_char)
            question = decode_ids(x, d.id_to_char).strip()
            mark = "☑" if answer == correct else f"☒ ({correct.strip()})"
            lines.append(f"  {question} = {answer.strip()} {mark}")
        return lines

    def _extra(self, epoch: int) -> dict[str, Any]:
        d = self.data
        return {
            "task": self.options.task,
            "characters": "".join(d.id_to_char[i] for i in range(d.vocab_size)),
            "mark": d.mark,
            "question_length": d.x_train.shape[1],
            "answer_length": d.t_train.shape[1] - 1,
            "epoch": epoch,
            "accuracy": self.best,
        }


def _load(options: SequenceOptions) -> SequenceData:
    try:
        return load_file(options.data or f"{options.task}.txt", seed=DATA_SEED)
    except (OSError, ValueError) as error:
        raise CommandError(str(error)) from None


def train_sequence(options: SequenceOptions) -> int:
    """Run the command; return the exit status: 0, or 130 after Ctrl-C."""
    started = time.perf_counter()
    run = _Run(options)
    o = options
    print(
        f"{o.task}: {len(run.data.x_train):,} questions to learn, {len(run.data.x_test):,} to answer; {o.model} "
        f"{'with' if o.reverse else 'without'} reversed input, {run.history['parameters']:,} parameters, "
        f"backend {run.model.backend.name}"
    )
    finished = True
    for number in range(1, o.epochs + 1):
        finished = run.epoch(number)
        if not finished:
            break
    _summarise(run, time.perf_counter() - started)
    return 0 if finished else 130


def _summarise(run: _Run, seconds: float) -> None:
    if not run.epochs:
        print("interrupted before the first step: nothing to save")
        return
    print("\naccuracy by epoch\n" + text_curve(run.epochs, "accuracy", " %", 100))
    print("\nanswers\n" + "\n".join(run.answers(10)))
    memory = run_folder.peak_memory_mb()
    spent = f"time {seconds:.0f} s" + (f", peak memory {memory:.0f} MB" if memory else "")
    best = max(run.epochs, key=lambda e: e["accuracy"])
    print(
        f"\nbest accuracy {best['accuracy']:.2f} % (epoch {best['epoch']}), last {run.epochs[-1]['accuracy']:.2f} %"
    )
    print(f"{spent}\nmodel of the best epoch: {run.folder / run_folder.MODEL}")
    print(f"history: {run.folder / run_folder.HISTORY}\ncurve:   {run.folder / run_folder.CURVE}")
    question = _example(run)
    print(f'try:     fasts2s ask {Path(run.folder)} "{question}"')


def _example(run: _Run) -> str:
    return decode_ids(run.data.x_test[0], run.data.id_to_char).strip()

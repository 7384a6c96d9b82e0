"""The parsers of ``fasts2s train``."""

import argparse
from typing import Any

from fasts2s.commands.arguments import (
    Parser,
    above_zero,
    add_backend,
    add_checkpoint_every,
    add_distributed,
    fields,
    positive,
    seed,
    whole,
)
from fasts2s.commands.lm_parser import add_lm
from fasts2s.commands.pairs_parser import add_pairs


def add_train(commands: Any) -> None:
    """Add the command ``train`` and its tasks."""
    train = commands.add_parser("train", help="train a model", description="Train a model.")
    train.add_argument("--resume", metavar="DIR", help="go on with the run in DIR, as it was started")
    add_checkpoint_every(train, dest="resume_every")
    add_backend(train, dest="resume_backend")
    add_distributed(train, dest="resume_distributed")
    tasks = train.add_subparsers(dest="task", metavar="TASK")
    train.set_defaults(run=None, backend=None, distributed=None, refuse=train.error)
    _sequence_parser(tasks, "addition", "learn to add: 57+5 = 62", "peeky", 128, 14)
    _sequence_parser(tasks, "date", "learn to write dates: sep 27, 1994 = 1994-09-27", "attention", 256, 4)
    add_lm(tasks, _common)
    add_pairs(tasks, _common)


def usual_options(options: Any, task: str, file: str) -> dict[str, Any]:
    """Return what ``fasts2s train TASK FILE`` gives the fields of a dataclass of options."""
    parser = Parser()
    add_train(parser.add_subparsers())
    return fields(parser.parse_args(["train", task, file]), options)


def _sequence_parser(tasks: Any, task: str, summary: str, model: str, hidden: int, epochs: int) -> None:
    parser = tasks.add_parser(task, help=summary, description=summary)
    add = parser.add_argument
    add("--model", choices=("seq2seq", "peeky", "attention"), default=model, help="which decoder (%(default)s)")
    add("--reverse", action=argparse.BooleanOptionalAction, default=True, help="read the question backwards (yes)")
    add("--wordvec", metavar="N", type=positive, default=16, help="size of a character's vector (%(default)s)")
    add("--data", metavar="FILE", help="own exercises, a line is question_answer (built-in set)")
    _common(parser, epochs=epochs, batch_size=128, hidden=hidden, lr=0.001, max_grad=5.0)
    parser.set_defaults(run=_run_sequence, task=task)


def _common(parser: Any, **defaults: Any) -> None:
    def add(name: str, metavar: str, kind: Any, default: Any, text: str) -> None:
        parser.add_argument(name, metavar=metavar, type=kind, default=default, help=f"{text} (%(default)s)")

    add("--epochs", "N", positive, defaults["epochs"], "passes over the data")
    add("--batch-size", "N", positive, defaults["batch_size"], "rows per step")
    add("--hidden", "N", positive, defaults["hidden"], "hidden units")
    lr = defaults["lr"]  # a number, or words where it depends on other options
    rate = None if isinstance(lr, str) else lr
    parser.add_argument("--lr", metavar="X", type=above_zero, default=rate, help=f"learning rate ({lr})")
    add("--max-grad", "X", above_zero, defaults["max_grad"], "L2 clipping threshold")
    add("--seed", "N", seed, 1984, "of weights and shuffling; 1984 is the book's")
    parser.add_argument(
        "--out", metavar="DIR", help="folder to write to (a new one: runs/<task>-<model>, -2, -3, ...)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the run that --out holds")
    _add_schedule(parser)
    add_checkpoint_every(parser)
    add_distributed(parser)
    add_backend(parser)


def _add_schedule(parser: Any) -> None:
    add = parser.add_argument
    names = ("constant", "plateau", "inverse-root", "cosine", "one-cycle")
    add("--schedule", choices=names, help="how the learning rate changes (as the task does it)")
    add("--warmup", metavar="N", type=whole(0), help="steps in which the learning rate rises to --lr")
    add("--patience", metavar="N", type=positive, help="stop after so many epochs without progress")
    add("--average", action="store_true", help="measure and keep a running average of the weights")


# The commands are imported when they are run: `fasts2s --help` loads neither matplotlib nor tqdm.
def _run_sequence(a: argparse.Namespace) -> int:
    from fasts2s.commands.train_sequence import SequenceOptions, train_sequence  # noqa: PLC0415

    return train_sequence(SequenceOptions(**fields(a, SequenceOptions)))


#: What runs a task.
RUNS = {"addition": _run_sequence, "date": _run_sequence}

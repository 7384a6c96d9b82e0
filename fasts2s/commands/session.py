"""What a training command was started with: kept in its checkpoint, from which it is started again."""

from __future__ import annotations

import argparse
import contextlib
import importlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fasts2s import distributed
from fasts2s.apps import APPS
from fasts2s.commands.arguments import Parser
from fasts2s.commands.folder_lock import CHECKPOINT, FolderLock
from fasts2s.commands.output import complain
from fasts2s.resuming import ResumeError, read_state
from fasts2s.resuming.fitting import SECONDS

_TASKS = {"addition": "train_parsers", "date": "train_parsers", "lm": "lm_parser", "pairs": "pairs_parser"}
#: Of one call only.
_PASSING = {"run", "refuse", "resume", "checkpoint_every", "resume_every", "resume_backend"}
_PASSING |= {"distributed", "resume_distributed"}  # which changes no number


@dataclass(frozen=True)
class Session:
    """One call of a training command.

    Attributes
    ----------
    arguments : dict
        What it was started with, as JSON.
    steps, seconds : between two checkpoints; None: not counted so
    folder : Path or None
        Of the run that goes on; None for a new one.
    """

    arguments: dict[str, Any]
    steps: int | None = None
    seconds: float | None = SECONDS
    folder: Path | None = None


_current: ContextVar[Session | None] = ContextVar("fasts2s_session", default=None)


def current() -> Session | None:
    """Return the session of the command that runs here; None: a training without command, which is not kept."""
    return _current.get()


@contextlib.contextmanager
def session_of(a: argparse.Namespace) -> Iterator[argparse.Namespace]:
    """Give the trainings in the block their session; yield the arguments, of the first call if a run goes on.

    Raises ResumeError for a folder without a checkpoint.
    """
    resume, every = getattr(a, "resume", None), getattr(a, "checkpoint_every", None)
    if a.command == "train":
        _require_task_or_resume(a)
        every = every if resume is None else a.resume_every
    steps, seconds = (None, SECONDS) if every is None else every
    if resume is not None:
        a = _first_arguments(a, Path(resume))
    kept = {name: value for name, value in vars(a).items() if name not in _PASSING}
    token = _current.set(Session(kept, steps, seconds, None if resume is None else Path(resume)))
    try:
        yield a
    finally:
        _current.reset(token)


def _require_task_or_resume(a: argparse.Namespace) -> None:
    """End the program, as argparse does, where neither or both were given."""
    if a.task is None and a.resume is None:
        a.refuse("the following arguments are required: TASK, such as addition, or --resume DIR")
    if a.task is not None and a.resume is not None:
        a.refuse(f"--resume {a.resume} goes on with a run as it was started: leave out {a.task}")
    if a.resume is None and (a.resume_every or a.resume_backend or a.resume_distributed):
        a.refuse(f"--backend, --checkpoint-every and --distributed come after {a.task}, or with --resume DIR")


def _first_arguments(a: argparse.Namespace, folder: Path) -> argparse.Namespace:
    if not folder.is_dir():
        raise ResumeError(f"there is no folder {folder}: --resume takes one that a training wrote")
    # Another training there is said before anything is read. Of several ranks one looks: they would see each other.
    distributed.current().shared(lambda: FolderLock(folder).release())
    tree, _ = read_state(folder / CHECKPOINT, complain)
    arguments = tree.get("arguments")
    if not isinstance(arguments, dict):
        raise ResumeError(f"{folder / CHECKPOINT} was not written by a command: go on with it in Python")
    first = argparse.Namespace(**{**_usual(arguments, folder), **arguments})
    if a.command == "app" and arguments.get("app") != a.app:
        raise ResumeError(f"{folder} holds a run of {_called(arguments)}, not of app {a.app}: fasts2s train --resume")
    first.run, first.out, first.overwrite = _run_of(first), str(folder), True
    first.backend = getattr(a, "resume_backend", None) or a.backend or first.backend
    return first


def _usual(arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what a command has where nothing is said: for options that were not there when a run was started."""
    from fasts2s.commands.app import add_app  # noqa: PLC0415 - only who goes on pays for it
    from fasts2s.commands.train_parsers import add_train  # noqa: PLC0415

    command, task, app = (arguments.get(name) for name in ("command", "task", "app"))
    if (command, task in _TASKS, app in APPS) not in {("train", True, False), ("app", False, True)}:
        raise ResumeError(
            f"{folder / CHECKPOINT} is of {_called(arguments)}, which this release does not have: update"
        )
    parser = Parser()
    commands = parser.add_subparsers(dest="command")
    add_train(commands)
    add_app(commands)
    words = [str(command), str(task or app), *(["FILE"] if task == "pairs" else [])]
    return dict(vars(parser.parse_args(words)))


def _called(arguments: dict[str, Any]) -> str:
    return f"{arguments.get('command')} {arguments.get('task') or arguments.get('app')}"


def _run_of(first: argparse.Namespace) -> Any:
    """Return what runs a command."""
    if first.command == "app":
        return importlib.import_module(f"fasts2s.apps.{first.app}").run
    return importlib.import_module(f"fasts2s.commands.{_TASKS[first.task]}").RUNS[first.task]

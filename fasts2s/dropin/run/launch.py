"""``python -m fasts2s``: patch, run, and report at the end."""

import atexit
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import fasts2s
from fasts2s import backend, distributed, dropin
from fasts2s.dropin.replace import patching, sizes
from fasts2s.dropin.run import memory, repairs, report, runner, together, typed
from fasts2s.dropin.run.options import Options, parse
from fasts2s.dropin.run.report import REPLACED
from fasts2s.dropin.settings import active_backend

_log = logging.getLogger("fasts2s.dropin")


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the command line says; return the exit status of the script."""
    options = parse(sys.argv[1:] if argv is None else argv)
    if options.distributed is not None:
        return _train_together(options)
    rank, size = backend.launched()
    if size > 1 and rank == 0:
        said = f"warning: a launcher started {size} identical runs: add --distributed mpi for one of them all"
        print(f"python -m fasts2s: {said}", file=sys.stderr)
    return _run(options)


def _train_together(options: Options) -> int:
    """Run the script on all processes of a launcher; where one of them fails, all end."""
    try:
        if options.backend == "cupy":
            backend.override_environment("cupy", None)  # so that each rank takes a device of its own
        with distributed.session("mpi", quiet=True):
            together.leave_files_to_rank_0()
            status = _run(options)
            said = together.warning()
            if status:
                raise together.ScriptError(f"{type(sys.last_value).__name__}: {sys.last_value}")
    except (together.ScriptError, ImportError, ValueError) as error:
        if not isinstance(error, together.ScriptError):
            print(f"python -m fasts2s: {error}", file=sys.stderr)
        return 1
    if said:
        print(f"python -m fasts2s: warning: {said}", file=sys.stderr)
    return status


def _run(options: Options) -> int:
    report.speak(logging.StreamHandler(), options.verbosity)
    memory.keep()
    try:
        backend.override_environment(options.backend, options.threads)
        dropin.patch(strict=options.strict, verify=options.verify, trust=options.trust, only_book=options.only_book)
        if options.old_numpy:
            from fasts2s.dropin.run import old_names  # noqa: PLC0415 - seldom asked for

            old_names.bring_back()
    except (ValueError, ImportError, RuntimeError) as error:
        print(f"python -m fasts2s: {error}", file=sys.stderr)
        return 2
    _find_the_book(Path(options.what).resolve().parent if options.kind == "script" else Path.cwd())
    report.before_first_call.append(_announce)
    started = time.perf_counter()
    atexit.register(_finish, options, started)  # first in, so last to run: after the script's own
    return runner.run(options)


def _find_the_book(folder: Path) -> None:
    """Let a script in this folder find ``common``, and in chapter 8 what it wants of chapter 7, from anywhere."""
    if (folder.parent / "common" / "time_layers.py").is_file():
        sys.path.append(str(folder.parent))
    for place in {folder, Path.cwd()}:
        repairs.repair_imports(place)


def _backend() -> str:
    """Return the name of the backend, or "auto" where that has not been found out, nor needs to be."""
    return "auto" if sizes.is_early() else active_backend().name


def _announce() -> None:
    typed.offer_functions()
    found = patching.report()
    report.say_replaced(found.names(REPLACED), fasts2s.__version__, _backend())
    report.say_meant(found.entries)
    report.say_left(found.entries)


def _finish(options: Options, started: float) -> None:
    found = patching.report(time.perf_counter() - started)
    if not found.names(REPLACED):
        _log.info("nothing of the book was found: the script ran as it is")
    if options.profile or options.verify:
        print(found, file=sys.stderr)
    if options.report is not None:
        facts = {"version": fasts2s.__version__, "backend": _backend(), "repairs": repairs.said()}
        try:
            Path(options.report).write_text(json.dumps(facts | found.as_dict(), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            _log.warning("the report could not be written: %s", error)
    if runner.interrupted and os.name != "nt":
        runner.end_by_signal()

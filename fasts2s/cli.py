"""The console script ``fasts2s``: parser and dispatch. Every sub-command is a file of :mod:`fasts2s.commands`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from fasts2s import __version__, set_backend
from fasts2s.commands.app import add_app
from fasts2s.commands.arguments import Parser, add_backend, positive, whole
from fasts2s.commands.convert_parser import add_convert
from fasts2s.commands.errors import CommandError, explained
from fasts2s.commands.lm_parser import add_generate
from fasts2s.commands.output import NOBODY_READS, complain, fit_output, nobody_reads
from fasts2s.commands.pairs_parser import add_answering, add_reading
from fasts2s.commands.serve_parser import add_serve
from fasts2s.commands.train_parsers import add_train
from fasts2s_kernels.installed import NoDeviceError


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the console script."""
    parser = Parser(prog="fasts2s", description="Train and ask the models of the book.")
    parser.add_argument("--version", action="version", version=f"fasts2s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_train(commands)
    _ask_parser(commands)
    _evaluate_parser(commands)
    _chat_parser(commands)
    add_generate(commands)
    add_app(commands)
    add_serve(commands)
    _history_parser(commands)
    add_convert(commands)
    info = commands.add_parser("info", help="what is installed and usable", description="Show versions and backends.")
    info.set_defaults(run=_run_info, backend=None)
    _add_warmup(commands)
    _bench_parser(commands)
    return parser


def _ask_parser(commands: Any) -> None:
    summary = "put questions to a trained sequence model"
    parser = commands.add_parser("ask", help=summary, description=summary)
    parser.add_argument("dir", metavar="DIR", help="folder that train wrote")
    parser.add_argument("question", nargs="*", default=[], help="read from standard input if left out")
    parser.add_argument("--attention-map", metavar="FILE.png", help="draw what the model looked at")
    add_answering(parser)
    add_backend(parser)
    parser.set_defaults(run=_run_ask)


def _evaluate_parser(commands: Any) -> None:
    summary = "measure a trained model of pairs on a file of pairs"
    parser = commands.add_parser("evaluate", help=summary, description=summary)
    parser.add_argument("dir", metavar="DIR", help="folder that train pairs wrote")
    add_reading(parser)
    parser.add_argument("--examples", metavar="N", type=whole(0), default=5, help="answers shown (%(default)s)")
    add_answering(parser)
    add_backend(parser)
    parser.set_defaults(run=_run_evaluate)


def _chat_parser(commands: Any) -> None:
    summary = "talk to a trained model of pairs"
    parser = commands.add_parser("chat", help=summary, description=summary)
    parser.add_argument("dir", metavar="DIR", help="folder that train pairs wrote")
    add_answering(parser)
    add_backend(parser)
    parser.set_defaults(run=_run_chat)


# The commands are imported when they are run: `fasts2s --help` loads neither matplotlib nor tqdm.
def _run_ask(a: argparse.Namespace) -> int:
    from fasts2s.commands.answering import holds_pairs  # noqa: PLC0415
    from fasts2s.commands.ask import ask  # noqa: PLC0415

    if holds_pairs(a.dir):
        from fasts2s.commands.ask_pairs import ask_pairs  # noqa: PLC0415

        return ask_pairs(a)
    return ask(a.dir, a.question, a.backend)


def _run_evaluate(a: argparse.Namespace) -> int:
    from fasts2s.commands.evaluate import evaluate  # noqa: PLC0415

    return evaluate(a)


def _run_chat(a: argparse.Namespace) -> int:
    from fasts2s.commands.chat import chat  # noqa: PLC0415

    return chat(a)


def _history_parser(commands: Any) -> None:
    summary = "compare runs: a table, a picture, the logs as CSV"
    parser = commands.add_parser("history", help=summary, description=summary)
    parser.add_argument("dirs", nargs="+", metavar="DIR", help="folders that train or app wrote")
    parser.add_argument("--csv", metavar="FILE", help="write all lines of the logs")
    parser.add_argument("--picture", metavar="FILE.png", help="draw losses and what was measured")
    parser.set_defaults(run=_run_history, backend=None)


def _run_history(a: argparse.Namespace) -> int:
    from fasts2s.commands.history import history  # noqa: PLC0415

    return history(a)


def _add_warmup(commands: Any) -> None:
    text = "Compile all kernels of a backend now, so that the first training step does not have to."
    warmup = commands.add_parser("warmup", help="compile all kernels ahead", description=text)
    warmup.add_argument("--backend", help="default: what FASTS2S_BACKEND says")
    warmup.add_argument("--clean", action="store_true", help="before, delete what other versions have compiled")
    warmup.set_defaults(run=_run_warmup)


def _run_warmup(a: argparse.Namespace) -> int:
    from fasts2s.commands.warmup import warmup  # noqa: PLC0415

    return warmup(a.backend, a.clean)


def _bench_parser(commands: Any) -> None:
    summary = "measure speed: backend against backend, beside PyTorch, JAX and the book's code"
    parser = commands.add_parser("bench", help=summary, description=summary)
    plans = ("quick", "full", "kernels", "peeky", "scaling", "peers", "gpu")
    parser.add_argument(
        "what", nargs="?", choices=(*plans, "compare"), default="quick", help="which measurements (%(default)s)"
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="of compare: OLD.json NEW.json")
    parser.add_argument(
        "--backend", dest="backends", metavar="A,B", help="backends, the first is compared with (all that run here)"
    )
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    parser.add_argument("--html", metavar="DIR", help="write a report: index.html, report.md, results.json")
    parser.add_argument("--overwrite", action="store_true", help="replace what --json and --html name")
    parser.add_argument("--threads", metavar="N", type=positive, help="the most threads (one per core)")
    parser.add_argument(
        "--processor", choices=("avx2", "sse2"), default="", help="compile numba's kernels for less than this one has"
    )
    parser.add_argument("--case", metavar="TEXT", default="", help="only cases with this in their names")
    parser.add_argument("--rounds", metavar="N", type=positive, help="rounds that count (as the plan says)")
    parser.add_argument("--dry", action="store_true", help="tiny sizes: does everything run? Times mean nothing")
    parser.set_defaults(run=_run_bench, backend=None)


def _run_bench(a: argparse.Namespace) -> int:
    from fasts2s.commands.bench import bench  # noqa: PLC0415

    return bench(a)


def _run_info(a: argparse.Namespace) -> int:
    from fasts2s.commands.info import info  # noqa: PLC0415

    return info()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the console script; return the exit status.

    0, 1 for an error said in one line, 130 after Ctrl-C, 141 if the reader of a pipe has gone, as in ``| head -1``.
    """
    with fit_output():
        return _run(argv)


def _run(argv: Sequence[str] | None) -> int:
    arguments = argparse.Namespace()
    try:
        arguments = make_parser().parse_args(argv)
        if arguments.command in {"train", "app"}:
            return _train(arguments)
        return _started(arguments)
    except (CommandError, ImportError, NoDeviceError, ValueError, OSError, MemoryError, OverflowError) as error:
        if nobody_reads(error):
            return NOBODY_READS
        complain(explained(error))
        return 1
    except FloatingPointError as error:
        text = str(error)
        if arguments.command in {"train", "app"}:
            # What it advises are arguments of Python's functions.
            text = f"training stopped: {text.partition(': ')[0]}: lower --lr or --max-grad"
        complain(text)
        return 1
    except KeyboardInterrupt:
        complain("interrupted", by="\nfasts2s")
        return 130


def _started(arguments: argparse.Namespace) -> int:
    run: Callable[[argparse.Namespace], int] = arguments.run
    if arguments.backend is not None:
        set_backend(arguments.backend)
    return run(arguments)


def _train(arguments: argparse.Namespace) -> int:
    # Only who trains pays for them.
    from fasts2s.commands.launched import ranks_of  # noqa: PLC0415
    from fasts2s.commands.session import session_of  # noqa: PLC0415

    with ranks_of(arguments), session_of(arguments) as first:
        return _started(first)


if __name__ == "__main__":
    sys.exit(main())

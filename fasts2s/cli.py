"""The console script ``fasts2s``: parser and dispatch. Every sub-command is a file of :mod:`fasts2s.commands`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from fasts2s import __version__, set_backend
from fasts2s.backend import NAMES
from fasts2s.commands.errors import CommandError
from fasts2s_kernels.installed import NoDeviceError


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a positive integer")
    return value


def _not_negative(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**32:
        raise argparse.ArgumentTypeError(f"{value} is not an integer from 0 to {2**32 - 1}")
    return value


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _from_zero(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number >= 0")
    return value


def _common(parser: argparse.ArgumentParser, **defaults: Any) -> None:
    add = parser.add_argument
    add(
        "--epochs", metavar="N", type=_positive, default=defaults["epochs"], help="passes over the data (%(default)s)"
    )
    add(
        "--batch-size",
        metavar="N",
        type=_positive,
        default=defaults["batch_size"],
        help="rows per step (%(default)s)",
    )
    add("--hidden", metavar="N", type=_positive, default=defaults["hidden"], help="hidden units (%(default)s)")
    add("--lr", metavar="X", type=_above_zero, default=defaults["lr"], help="learning rate (%(default)s)")
    add(
        "--max-grad",
        metavar="X",
        type=_above_zero,
        default=defaults["max_grad"],
        help="L2 clipping threshold (%(default)s)",
    )
    add(
        "--seed",
        metavar="N",
        type=_not_negative,
        default=1984,
        help="of weights and shuffling; 1984 is the book's (%(default)s)",
    )
    add("--out", metavar="DIR", help="folder to write to (runs/<task>-<model>)")
    _backend(parser)


def _backend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--backend", choices=NAMES, help="overrides FASTS2S_BACKEND")


def _sequence_parser(tasks: Any, task: str, summary: str, model: str, hidden: int, epochs: int) -> None:
    parser = tasks.add_parser(task, help=summary, description=summary)
    parser.add_argument(
        "--model", choices=("seq2seq", "peeky", "attention"), default=model, help="which decoder (%(default)s)"
    )
    parser.add_argument(
        "--reverse", action=argparse.BooleanOptionalAction, default=True, help="read the question backwards (yes)"
    )
    parser.add_argument(
        "--wordvec", metavar="N", type=_positive, default=16, help="size of a character's vector (%(default)s)"
    )
    parser.add_argument("--data", metavar="FILE", help="own exercises, a line is question_answer (built-in set)")
    _common(parser, epochs=epochs, batch_size=128, hidden=hidden, lr=0.001, max_grad=5.0)
    parser.set_defaults(run=_run_sequence, task=task)


def _lm_parser(tasks: Any) -> None:
    summary = "learn the words of a text, report perplexity"
    parser = tasks.add_parser("lm", help=summary, description=summary)
    parser.add_argument("text", nargs="?", metavar="TEXT", help="UTF-8 file, plain or .gz (Python's own help texts)")
    parser.add_argument(
        "--model", choices=("rnnlm", "better"), default="rnnlm", help="one layer, or two tied (%(default)s)"
    )
    parser.add_argument(
        "--time-size", metavar="N", type=_positive, default=35, help="steps per gradient (%(default)s)"
    )
    parser.add_argument(
        "--min-count", metavar="N", type=_positive, default=2, help="rarer words become <unk> (%(default)s)"
    )
    _common(parser, epochs=4, batch_size=20, hidden=100, lr=20.0, max_grad=0.25)
    parser.set_defaults(run=_run_lm)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the console script."""
    parser = argparse.ArgumentParser(prog="fasts2s", description="Train and ask the models of the book.")
    parser.add_argument("--version", action="version", version=f"fasts2s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="train a model", description="Train a model.")
    tasks = train.add_subparsers(dest="task", required=True, metavar="TASK")
    _sequence_parser(tasks, "addition", "learn to add: 57+5 = 62", "peeky", 128, 14)
    _sequence_parser(tasks, "date", "learn to write dates: sep 27, 1994 = 1994-09-27", "attention", 256, 4)
    _lm_parser(tasks)
    _ask_parser(commands)
    _generate_parser(commands)
    info = commands.add_parser("info", help="what is installed and usable", description="Show versions and backends.")
    info.set_defaults(run=_run_info, backend=None)
    _add_warmup(commands)
    _bench_parser(commands)
    return parser


def _ask_parser(commands: Any) -> None:
    summary = "put questions to a trained sequence model"
    parser = commands.add_parser("ask", help=summary, description=summary)
    parser.add_argument("dir", metavar="DIR", help="folder that train wrote")
    parser.add_argument("question", nargs="*", help="read from standard input if left out")
    _backend(parser)
    parser.set_defaults(run=_run_ask)


def _generate_parser(commands: Any) -> None:
    summary = "write text with a trained language model"
    parser = commands.add_parser("generate", help=summary, description=summary)
    parser.add_argument("dir", metavar="DIR", help="folder that train lm wrote")
    parser.add_argument("--start", required=True, help="words to begin with")
    parser.add_argument("--skip", nargs="*", default=[], metavar="WORD", help="words that must not appear")
    parser.add_argument("--length", metavar="N", type=_positive, default=100, help="number of words (%(default)s)")
    parser.add_argument(
        "--temperature", metavar="X", type=_from_zero, default=1.0, help="0 is the likeliest text (%(default)s)"
    )
    parser.add_argument("--seed", metavar="N", type=_not_negative, help="the same seed gives the same text")
    parser.add_argument("--stop", metavar="WORD", help="end with this word, for instance '<eos>'")
    _backend(parser)
    parser.set_defaults(run=_run_generate)


# The commands are imported when they are run: `fasts2s --help` loads neither matplotlib nor tqdm.
def _run_sequence(a: argparse.Namespace) -> int:
    from fasts2s.commands.train_sequence import SequenceOptions, train_sequence  # noqa: PLC0415

    return train_sequence(SequenceOptions(**_fields(a, SequenceOptions)))


def _run_lm(a: argparse.Namespace) -> int:
    from fasts2s.commands.train_lm import LanguageModelOptions, train_lm  # noqa: PLC0415

    return train_lm(LanguageModelOptions(**_fields(a, LanguageModelOptions)))


def _run_ask(a: argparse.Namespace) -> int:
    from fasts2s.commands.ask import ask  # noqa: PLC0415

    return ask(a.dir, a.question, a.backend)


def _run_generate(a: argparse.Namespace) -> int:
    from fasts2s.commands.generate import generate  # noqa: PLC0415

    return generate(
        a.dir,
        a.start,
        skip=a.skip,
        length=a.length,
        temperature=a.temperature,
        seed=a.seed,
        stop=a.stop,
        backend=a.backend,
    )


def _add_warmup(commands: Any) -> None:
    text = "Compile all kernels of a backend now, so that the first training step does not have to."
    warmup = commands.add_parser("warmup", help="compile all kernels ahead", description=text)
    warmup.add_argument("--backend", help="default: what FASTS2S_BACKEND says")
    warmup.set_defaults(run=_run_warmup)


def _run_warmup(a: argparse.Namespace) -> int:
    from fasts2s.commands.warmup import warmup  # noqa: PLC0415

    return warmup(a.backend)


def _bench_parser(commands: Any) -> None:
    summary = "measure speed: backend against backend, beside PyTorch, JAX and the book's code"
    parser = commands.add_parser("bench", help=summary, description=summary)
    plans = ("quick", "full", "kernels", "peeky", "scaling", "peers")
    parser.add_argument(
        "what", nargs="?", choices=(*plans, "compare"), default="quick", help="which measurements (%(default)s)"
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="of compare: OLD.json NEW.json")
    parser.add_argument(
        "--backend", dest="backends", metavar="A,B", help="backends, the first is compared with (all that run here)"
    )
    parser.add_argument("--json", metavar="FILE", help="write everything that was measured")
    parser.add_argument("--html", metavar="DIR", help="write a report: index.html, report.md, results.json")
    parser.add_argument("--threads", metavar="N", type=_positive, help="the most threads (one per core)")
    parser.set_defaults(run=_run_bench, backend=None)


def _run_bench(a: argparse.Namespace) -> int:
    from fasts2s.commands.bench import BenchOptions, bench  # noqa: PLC0415

    return bench(BenchOptions(a.what, tuple(a.files), a.backends, a.json, a.html, a.threads))


def _run_info(a: argparse.Namespace) -> int:
    from fasts2s.commands.info import info  # noqa: PLC0415

    return info()


def _fields(a: argparse.Namespace, options: Any) -> dict[str, Any]:
    return {name: getattr(a, name) for name in options.__dataclass_fields__}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the console script; return the exit status: 0, 1 for an error said in one line, 130 after Ctrl-C."""
    arguments = make_parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        if arguments.backend is not None:
            set_backend(arguments.backend)
        return run(arguments)
    except (CommandError, ImportError, NoDeviceError, ValueError, OSError) as error:
        print(f"fasts2s: {error}", file=sys.stderr)
        return 1
    except FloatingPointError as error:
        print(f"fasts2s: training stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nfasts2s: interrupted", file=sys.stderr)
        return 130

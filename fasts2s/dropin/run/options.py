"""The command line of ``python -m fasts2s``: our options, then the script (or ``-m``, ``-c``) and its own."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import fasts2s
from fasts2s.backend import NAMES

#: What the console script knows and this program does not.
COMMANDS = (
    "train",
    "app",
    "ask",
    "chat",
    "evaluate",
    "generate",
    "history",
    "convert",
    "serve",
    "info",
    "warmup",
    "bench",
)


@dataclass(frozen=True)
class Options:
    """What is to be run, and how.

    Attributes
    ----------
    kind : {"script", "-m", "-c"}
    what : str
        File, name of a module, or code.
    args : list of str
        What the script sees behind ``sys.argv[0]``.
    """

    kind: str
    what: str
    args: list[str]
    backend: str | None
    threads: int | None
    profile: bool
    report: str | None
    strict: bool
    verify: bool
    trust: list[str]
    only_book: bool
    old_numpy: bool
    verbosity: int
    distributed: str | None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number >= 1")
    return int(text)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of our own options."""
    parser = argparse.ArgumentParser(
        prog="python -m fasts2s",
        usage="python -m fasts2s [options] script.py [args] | -m module [args] | -c code [args]",
        description="Run a script of the book as plain python does, only faster. What is said here goes to stderr.",
        epilog=f"The commands {', '.join(COMMANDS[:-1])} and {COMMANDS[-1]} belong to the program fasts2s.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--backend", choices=NAMES, help="overrides FASTS2S_BACKEND")
    add("--threads", metavar="N", type=_count, help="overrides FASTS2S_NUM_THREADS")
    add("--profile", action="store_true", help="print a table of calls, times and fallbacks at the end")
    add("--report", metavar="FILE.json", help="write the same as JSON")
    add("--strict", action="store_true", help="edited classes and calls that fall back are errors")
    add("--verify", action="store_true", help="run the originals as well and compare; slow")
    add("--trust", metavar="CLASS", action="append", default=[], help="replace this class though it was edited")
    add("--only-book", action="store_true", help="replace what has the book's text, not what computes the same")
    add(
        "--old-numpy", action="store_true", help="np.int, np.float and so on, which NumPy took away, in your own code"
    )
    add(
        "--distributed",
        choices=("mpi",),
        help="train with all that a launcher started: mpiexec -n 2 python -m fasts2s ...",
    )
    add("-v", dest="verbose", action="count", default=0, help="say more")
    add("-q", dest="quiet", action="store_true", help="say nothing but warnings")
    add("--version", action="version", version=f"fasts2s {fasts2s.__version__}")
    return parser


#: Options that take a value: what follows them is no script.
_WITH_VALUE = {"--backend", "--threads", "--report", "--trust", "--distributed"}


def _split(argv: Sequence[str]) -> tuple[list[str], str, list[str]]:
    """Return our own options, what kind of thing is run, and the rest, which begins with it."""
    position = 0
    while position < len(argv):
        word = argv[position]
        if word in {"-m", "-c"}:
            return list(argv[:position]), word, list(argv[position + 1 :])
        if word == "--":
            return list(argv[:position]), "script", list(argv[position + 1 :])
        if not word.startswith("-") or word == "-":
            return list(argv[:position]), "script", list(argv[position:])
        position += 2 if word in _WITH_VALUE else 1
    return list(argv), "script", []


def parse(argv: Sequence[str]) -> Options:
    """Return the options; ends the process with status 2, as argparse does, where they make no sense."""
    ours, kind, rest = _split(argv)
    parser = make_parser()
    a = parser.parse_args(ours)
    if not rest:
        wanted = {"script": "a script", "-m": "the name of a module after -m", "-c": "code after -c"}[kind]
        parser.error(f"expected {wanted}")
    return Options(
        kind, rest[0], rest[1:], a.backend, a.threads, a.profile, a.report, a.strict, a.verify, a.trust,
        a.only_book, a.old_numpy, -1 if a.quiet else a.verbose, a.distributed,
    )  # fmt: skip

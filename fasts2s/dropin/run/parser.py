"""What reads our options on the command line of ``python -m fasts2s``."""

import argparse

import fasts2s
from fasts2s.backend import NAMES
from fasts2s.dropin.run.options import COMMANDS


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

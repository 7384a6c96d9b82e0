"""The command line of ``python -m fasts2s``: our options, then the script (or ``-m``, ``-c``) and its own."""

from collections.abc import Sequence
from typing import NamedTuple

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


class Options(NamedTuple):
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
    backend: str | None = None
    threads: int | None = None
    profile: bool = False
    report: str | None = None
    strict: bool = False
    verify: bool = False
    trust: tuple[str, ...] = ()
    only_book: bool = False
    old_numpy: bool = False
    verbosity: int = 0
    distributed: str | None = None


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
    if rest and not ours:
        return Options(kind, rest[0], rest[1:])
    from fasts2s.dropin.run.parser import make_parser  # noqa: PLC0415 - most say nothing, and it takes 5 ms

    parser = make_parser()
    a = parser.parse_args(ours)
    if not rest:
        wanted = {"script": "a script", "-m": "the name of a module after -m", "-c": "code after -c"}[kind]
        parser.error(f"expected {wanted}")
    return Options(
        kind, rest[0], rest[1:], a.backend, a.threads, a.profile, a.report, a.strict, a.verify, tuple(a.trust),
        a.only_book, a.old_numpy, -1 if a.quiet else a.verbose, a.distributed,
    )  # fmt: skip

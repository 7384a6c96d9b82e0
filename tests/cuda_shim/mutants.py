"""Do the tests of a kernel see its mistakes? Plants one at a time in a .cu file and runs the tests.

``python -m tests.cuda_shim.mutants FILE.cu [--replace OLD NEW]... [--no-barriers] -- PYTEST ARGUMENTS`` takes out
every barrier of the file in turn, and puts NEW in the place of OLD in turn; the file itself is not touched. A mutant
that every test passes survives: it is printed, and the exit status is 1.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.cuda_shim import builder

ROOT = builder.HERE.parent.parent
_BARRIER = re.compile(r"__sync(?:threads|warp)\([^()]*\);|\bgroup_barrier\((?:[^()]|\([^()]*\))*\);")


class Mutant(NamedTuple):
    """A text with one mistake."""

    name: str
    text: str


def without_barriers(text: str) -> Iterator[Mutant]:
    """Yield the text without its first barrier, without its second, and so on; the others stay."""
    for found in _BARRIER.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if "//" in text[text.rfind("\n", 0, found.start()) + 1 : found.start()]:
            continue
        yield Mutant(f"line {line}: no {found[0]}", text[: found.start()] + ";" + text[found.end() :])


def replaced(text: str, old: str, new: str) -> Mutant:
    """Return the text with new in the place of old, which must be there once."""
    if text.count(old) != 1:
        raise ValueError(f"{old!r} is there {text.count(old)} times, expected once")
    return Mutant(f"line {text.count(chr(10), 0, text.index(old)) + 1}: {old} -> {new}", text.replace(old, new))


def is_seen(text: str, mutant: Mutant, arguments: Sequence[str], seconds: float = 300) -> bool:
    """Return whether a test fails, crashes or hangs when every kernel has the mutant in the place of the text.

    Raises
    ------
    ValueError
        The tests pass, and have built no kernel that contains the text; or the mutant does not compile.
    """
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder) / "mutant.json"
        plan.write_text(json.dumps({"old": text, "new": mutant.text}))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments]
        environment = {**os.environ, "FASTS2S_TEST_SHIM_MUTANT": str(plan)}
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return True
        if done.returncode in {2, 3, 4, 5}:  # no test ran: that says nothing
            raise ValueError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        if plan.with_suffix(".refused").exists():
            raise ValueError(f"{mutant.name}: {plan.with_suffix('.refused').read_text()}")
        if not done.returncode and not plan.with_suffix(".built").exists():
            raise ValueError(f"{mutant.name}: no kernel was built from this text")
    return done.returncode != 0


def main(given: Sequence[str]) -> int:
    """Run the command line; return its exit status."""
    ours, arguments = list(given), []
    if "--" in ours:
        ours, arguments = ours[: ours.index("--")], ours[ours.index("--") + 1 :]
    parser = argparse.ArgumentParser(prog="python -m tests.cuda_shim.mutants")
    parser.add_argument("file", type=Path)
    parser.add_argument("--replace", nargs=2, action="append", default=[], metavar=("OLD", "NEW"))
    parser.add_argument("--no-barriers", action="store_true")
    options = parser.parse_args(ours)
    text = options.file.read_text()
    mutants = [] if options.no_barriers else list(without_barriers(text))
    mutants += [replaced(text, old, new) for old, new in options.replace]
    survivors = 0
    for mutant in mutants:
        seen = is_seen(text, mutant, arguments or ["tests/kernels/gpu"])
        survivors += not seen
        sys.stdout.write(f"{'seen    ' if seen else 'SURVIVES'} {options.file.name} {mutant.name}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{survivors} of {len(mutants)} survive\n")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

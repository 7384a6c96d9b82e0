"""Whole scripts of the book, by plain python and by ``python -m fasts2s``, in turn: how much sooner are they done?

    python benchmarks/dropin_speed.py CHECKOUT [--rounds 3] [--only train_rnnlm]

From the start of the process to its end: imports, data, training, evaluation. Epochs are cut as shown; plain python
has the BLAS threads with which a first run of the script was fastest. A made-up text takes the place of the Penn
Treebank. Before a time counts, the outputs are compared. Training a language model with the book's learning rate is
chaotic: two runs of plain python with other BLAS threads part as soon.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import book_scripts as scripts

from fasts2s.bench import machine, results
from fasts2s.bench.measure import Pace, in_turn
from fasts2s.bench.report import tables
from fasts2s.bench.results import Result, Row
from fasts2s.bench.rows import of_rounds


class Case(NamedTuple):
    """A script, its epochs, its edits (see book_scripts.py), and the speed-up that is wanted."""

    script: str
    epochs: int
    edits: str
    wanted: float

    @property
    def name(self) -> str:
        """What it is called in tables."""
        edits = f", {self.edits.replace(',', ' and ')}" if self.edits else ""
        return f"{self.script}{edits}, epochs: {self.epochs}"


CASES = (
    Case("ch07/train_seq2seq.py", 5, "", 4.5),
    Case("ch07/train_seq2seq.py", 5, "reverse,peeky", 5.0),
    Case("ch08/train.py", 2, "", 4.0),
    Case("ch06/train_rnnlm.py", 4, "", 3.0),
    Case("ch06/train_better_rnnlm.py", 1, "", 4.0),
    Case("ch05/train.py", 100, "", 1.0),
)
OURS, PLAIN = "python -m fasts2s", "python"
#: What other programs do to a whole script.
GRAIN = 0.05
METHOD = "whole processes in turn; python with the BLAS threads with which a first run was fastest; outputs compared"


def run(book: Path, case: Case, way: str, blas: int | None) -> scripts.Done:
    """Run a case once. Raises RuntimeError where it fails."""
    options = ("-q",) if way == "fasts2s" else ()
    # Chapter 8 of the Japanese edition imports seq2seq.py of chapter 7, and by plain python does not find it.
    more = {"PYTHONPATH": str(book / "ch07")} if way == "plain" and case.script.startswith("ch08") else {}
    more["FASTS2S_TEST_EDITS"] = case.edits
    done = scripts.run(book, case.script, way, *options, epochs=case.epochs, blas=blas, **more)
    if done.status:
        raise RuntimeError(f"{case.script} by {way}: {done.stderr.strip()[-300:]}")
    return done


def measure(book: Path, case: Case, rounds: int) -> list[Row]:
    """Return the rows of a case."""
    first = {blas: run(book, case, "plain", blas) for blas in (None, 1)}
    blas = min(first, key=lambda b: first[b].seconds)
    gate = scripts.agreement(run(book, case, "fasts2s", None).stdout, first[blas].stdout)
    if gate != "same output":
        own = scripts.agreement(first[None].stdout, first[1].stdout)
        gate += f" (python with one BLAS thread and with more: {own})"
    print(f"{case.name}: {gate}; BLAS threads of python: {blas or 'its own choice'}", flush=True)
    ways = {
        (case.name, OURS): lambda: run(book, case, "fasts2s", None).seconds,
        (case.name, PLAIN): lambda: run(book, case, "plain", blas).seconds,
    }
    found, _ = in_turn(ways, Pace(rounds, 0))
    about = {OURS: {"gate": gate, "wanted": case.wanted}, PLAIN: {"BLAS threads": blas}}
    return of_rounds("scripts", "s", found, about, GRAIN)


def launcher(rounds: int) -> list[Row]:
    """Return what the launcher costs: an empty script by both, in turn."""

    def seconds(*words: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, *words, "-c", "import numpy"], check=True, capture_output=True)
        return time.perf_counter() - started

    ways = {("import numpy", OURS): partial(seconds, "-m", "fasts2s", "-q"), ("import numpy", PLAIN): seconds}
    found, _ = in_turn(ways, Pace(rounds, 0))
    return of_rounds("scripts", "s", found, {}, GRAIN)


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkout", type=Path, help="a checkout of the book's repository")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each in turn (%(default)s)")
    parser.add_argument("--only", default="", help="only scripts with this in their name")
    parser.add_argument("--json", type=Path, help="write everything that was measured")
    args = parser.parse_args()
    started, began, rows = time.strftime("%Y-%m-%dT%H:%M:%S"), time.perf_counter(), []
    about, versions = machine.describe(), machine.versions("numpy", "numba", "fasts2s")
    with tempfile.TemporaryDirectory(prefix="fasts2s-book-") as folder:
        book = scripts.copy_checkout(args.checkout, Path(folder) / "book", 58_000, 7_000)
        for case in CASES:
            if args.only in case.script:
                rows += measure(book, case, args.rounds)
    rows += launcher(9)
    spent = round(time.perf_counter() - began, 1)
    result = Result("scripts", started, spent, about, versions, {"scripts": METHOD}, [], 0.0, rows)
    print(tables.text(result))
    if args.json:
        results.write(args.json, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())

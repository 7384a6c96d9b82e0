"""The book's scripts, by plain python and by ``python -m fasts2s``: status, output, time.

    python benchmarks/dropin_scripts.py CHECKOUT_JP CHECKOUT_KO
    python benchmarks/dropin_scripts.py --speed CHECKOUT [--rounds 3] [--only train_rnnlm] [--json FILE]

Scripts run in copies of the checkouts, with few epochs, a made-up text in the place of the Penn Treebank, and the
same seed. First form: all of them, with one epoch and a tenth of the additions and dates, on every backend:
everything is seen to run to its end, nothing is measured but roughly.

With ``--speed``: whole processes in turn: imports, data, training, evaluation. Plain python has the BLAS threads with
which a first run was fastest. Before a time counts, the outputs are compared. Training a language
model with the book's learning rate is chaotic: two runs of plain python with other BLAS threads part as soon.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import book_scripts as scripts

from fasts2s.bench import machine, results
from fasts2s.bench.measure import Pace, in_turn
from fasts2s.bench.report import tables
from fasts2s.bench.results import Result, Row
from fasts2s.bench.rows import of_rounds

LINE = "{:<31}{:<8}{:<22}{:<36}{:<36}"
BACKENDS = ("numpy", "numba")
#: Different words for scripts whose plain python would take hours with 10,000: a matrix of all pairs, its SVD.
FEW_WORDS = {"ch02/count_method_big.py": 400}
#: Whether it is --speed -> words of the made-up text for training, and for each test.
WORDS = {False: (12_000, 2_000), True: (58_000, 7_000)}
# Writes the file that generate_better_text.py loads, which the book offers as a download, with fresh weights.
WEIGHTS = "import sys; sys.path.append('..'); from better_rnnlm import BetterRnnlm; BetterRnnlm().save_params()"


class Case(NamedTuple):
    """A script, its epochs, its edits (see book_scripts.py), the speed-up that is wanted, and different words."""

    script: str
    epochs: int
    edits: str
    wanted: float
    vocabulary: int = 10_000

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
    Case("ch04/train.py", 1, "500 steps", 5.0),
    Case("ch04/train.py", 1, "skip-gram,50 steps", 5.0),
    Case("ch03/train.py", 1000, "", 1.0),
    Case("ch01/train.py", 300, "", 1.0),
    Case("ch02/count_method_big.py", 1, "", 2.0, 1_000),
)
Copies: TypeAlias = Callable[[int], Path]
OURS, PLAIN = "python -m fasts2s", "python"
#: What other programs do to a whole script.
GRAIN = 0.05
METHOD = "whole processes in turn; python with the BLAS threads with which a first run was fastest; outputs compared"


def copies(checkout: Path, folder: Path, train: int, test: int) -> Copies:
    """Return what copies a checkout, once for every number of different words: see ``copy_checkout``."""
    return cache(lambda words: scripts.copy_checkout(checkout, folder / f"book{words}", train, test, words))


# ---- does everything run? ---------------------------------------------------------------------------------


def shortened(book: Path) -> None:
    """Leave a tenth of the additions and dates, and write weights for the script that loads some."""
    for name in ("addition.txt", "date.txt"):
        path = book / "dataset" / name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[: len(lines) // 10]), encoding="utf-8")
    subprocess.run([sys.executable, "-c", WEIGHTS], cwd=book / "ch06", check=True)


def last_line(done: scripts.Done) -> str:
    """Return what a script died of."""
    lines = done.stderr.strip().splitlines() or ["?"]
    return next((line for line in reversed(lines) if "Error" in line), lines[-1])


def cell(plain: scripts.Done, done: scripts.Done) -> str:
    """Return status and time, and how far the output is from plain python's."""
    if done.status:
        return f"FAILED {done.status}"
    text = f"ok {done.seconds:6.1f} s"
    return text if plain.status else f"{text}, {scripts.agreement(done.stdout, plain.stdout)}"


def table(copy: Copies) -> list[str]:
    """Run all scripts of a checkout, print the table, return what failed under fasts2s."""
    book = copy(10_000)
    korean = "numpy.int)" in (book / "dataset" / "sequence.py").read_text(encoding="utf-8")
    edition, failed, deaths = "Korean edition" if korean else "Japanese edition", [], []
    print(f"\n{edition}")
    print(LINE.format("script", "BLAS", "python", *(f"fasts2s, {name}" for name in BACKENDS)).rstrip())
    for script in scripts.SCRIPTS:
        for blas in (None, 1):
            where = copy(FEW_WORDS.get(script, 10_000))
            plain = scripts.run(where, script, "plain", blas=blas)
            runs = {b: scripts.run(where, script, "fasts2s", "--backend", b, blas=blas) for b in BACKENDS}
            failed += [f"{edition} {script} {b}: {last_line(done)}" for b, done in runs.items() if done.status]
            outcome = f"ok {plain.seconds:6.1f} s" if not plain.status else last_line(plain).partition(":")[0]
            deaths += [f"  {script}: {last_line(plain)}"] if plain.status and blas is None else []
            cells = (cell(plain, done) for done in runs.values())
            print(LINE.format(script if blas is None else "", blas or "own", outcome, *cells).rstrip(), flush=True)
    print("\n".join(["why plain python fails:", *deaths]))
    return failed


# ---- how much sooner? -------------------------------------------------------------------------------------


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


def measured(copy: Copies, rounds: int, only: str) -> Result:
    """Return the rows of all cases with a text in their names, and of the launcher."""
    started, began = time.strftime("%Y-%m-%dT%H:%M:%S"), time.perf_counter()
    about, versions = machine.describe(), machine.versions("numpy", "numba", "fasts2s")
    wanted = [case for case in CASES if only in case.name]
    rows = [row for case in wanted for row in measure(copy(case.vocabulary), case, rounds)] + launcher(9)
    spent = round(time.perf_counter() - began, 1)
    return Result("scripts", started, spent, about, versions, {"scripts": METHOD}, [], 0.0, rows)


def main() -> int:
    """Run everything; the exit code is 1 if a script failed under fasts2s."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkouts", nargs="+", type=Path, help="checkouts of the book's repository")
    parser.add_argument("--speed", action="store_true", help="how much sooner are they done? On the first checkout")
    parser.add_argument("--rounds", type=int, default=3, help="of --speed: runs of each in turn (%(default)s)")
    parser.add_argument("--only", default="", help="of --speed: only scripts with this in their name")
    parser.add_argument("--json", type=Path, help="of --speed: write everything that was measured")
    args = parser.parse_args()
    failed: list[str] = []
    if not args.speed:
        print(machine.heading("The book's scripts", "the library's choice; BLAS as said"))
    for checkout in args.checkouts[: 1 if args.speed else None]:
        with tempfile.TemporaryDirectory(prefix="fasts2s-book-") as folder:
            copy = copies(checkout, Path(folder), *WORDS[args.speed])
            if args.speed:
                result = measured(copy, args.rounds, args.only)
                print(tables.text(result))
                if args.json:
                    results.write(args.json, result)
            else:
                shortened(copy(10_000))
                failed += table(copy)
    print(*(f"FAILED: {line}" for line in failed), sep="\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())

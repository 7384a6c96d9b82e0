"""Every script of the book's chapters 5 to 8, by plain python and by ``python -m fasts2s``: status, time, output.

    python benchmarks/dropin_scripts.py CHECKOUT_JP CHECKOUT_KO

Scripts run in copies of the checkouts, with one epoch, a made-up text in the place of the Penn Treebank, a tenth of
the additions and dates, and the same seed: everything is seen to run to its end, nothing is measured but roughly.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import book_scripts as scripts

from fasts2s.bench.machine import heading

LINE = "{:<31}{:<8}{:<22}{:<36}{:<36}"
BACKENDS = ("numpy", "numba")
# Writes the file that generate_better_text.py loads, which the book offers as a download, with fresh weights.
WEIGHTS = "import sys; sys.path.append('..'); from better_rnnlm import BetterRnnlm; BetterRnnlm().save_params()"


def copy(checkout: Path, folder: Path) -> Path:
    """Return a copy with a tenth of the additions and dates, and with weights for every script."""
    book = scripts.copy_checkout(checkout, folder / "book", 12_000, 2_000)
    for name in ("addition.txt", "date.txt"):
        path = book / "dataset" / name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[: len(lines) // 10]), encoding="utf-8")
    subprocess.run([sys.executable, "-c", WEIGHTS], cwd=book / "ch06", check=True)
    return book


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


def table(edition: str, book: Path) -> list[str]:
    """Run all scripts of a checkout, print the table, return what failed under fasts2s."""
    failed, deaths = [], []
    print(f"\n{edition}")
    print(LINE.format("script", "BLAS", "python", *(f"fasts2s, {name}" for name in BACKENDS)).rstrip())
    for script in scripts.SCRIPTS:
        for blas in (None, 1):
            plain = scripts.run(book, script, "plain", blas=blas)
            runs = {b: scripts.run(book, script, "fasts2s", "--backend", b, blas=blas) for b in BACKENDS}
            failed += [f"{edition} {script} {b}: {last_line(done)}" for b, done in runs.items() if done.status]
            outcome = f"ok {plain.seconds:6.1f} s" if not plain.status else last_line(plain).partition(":")[0]
            deaths += [f"  {script}: {last_line(plain)}"] if plain.status and blas is None else []
            cells = (cell(plain, done) for done in runs.values())
            print(LINE.format(script if blas is None else "", blas or "own", outcome, *cells).rstrip(), flush=True)
    print("\n".join(["why plain python fails:", *deaths]))
    return failed


def main() -> int:
    """Run everything; the exit code is 1 if a script failed under fasts2s."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkouts", nargs="+", type=Path, help="checkouts of the book's repository")
    args = parser.parse_args()
    print(heading("The book's scripts", "the library's choice; BLAS as said"))
    failed: list[str] = []
    for checkout in args.checkouts:
        with tempfile.TemporaryDirectory(prefix="fasts2s-book-") as folder:
            book = copy(checkout, Path(folder))
            korean = "numpy.int)" in (book / "dataset" / "sequence.py").read_text(encoding="utf-8")
            failed += table("Korean edition" if korean else "Japanese edition", book)
    print(*(f"FAILED: {line}" for line in failed), sep="\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())

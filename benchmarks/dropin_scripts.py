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

from suite import book_scripts as scripts
from suite.heading import heading

LINE = "{:<31}{:<8}{:<22}{:<36}{:<36}"
BACKENDS = ("numpy", "numba")


def short_data(book: Path) -> None:
    """Keep a tenth of the lines of additions and dates."""
    for name in ("addition.txt", "date.txt"):
        path = book / "dataset" / name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[: len(lines) // 10]), encoding="utf-8")


def save_better_weights(book: Path) -> None:
    """Write the file that generate_better_text.py loads, which the book offers as a download, with fresh weights."""
    code = "import sys; sys.path.append('..'); from better_rnnlm import BetterRnnlm; BetterRnnlm().save_params()"
    subprocess.run([sys.executable, "-c", code], cwd=book / "ch06", check=True)


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
            cells = []
            for backend in BACKENDS:
                done = scripts.run(book, script, "fasts2s", "--backend", backend, blas=blas)
                cells.append(cell(plain, done))
                failed += [f"{edition} {script} {backend}: {last_line(done)}"] if done.status else []
            outcome = f"ok {plain.seconds:6.1f} s" if not plain.status else last_line(plain).partition(":")[0]
            deaths += [f"  {script}: {last_line(plain)}"] if plain.status and blas is None else []
            print(LINE.format(script if blas is None else "", blas or "own", outcome, *cells).rstrip(), flush=True)
    print("\n".join(["why plain python fails:", *deaths]))
    return failed


def main() -> int:
    """Run everything; the exit code is 1 if a script failed under fasts2s."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("checkouts", nargs="+", type=Path, help="checkouts of the book's repository")
    args = parser.parse_args()
    heading("The book's scripts", "the library's choice; BLAS as said", {})
    failed: list[str] = []
    for checkout in args.checkouts:
        with tempfile.TemporaryDirectory(prefix="fasts2s-book-") as folder:
            book = scripts.copy_checkout(checkout, Path(folder) / "book")
            scripts.write_ptb(book, 12_000, 2_000)
            short_data(book)
            save_better_weights(book)
            failed += table("Korean edition" if _is_korean(book) else "Japanese edition", book)
    for line in failed:
        print(f"FAILED: {line}")
    return int(bool(failed))


def _is_korean(book: Path) -> bool:
    return "numpy.int)" in (book / "dataset" / "sequence.py").read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

"""How much of what readers of the book have written the drop-in replaces, and whether rightly.

    python benchmarks/wild_coverage.py FOLDER [--json FILE] [--only PART] [--left]

In FOLDER lie folders, one for each repository. Every class and function in their Python files and notebooks that has
the name or the shape of one of the book's is called with numbers of its own making, beside the package's on the numpy
backend: outputs, gradients and states must agree to 1e-5 at several sizes. The same file is imported (or run, without
what is not a definition) under the drop-in, which has replaced it or not; what is replaced must answer under the
drop-in what it answers by itself.

Code of others is executed: look at it first. Each repository has a process of its own, each file another, with a
limit of time.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from wild.definitions import with_definitions
from wild.verdicts import (
    DIFFERENT,
    FAILS,
    LIKE_NONE,
    NOT_IMPORTED,
    NOT_JUDGED,
    REPLACEABLE,
    SAME,
    TOO_LONG,
    Row,
    of_file,
    prepare,
)

_COLUMNS = ("found", "same", "replaced", "left, same", "wrongly", "different", "fails", "not run")
_LINE = "{:28}" + "{:>11}" * len(_COLUMNS)
#: Seconds for a file, for a repository.
_FILE, _REPOSITORY = 60.0, 900.0


def of_repository(folder: Path) -> list[Row]:
    """Return the rows of all files of a repository, in this process and its children."""
    prepare()
    return [row for file in with_definitions(folder) for row in of_file(file, folder, _FILE)]


def _asked(folder: Path) -> list[Row]:
    """Return the same from a process of its own."""
    # Threads of a BLAS do not survive a fork.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    command = [sys.executable, __file__, "--one", str(folder)]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, env=environment, check=True, timeout=_REPOSITORY, encoding="utf-8"
        )
    except subprocess.SubprocessError as error:
        print(f"{folder.name}: {error}", file=sys.stderr)
        return []
    return [Row(*values) for values in json.loads(done.stdout)]


def counts(rows: list[Row]) -> tuple[int, ...]:
    """Return the numbers of the table's columns."""
    verdicts = Counter(row.verdict for row in rows)
    same = [row for row in rows if row.verdict == SAME]
    return (
        len(rows), len(same), sum(row.replaced for row in rows),
        sum(not row.replaced and row.like in REPLACEABLE for row in same),
        sum(bool(row.wrong) for row in rows), verdicts[DIFFERENT], verdicts[FAILS],
        verdicts[NOT_JUDGED] + verdicts[NOT_IMPORTED] + verdicts[TOO_LONG],
    )  # fmt: skip


def table(rows: list[Row]) -> str:
    """Return the table: a line for each definition of the book's, those that have a replacement first."""
    counted = [row for row in rows if row.verdict != LIKE_NONE]
    names = sorted({row.like for row in counted}, key=lambda name: (name not in REPLACEABLE, name.lower()))
    lines = [_LINE.format("", *_COLUMNS)]
    for wanted, title in ((True, "with a replacement"), (False, "without one")):
        group = [row for row in counted if (row.like in REPLACEABLE) is wanted]
        for name in names:
            if (name in REPLACEABLE) is wanted:
                lines.append(_LINE.format(name, *counts([row for row in group if row.like == name])))
        lines.append(_LINE.format(f"all {title}", *counts(group)))
    return "\n".join(lines)


def left(rows: list[Row]) -> str:
    """Return what was left though it is the same, with the reason that the drop-in gives."""
    found = [row for row in rows if row.verdict == SAME and not row.replaced and row.like in REPLACEABLE]
    return "\n".join(f"{row.file}: {row.name}: {row.reason or 'not looked at'}" for row in found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="holds one folder for each repository")
    parser.add_argument("--json", type=Path, help="write all rows to this file")
    parser.add_argument("--only", default="", help="only repositories with this in their names")
    parser.add_argument("--left", action="store_true", help="list what was left though it is the same")
    parser.add_argument("--one", action="store_true", help="the folder is one repository: print its rows as JSON")
    return parser.parse_args()


def main() -> int:
    """Print the table; the exit code is 1 if something was replaced and answers in another way now."""
    a = _arguments()
    if not a.folder.is_dir():
        print(f"{a.folder} is no folder", file=sys.stderr)
        return 2
    if a.one:
        print(json.dumps(of_repository(a.folder.resolve())))
        return 0
    rows: list[Row] = []
    for folder in sorted(place for place in a.folder.iterdir() if place.is_dir() and a.only in place.name):
        found = _asked(folder)
        rows += [row._replace(file=f"{folder.name}/{row.file}") for row in found]
        print(f"{folder.name}: {len(found)} definitions", file=sys.stderr, flush=True)
    print(table(rows))
    if a.left:
        print(left(rows))
    wrong = [row for row in rows if row.wrong]
    print(*(f"WRONGLY REPLACED: {row.file}: {row.name}: {row.wrong}" for row in wrong), sep="\n")
    if a.json:
        a.json.write_text(json.dumps([row._asdict() for row in rows], indent=1) + "\n", encoding="utf-8")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

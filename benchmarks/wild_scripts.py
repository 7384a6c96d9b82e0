"""The training scripts of readers of the book, plain and by ``python -m fasts2s``: status, output, time.

    python benchmarks/wild_scripts.py FOLDER [--list FILE.json] [--dataset BOOK/dataset] [--cpu] [--json FILE]

In FOLDER lie folders, one for each repository. Scripts are those of a list, ``[{"script": "name/ch07/train.py",
"epochs": 2, "set": {"batch_size": 10}}, ...]``, where ``set`` gives numbers to other names, and notebooks may be
among them; without a list all files train*.py. They run in copies of their repositories, see ``wild/shortened.py``,
with few epochs, a tenth of the additions and dates, and a made-up text where ``ptb.py`` looks for the Penn Treebank.
Data that are missing beside these end the script, in both ways.

Code of others is executed: look at it first.
"""

import argparse
import json
import math
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from book_scripts import Done, agreement, made_up_ptb
from wild.definitions import files

from fasts2s.bench.machine import heading

_LINE = "{:64} {:>9} {:>9} {:>7}  {}"
_TOO_LONG = 124
#: Elapsed seconds, as readers print them beside those that are left out already.
_TIMES = re.compile(r"\b(?:elapsed|time)\w*[ :=|]*\d+(?:\.\d+)?", re.IGNORECASE)
#: Words of the made-up text: as few as have the whole vocabulary in them.
_WORDS = 12_000, 2_000
_WITH_LINES = ("addition.txt", "date.txt")
_LEFT_OUT = shutil.ignore_patterns(".git", "__pycache__", "ptb.*.npy", "ptb.vocab.pkl", "venv", ".venv")
_RUNNERS = {".py": "shortened.py", ".ipynb": "cells.py"}


class Outcome(NamedTuple):
    """What became of one script."""

    script: str
    status: tuple[int, int]
    seconds: tuple[float, float]
    said: str

    @property
    def ratio(self) -> float | None:
        """How many times as fast it is under the drop-in; None where it did not run to its end."""
        return self.seconds[0] / self.seconds[1] if self.status == (0, 0) else None


def found(folder: Path) -> list[dict[str, Any]]:
    """Return the scripts of all repositories that are called train*.py."""
    names = (path for path in files(folder) if path.name.startswith("train") and path.suffix == ".py")
    return [{"script": str(path.relative_to(folder))} for path in names if path.parent != folder]


def _add_data(copy: Path, dataset: Path) -> None:
    """Add what of the book's folder of data is missing."""
    if not any(copy.rglob("sequence.py")):
        shutil.copytree(dataset, copy / "dataset", dirs_exist_ok=True, ignore=_LEFT_OUT)
    for place in [path.parent for path in copy.rglob("sequence.py")]:
        for name in _WITH_LINES:
            if not (place / name).exists():
                shutil.copy(dataset / name, place / name)


def copied(repository: Path, place: Path, dataset: Path | None = None) -> Path:
    """Copy a repository, with fewer data, and made-up ones where they are missing; return the copy."""
    copy = Path(shutil.copytree(repository, place / repository.name, ignore=_LEFT_OUT, symlinks=True))
    if dataset is not None:
        _add_data(copy, dataset)
    for path in [p for name in _WITH_LINES for p in copy.rglob(name)]:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[: max(len(lines) // 10, 500)]), encoding="utf-8")
    for path in copy.rglob("ptb.py"):
        made_up_ptb(path.parent, *_WORDS)
    return copy


class How(NamedTuple):
    """How scripts are run: rounds in turn, seconds for a run at most, whether the processor's seconds count, and the
    book's folder of data for those that have none."""

    rounds: int
    limit: float
    cpu: bool = False
    dataset: Path | None = None


def _clock(cpu: bool) -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime if cpu else time.perf_counter()


def run(copy: Path, script: Path, way: str, about: dict[str, Any], how: How) -> Done:
    """Run a script once, in its folder."""
    before = [os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else []
    # Chapter 8 imports what lies in the folder of chapter 7.
    paths = os.pathsep.join(str(place) for place in (script.parent, copy, script.parents[1] / "ch07", *before))
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONHASHSEED": "0", "PYTHONPATH": paths}
    if how.cpu:
        environment |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "FASTS2S_NUM_THREADS"), "1")
    runner = Path(__file__).parent / "wild" / _RUNNERS[script.suffix]
    command = [sys.executable, str(runner), way, json.dumps(about), str(copy), script.name]
    if way == "fasts2s" and script.suffix == ".py":
        command.append("-q")
    started = _clock(how.cpu)
    more: Any = {"cwd": script.parent, "env": environment, "stdin": subprocess.DEVNULL, "capture_output": True}
    try:
        done = subprocess.run(command, check=False, timeout=how.limit, encoding="utf-8", errors="replace", **more)
    except subprocess.TimeoutExpired:
        return Done(_TOO_LONG, how.limit, "", f"longer than {how.limit:.0f} s")
    return Done(done.returncode, _clock(how.cpu) - started, done.stdout, done.stderr)


def _said(plain: Done, ours: Done) -> str:
    if plain.status or ours.status:
        lines = ((plain.stderr if plain.status else ours.stderr).strip().splitlines() or ["?"])[-1][:70]
        return f"status {plain.status} and {ours.status}: {lines}"
    return agreement(*(_TIMES.sub("time", done.stdout) for done in (ours, plain)))


def measured(folder: Path, about: dict[str, Any], how: How) -> Outcome:
    """Run a script in turn by both ways; the least seconds of the rounds count."""
    name = about["script"]
    repository, _, path = name.partition("/")
    with tempfile.TemporaryDirectory(prefix="fasts2s-wild-") as place:
        copy = copied(folder / repository, Path(place).resolve(), how.dataset)
        runs: dict[str, list[Done]] = {"plain": [], "fasts2s": []}
        for _ in range(how.rounds):
            for way, done in runs.items():
                done.append(run(copy, copy / path, way, about, how))
            if any(done[-1].status for done in runs.values()):
                break
    plain, ours = (min(done, key=lambda d: (-d.status, d.seconds)) for done in runs.values())
    return Outcome(name, (plain.status, ours.status), (plain.seconds, ours.seconds), _said(plain, ours))


def summary(outcomes: list[Outcome]) -> str:
    """Return how much faster they are, all together, and which are not."""
    ratios = {one.script: one.ratio for one in outcomes if one.ratio is not None}
    if not ratios:
        return "no script ran to its end in both ways"
    mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
    places = len({script.partition("/")[0] for script in ratios})
    slow = [f"{script} ({ratio:.2f})" for script, ratio in ratios.items() if ratio < 1 / 1.05]
    lines = [f"{len(ratios)} scripts of {places} repositories, geometric mean {mean:.2f} times as fast"]
    return "\n".join([*lines, *(f"slower than 1.05 times plain: {one}" for one in slow)])


def main() -> int:
    """Run them and print the table; the exit code is 1 if one ends only by plain python well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="holds one folder for each repository")
    parser.add_argument("--list", type=Path, help="a JSON file with the scripts; default: all train*.py")
    parser.add_argument("--only", default="", help="only scripts with this in their path")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each in turn (%(default)s)")
    parser.add_argument("--limit", type=float, default=120, help="seconds for one run (%(default)s)")
    parser.add_argument(
        "--dataset", type=Path, help="the folder dataset of the book's checkout, where theirs is missing"
    )
    text = "seconds of the processor with one thread each, not elapsed ones: where other programs are running"
    parser.add_argument("--cpu", action="store_true", help=text)
    parser.add_argument("--json", type=Path, help="write what was measured to this file")
    a = parser.parse_args()
    if not a.folder.is_dir():
        print(f"{a.folder} is no folder", file=sys.stderr)
        return 2
    scripts = json.loads(a.list.read_text(encoding="utf-8")) if a.list else found(a.folder.resolve())
    print(heading("Readers' scripts", "one thread each" if a.cpu else "the library's choice; BLAS its own"))
    print(_LINE.format("script", "python, s", "fasts2s", "times", "output"))
    outcomes = []
    for about in (about for about in scripts if a.only in about["script"]):
        one = measured(a.folder.resolve(), about, How(a.rounds, a.limit, a.cpu, a.dataset))
        outcomes.append(one)
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        print(_LINE.format(one.script, *(f"{s:.2f}" for s in one.seconds), ratio, one.said), flush=True)
    print(summary(outcomes))
    if a.json:
        rows = [one._asdict() | {"ratio": one.ratio} for one in outcomes]
        a.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return int(any(one.status[0] == 0 != one.status[1] for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())

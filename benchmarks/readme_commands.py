"""Runs what README.md shows, in order, in an empty folder and with an empty cache of kernels, and times each of it.

    python benchmarks/readme_commands.py --json benchmarks/results/readme_commands.json
    python benchmarks/readme_tables.py                       # the README says what was printed

Shell lines run one by one, the Python blocks in one process. What cannot run here is named with the reason: the
book's scripts want FASTS2S_BOOK, a GPU its own; what takes many minutes --long. Exit status 1 if anything failed.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fasts2s.backend import backends, book_checkout
from fasts2s.bench import machine
from fasts2s.bench.report import units

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
#: Begin of a command -> why it is not simply run.
OBSTACLES = {"pip install": "changes the environment", "fasts2s bench compare": "wants the files of two runs"}
OBSTACLES |= dict.fromkeys(("fasts2s train pairs", "fasts2s ask talk", "fasts2s chat"), "wants a file of your own")
OBSTACLES["fasts2s serve"] = "goes on until it is stopped"
LONG = ("make test", "fasts2s bench full", "fasts2s bench peeky")
# Executes the blocks that come as JSON on stdin, in one namespace; says the seconds of each.
BLOCKS = """
import json, sys, time
names = {"__name__": "__main__"}
for block in json.load(sys.stdin):
    started = time.perf_counter()
    exec(compile(block, "README.md", "exec"), names)
    print("seconds", time.perf_counter() - started, flush=True)
"""


@dataclass
class Step:
    """A line of a shell block, or a Python block.

    Attributes
    ----------
    section : str
        The heading above it.
    text : str
        As in the README, without comments; of a Python block all lines.
    seconds : float or None
        What it took; None if it was not run, ``why`` says why.
    said : str
        What it printed.
    """

    section: str
    language: str
    text: str
    seconds: float | None = None
    why: str = ""
    said: str = ""

    @property
    def failed(self) -> bool:
        """Whether it ran and did not end well."""
        return self.why.startswith("FAILED")


def steps(text: str) -> list[Step]:
    """Return what a README shows to be run, in order."""
    found, section = [], ""
    for block in re.finditer(r"^#+ (?P<title>[^\n]*)$|^```(?P<language>\w*)\n(?P<body>.*?)^```$", text, re.M | re.S):
        section = block["title"] or section
        if block["language"] == "python":
            found.append(Step(section, "python", block["body"]))
        elif block["language"] == "sh":
            lines = (re.sub(r"(^|\s+)# .*", "", line).strip() for line in block["body"].splitlines())
            found += [Step(section, "sh", line) for line in lines if line]
    return found


def of_the_book(step: Step) -> bool:
    """Return whether a step is about the book's scripts."""
    return step.text.startswith("cd ") or "python -m fasts2s " in step.text


def obstacle(step: Step, long: bool) -> str:
    """Return what keeps a step from being run, or ""."""
    if step.text.startswith(LONG) and not long:
        return "takes many minutes: --long"
    if "cupy" in step.text and not backends()["cupy"].usable:
        return "wants a GPU"
    if of_the_book(step) and book_checkout() is None:
        return "wants FASTS2S_BOOK, a checkout of the book's code"
    return next((why for start, why in OBSTACLES.items() if step.text.startswith(start)), "")


class Place:
    """The empty folder: commands run in it, make in a clone beside it, the book's scripts in a copy of a checkout."""

    def __init__(self, folder: Path) -> None:
        self.work, self.clone, self.book = folder / "work", folder / "clone", folder / "book"
        self.work.mkdir()
        programs, python = folder / "programs", shlex.quote(sys.executable)
        programs.mkdir()
        ours = {"fasts2s": "-c 'import sys; from fasts2s.cli import main; sys.exit(main())'", "python": ""}
        for name, code in ours.items():
            (programs / name).write_text(f'#!/bin/sh\nexec {python} {code} "$@"\n', encoding="utf-8")
            (programs / name).chmod(0o700)
        self.environment = os.environ | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")]),
            "FASTS2S_CACHE_DIR": str(folder / "cache"),
            "MPLBACKEND": "Agg",
            "PIP_QUIET": "1",  # errors alone: what it warns of is this machine
        }

    def folder_of(self, step: Step) -> Path:
        """Return where a step runs, made if need be: the book's scripts in the folder that the README's cd names."""
        if step.text.startswith("make"):
            if not self.clone.exists():
                left_out = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "demo", "runs", ".*_cache")
                shutil.copytree(ROOT, self.clone, ignore=left_out)
            return self.clone
        checkout = book_checkout()
        if of_the_book(step) and checkout is not None:
            if not self.book.exists():
                shutil.copytree(checkout, self.book, ignore=shutil.ignore_patterns(".git"))
            return self.book if step.text.startswith("cd ") else self.book / "ch07"
        return self.work

    def run(self, step: Step) -> None:
        """Run a shell line, note what it took."""
        started = time.perf_counter()
        done = self._process(["/bin/sh", "-c", step.text], self.folder_of(step), None)
        step.seconds, step.said = time.perf_counter() - started, done.stdout
        step.why = f"FAILED with {done.returncode}: {done.stdout.strip()[-400:]}" if done.returncode else ""

    def run_blocks(self, blocks: list[Step]) -> None:
        """Run Python blocks in one process, note what each took."""
        done = self._process([sys.executable, "-c", BLOCKS], self.work, json.dumps([block.text for block in blocks]))
        seconds = [float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("seconds ")]
        for block, spent in zip(blocks, seconds, strict=False):
            block.seconds = spent
        for block in blocks[len(seconds) :]:
            block.why = f"FAILED: {done.stdout.strip()[-400:]}"

    def _process(self, command: list[str], folder: Path, given: str | None) -> "subprocess.CompletedProcess[str]":
        how: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run(command, cwd=folder, env=self.environment, input=given or "", check=False, **how)
        done.stdout = done.stdout.replace(str(self.work.parent), "FOLDER")  # another one in every run
        return done


def run(found: list[Step], folder: Path, long: bool) -> Iterator[Step]:
    """Run steps in order, those of Python when the first of them comes; yield each when it is done."""
    place = Place(folder)
    blocks = [step for step in found if step.language == "python"]
    for step in found:
        if step.language == "sh":
            step.why = obstacle(step, long)
            if not step.why:
                place.run(step)
        elif step is blocks[0]:
            place.run_blocks(blocks)
        yield step


def main(argv: list[str] | None = None) -> int:
    """Run everything, or the sections that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="only sections with this in their heading")
    parser.add_argument("--long", action="store_true", help=f"also {', '.join(LONG)}")
    parser.add_argument("--json", type=Path, help="write what was measured")
    a = parser.parse_args(argv)
    about, started = machine.describe(), time.strftime("%Y-%m-%dT%H:%M:%S")
    print(machine.heading("The commands of README.md", "the library's choice", "fasts2s"))
    found = [step for step in steps(README.read_text(encoding="utf-8")) if a.only in step.section]
    with tempfile.TemporaryDirectory(prefix="fasts2s-readme-") as name:
        for step in run(found, Path(name), a.long):
            spent = "-" if step.seconds is None else units.duration(step.seconds)
            first = step.text.splitlines()[0] + (" ..." if step.language == "python" else "")
            print(f"{spent:>12}  {first}{'  # ' + step.why if step.why else ''}", flush=True)
    if a.json:
        content = {"started": started, "machine": about, "steps": [asdict(step) for step in found]}
        a.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return int(any(step.failed for step in found))


if __name__ == "__main__":
    sys.exit(main())

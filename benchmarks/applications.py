"""Runs every application, with three seeds, and writes score, time, memory and a picture of each.

    python benchmarks/applications.py [--seeds 1,2,3] [--only TEXT] [--rest] [--quick]

Each training is a process of its own, one after the other. After each of them applications.json and .md in
benchmarks/results are written again; ``--rest`` keeps what stands there and runs what does not. The first seed gives
the pictures of docs/gallery. ``--quick`` runs the short trainings, prints seconds, and writes nothing.
benchmarks/readme_tables.py puts the table on docs/apps.md, and the pictures on docs/gallery.md.
"""

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import Any

from fasts2s.bench import machine
from fasts2s.bench.report import units

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "applications.json"
GALLERY = ROOT / "docs" / "gallery"


@dataclass(frozen=True)
class Case:
    """A command after ``fasts2s app``, and which of the numbers in history.json is its score.

    Attributes
    ----------
    command : its words
    what : the score, in words
    score : keys into history.json
    beside : further numbers of the report that the table shows
    picture : the file of the run that the gallery shows, and what is to be seen in it; "" for none
    """

    command: str
    what: str
    score: tuple[str, str] = ("test", "accuracy")
    beside: tuple[str, ...] = ()
    picture: tuple[str, str] = ("", "")

    @property
    def shown(self) -> Path:
        """Where its picture lies for the gallery."""
        return GALLERY / f"{re.sub('[^a-z]+', '-', self.command)}.png"


_LOOKED = ("attention.png", "From left to right: the source. From top to bottom: the answer, and where it looked.")
_EXACT = "exact answers"
#: The seed whose pictures are shown.
_PICTURED = 1
CASES = (
    Case("translate --task numbers --to ko", _EXACT),
    Case("translate --task grammar --to ko", _EXACT, picture=_LOOKED),
    Case("translate --task grammar --to ko --model plain", _EXACT),
    Case("translate --task grammar --to ja", _EXACT),
    Case("translate --task grammar --to ja --model plain", _EXACT),
    Case("summarise", "headlines, all slots right", picture=_LOOKED),
    Case("summarise --task docstrings", "ROUGE-L", beside=("first 8 words",)),
    Case("answer", "right answers", picture=_LOOKED),
    Case("answer --model plain", "right answers"),
    Case("mail", "replies, all slots right", beside=("English", "Korean"), picture=_LOOKED),
    Case("mail --model plain", "replies, all slots right", beside=("English", "Korean")),
    Case("chat", "right answers", beside=("drawn answers that end", "drawn answers without <unk>")),
    Case("program", f"{_EXACT}, 3 digits", picture=_LOOKED),
    Case("program --task copy", _EXACT, beside=("alignment",)),
    Case("program --task reverse", _EXACT, beside=("alignment",), picture=_LOOKED),
    Case("program --task sort", _EXACT),
    Case("rhyme", "verses that rhyme", ("report", "rhyming"), ("new",)),
    Case(
        "caption",
        _EXACT,
        picture=("captions.png", "Pictures that it had not seen, and what it said; wrong ones in red."),
    ),
    Case(
        "tones",
        _EXACT,
        picture=("attention.png", "A sound from left to right, and where it listened for each digit."),
    ),
    Case(
        "ntm",
        "right bits, 1 to 10 vectors",
        ("report", "right bits"),
        ("at length 20", "LSTM at length 20"),
        ("memory.png", "20 vectors that are read and said again: where the machine writes, and where it reads."),
    ),
)


@dataclass
class Run:
    """One training: percent, seconds of the whole process, MB."""

    command: str
    seed: int
    score: float | None
    beside: dict[str, float]
    seconds: float
    peak_memory_mb: float | None
    failed: str = ""


def train(case: Case, seed: int, quick: bool) -> Run:
    """Run an application in a folder that does not stay."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "fasts2s.cli", "app", *shlex.split(case.command)]
        command += ["--seed", str(seed), "--out", str(out), *(["--quick"] if quick else [])]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        if done.returncode:
            return Run(case.command, seed, None, {}, seconds, None, done.stderr.strip().splitlines()[-1])
        history = json.loads((out / "history.json").read_text(encoding="utf-8"))
        (part, key), report = case.score, history.get("report", {})
        beside = {name: report[name] for name in case.beside if name in report}
        if case.picture[0] and seed == _PICTURED and not quick:
            GALLERY.mkdir(exist_ok=True)
            shutil.copy(out / case.picture[0], case.shown)
        return Run(case.command, seed, history[part][key], beside, seconds, history.get("peak_memory_mb"))


def columns(found: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Return the heads of the table and its lines, one for each command that was run."""
    heads = ["fasts2s app", "score", "on average", "the worst", "seeds", "time", "memory"]
    lines = []
    for case in CASES:
        runs = _runs(case, found)
        if runs:
            lines.append(_line(case, runs))
    return heads, lines


def _runs(case: Case, found: dict[str, Any]) -> list[dict[str, Any]]:
    return [run for run in found["runs"] if run["command"] == case.command and run["score"] is not None]


def _line(case: Case, runs: Sequence[dict[str, Any]]) -> list[str]:
    scores = [run["score"] for run in runs]
    means = {name: mean(run["beside"][name] for run in runs) for name in case.beside if name in runs[0]["beside"]}
    more = f" ({', '.join(f'{name} {value:.1f} %' for name, value in means.items())})" if means else ""
    memory = max((run["peak_memory_mb"] or 0 for run in runs), default=0)
    return [
        f"`{case.command}`", case.what, f"{mean(scores):.2f} %{more}", f"{min(scores):.2f} %", str(len(runs)),
        units.duration(median(run["seconds"] for run in runs)), f"{memory:.0f} MB" if memory else "",
    ]  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    heads, lines = columns(found)
    rows = [heads, ["---", "---", *["---:"] * (len(heads) - 2)], *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def gallery(found: dict[str, Any]) -> str:
    """Return the pictures as Markdown, each with its command, score and time."""
    parts = []
    for case in CASES:
        runs = _runs(case, found)
        if case.picture[0] and runs and case.shown.exists():
            command, what, score, _, seeds, time_taken, _ = _line(case, runs)
            text = f"{score} {what}, {seeds} seeds, {time_taken} each. {case.picture[1]}"
            parts.append(f"## {command}\n\n{text}\n\n![{case.command}](gallery/{case.shown.name})")
    return "\n\n".join(parts)


def write(found: dict[str, Any]) -> None:
    """Write applications.json and applications.md."""
    RESULT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text = (
        f"# Applications\n\n{machine.line(found['machine'])}; {found['started']}, commit {found['machine']['commit']}"
    )
    RESULT.with_suffix(".md").write_text(f"{text}\n\n{table(found)}\n", encoding="utf-8")


def main() -> int:
    """Run them; return 1 if one failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--only", default="", help="commands with one of these in them, commas between")
    parser.add_argument("--rest", action="store_true", help="keep what was measured")
    parser.add_argument("--quick", action="store_true", help="short trainings; nothing is written")
    a = parser.parse_args()
    found: dict[str, Any] = {"machine": machine.describe(), "started": time.strftime("%Y-%m-%d"), "runs": []}
    if a.rest and RESULT.exists():
        found = json.loads(RESULT.read_text(encoding="utf-8"))
    print(machine.heading("Applications", "the library's choice"))
    known = {(run["command"], run["seed"]) for run in found["runs"]}
    failed = False
    for seed in map(int, a.seeds.split(",")):
        for case in CASES:
            if not any(text in case.command for text in a.only.split(",")) or (case.command, seed) in known:
                continue
            run = train(case, seed, a.quick)
            score = run.failed or f"{run.score:.2f} % {case.what}"
            print(f"{case.command}, seed {seed}: {score}, {run.seconds:.0f} s", flush=True)
            failed = failed or bool(run.failed)
            if not a.quick:
                found["runs"].append(asdict(run))
                write(found)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

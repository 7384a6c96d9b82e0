"""Write the tables of the pages (README.md, DROPIN.md, docs/, benchmarks/README.md) from benchmarks/results.

    python benchmarks/readme_tables.py [--check]

What stands between ``<!-- table: NAME -->`` and ``<!-- end -->`` is replaced. Nobody edits it by hand: --check, and a
test, compare it with the results.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fasts2s.bench import goals, results
from fasts2s.bench.machine import line, too_busy
from fasts2s.bench.report import document, markdown, story, units
from fasts2s.bench.results import Result, Row

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
FILES = tuple(ROOT / name for name in ("README.md", "DROPIN.md", "docs/backends.md", "benchmarks/README.md"))
#: What stands where the README's commands have not been timed.
UNTIMED = "How long it takes on your machine: `python benchmarks/readme_commands.py`."
#: What tables call a contestant, where its name is not enough.
_NAMES = {goals.OURS: "fasts2s", "book": "the book's code"}
_BLOCK = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n)(?P<text>.*?)\n?(?P<end><!-- end -->)", re.DOTALL)


def load(plan: str) -> Result:
    """Return the committed result of a plan."""
    return results.read(RESULTS / f"{plan}.json")


def summary() -> str:
    """Return the paragraph that says how fast it is."""
    full = load("full")
    book, torch = (_range(full, "steps", name) for name in ("book", "PyTorch"))
    return (
        f"**How fast.** On {_cores(full)}, one training step is {_text(book)} times as fast\nas with the book's own "
        f"code, and {_text(torch)} times as fast as with PyTorch {full.versions['torch']}"
        f"{' (below 1: slower)' if torch and torch[0] < 1 else ''}."
    )


def _cores(result: Result) -> str:
    return f"{result.machine['threads']} cores of an {result.machine['processor']}"


def _range(result: Result, group: str, other: str) -> tuple[float, float] | None:
    """Return the least and the largest ratio over the cases of a group; None where there is none."""
    found = [goals.ratio(result, group, case, other) for case, _ in result.of(group)]
    known = [r for r in found if r is not None]
    return (min(known), max(known)) if known else None


def _text(ends: tuple[float, float] | None) -> str:
    return f"{_short(ends[0])} to {_short(ends[1])}" if ends else _short(None)


def _short(ratio: float | None) -> str:
    return "an unknown number of" if ratio is None else units.times(ratio).rstrip(units.TIMES)


def start() -> str:
    """Return the sentence about the first training step."""
    full, filled = load("full"), "first step of Seq2seq"
    cases = ((f"{filled}, nothing compiled yet", "numba"), (filled, "numba"), (filled, "PyTorch"))
    rows = [full.find("start", *case) for case in cases]
    texts = [units.quantity(row.value, "s") for row in rows if row is not None]
    later = " (PyTorch: ".join(texts[1:]) + (")." if len(texts) > 2 else ".")
    return (
        f"From the start of a process to the end of its first training step, on {_cores(full)}:\n"
        f"{texts[0]} the first time ever, then {later}"
    )


def peeky() -> str:
    """Return the chapter's story."""
    result = load("peeky")
    return "\n".join([f"**{story.headline(result)}.**", "", *(f"* {line}" for line in story.sentences(result))])


def scripts() -> str:
    """Return the table of whole scripts."""
    lines = ["| whole script | python | `python -m fasts2s` | times as fast |", "|---|---|---|---|"]
    for case, (ours, plain) in load("scripts").of("scripts"):
        texts = [units.quantity(row.value, "s") for row in (plain, ours)]
        lines.append(f"| {case} | {' | '.join(texts)} | {_short(plain.ratio or plain.value / ours.value)} |")
    return "\n".join(lines)


def place(plan: str) -> str:
    """Return where and when a plan was measured."""
    about = load(plan)
    commit = about.machine["commit"]
    return f"*{about.machine['processor']}, {about.machine['cores']} cores, {about.started[:10]}, commit {commit}.*"


def _timed() -> dict[str, Any] | None:
    """Return what benchmarks/readme_commands.py has measured; None before it was run."""
    path = RESULTS / "readme_commands.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _commands(found: dict[str, Any] | None, start: str, section: str = "") -> list[dict[str, Any]]:
    """Return the commands of the README, or of one section, that begin with a text and were run."""
    steps = found["steps"] if found else []
    chosen = [one for one in steps if section in ("", one["section"])]
    return [one for one in chosen if one["seconds"] and one["text"].startswith(start)]


def _place(found: dict[str, Any]) -> str:
    """Return where and when the README's commands were timed, and a caution if the machine was busy."""
    about = found["machine"]
    caution = too_busy(about["load_before"])
    text = f"{about['processor']}, {about['threads']} cores, {found['started'][:10]}"
    return f"{text}; **{caution}**" if caution else text


def tour(found: dict[str, Any] | None) -> str:
    """Return what the commands of the tour took."""
    steps = _commands(found, "fasts2s", "A tour")
    if not found or not steps:
        return UNTIMED
    each = [f"`{one['text'].removeprefix('fasts2s ')}`: {units.duration(one['seconds'])}" for one in steps]
    total = units.duration(sum(one["seconds"] for one in steps))
    return (
        f"It takes {total}: {'; '.join(each)}.\nThe first one compiles its kernels, as on a new machine. Timed by "
        f"`benchmarks/readme_commands.py` ({_place(found)})."
    )


def demo(found: dict[str, Any] | None) -> str:
    """Return what ``make demo`` took, and how much of it was training."""
    steps = _commands(found, "make demo")
    if not found or not steps:
        return UNTIMED
    training = re.findall(r"^time (\d+) s", steps[0]["said"], re.MULTILINE)[-1]
    return (
        f"`make demo` took {units.duration(steps[0]['seconds'])} ({_place(found)}): {training} s of training, the "
        "rest to make the environment and to compile the kernels."
    )


def bench_times() -> str:
    """Return how long the plans of the suite take, as far as they were run."""
    quick = [one for one in _commands(_timed(), "fasts2s bench") if one["text"] == "fasts2s bench"]
    parts = [f"`fasts2s bench` took {units.duration(one['seconds'])}" for one in quick]
    parts += [f"`{plan}` took {units.duration(load(plan).seconds)}" for plan in ("full", "peeky")]
    return f"{', '.join(parts)}."


def machine() -> str:
    """Return what the tables were measured on."""
    full = load("full")
    about = f"{line(full.machine)}; {document.versions(full)}; {full.started[:10]}, commit {full.machine['commit']}"
    return "\n\n".join([f"*{about}.*", *(f"**{caution}**" for caution in [document.caution(full)] if caution)])


def speed() -> str:
    """Return the table of training steps for a first look: times, and how many times as long the others take."""
    full = load("full")
    others = [name for name in full.machine["contestants"] if name not in {goals.OURS, "numpy"}]
    names = [goals.OURS, *sorted(others, key="book".__ne__)]
    head = ["one training step", *(_NAMES.get(name, name) for name in names)]
    lines = [head, ["---"] + ["---:"] * len(names)]
    for case, rows in full.of("steps"):
        found = {row.contestant: row for row in rows}
        lines.append([case, *(_time_and_ratio(found.get(name)) for name in names)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _time_and_ratio(row: Row | None) -> str:
    if row is None:
        return ""
    ratio = "" if row.ratio is None else f" ({units.times(row.ratio)})"
    return units.quantity(row.value, "s") + ratio


def beside(group: str) -> str:
    """Return a table of a group: what numba takes, and how many times as long the others take."""
    result = load("full")
    others = [name for name in result.machine["contestants"] if name != goals.OURS]
    head = ["", goals.OURS, "of the peak", *(f"{name} takes" for name in others)]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for case, rows in result.of(group):
        found = {row.contestant: row for row in rows}
        ours = found[goals.OURS]
        share = ours.info.get("peak_share")
        cells = [case, units.quantity(ours.value, "s"), "" if share is None else units.percent(share)]
        lines.append(cells + [_times(found.get(name)) for name in others])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _times(row: Row | None) -> str:
    """Return a ratio with its quartiles."""
    if row is None or row.ratio is None or row.ratio_low is None or row.ratio_high is None:
        return ""
    return f"{units.times(row.ratio)} ({units.span(row.ratio_low, row.ratio_high, row.ratio)})"


TABLES: dict[str, Callable[[], str]] = {
    "summary": summary,
    "machine": machine,
    "start": start,
    "peeky": peeky,
    "scripts": scripts,
    "scripts-machine": lambda: place("scripts"),
    "peeky-machine": lambda: place("peeky"),
    "speed": speed,
    "tour": lambda: tour(_timed()),
    "demo": lambda: demo(_timed()),
    "bench-times": bench_times,
    "goals": lambda: goals.table(load("full")),
    "steps": lambda: beside("steps"),
    "layers": lambda: beside("layers"),
    "answers": lambda: beside("answers"),
    "start-table": lambda: markdown.table(load("full"), "start"),
    "memory": lambda: markdown.table(load("full"), "memory"),
}


def renewed(text: str) -> str:
    """Return a text with all its tables as the results have them. KeyError for a table that there is not."""
    return _BLOCK.sub(lambda found: f"{found[1]}{TABLES[found['name']]()}\n{found['end']}", text)


def main() -> int:
    """Renew the files, or check them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 if it would")
    args = parser.parse_args()
    stale = [path for path in FILES if renewed(path.read_text(encoding="utf-8")) != path.read_text(encoding="utf-8")]
    for path in stale:
        if not args.check:
            path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"{'differs from the results' if args.check else 'renewed'}: {path.relative_to(ROOT)}")
    return int(args.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())

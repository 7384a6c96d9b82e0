"""Write the tables of README.md and benchmarks/README.md from the results that lie in benchmarks/results.

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
FILES = (ROOT / "README.md", ROOT / "benchmarks" / "README.md")
#: What stands where the README's commands have not been timed.
UNTIMED = "How long it takes on your machine: `python benchmarks/readme_commands.py`."
_BLOCK = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n)(?P<text>.*?)(\n<!-- end -->)", re.DOTALL)
_ALONE, _BATCHED = "5000 answers, one by one", "5000 answers, in batches"


def load(plan: str) -> Result:
    """Return the committed result of a plan."""
    return results.read(RESULTS / f"{plan}.json")


def summary() -> str:
    """Return the paragraph that says how fast it is."""
    full = load("full")
    steps = {name: _range(full, "steps", name) for name in ("book", "PyTorch")}
    layers = _range(full, "layers", "PyTorch", "LSTM")
    alone = goals.ratio(full, "answers", _ALONE, "book")
    batched = goals.ratio(full, "answers", _ALONE, "book", our_case=_BATCHED)
    cores, torch = f"{full.machine['threads']} cores of an {full.machine['processor']}", full.versions["torch"]
    return (
        f"On {cores} a training step is {steps['book']} times as fast as the book's own code and {steps['PyTorch']} "
        f"times as fast as PyTorch {torch},\n"
        f"an LSTM layer {layers} times as fast as PyTorch's; 5,000 answers one by one {_short(alone)} and in batches "
        f"{_short(batched)} times as fast as the book's loop."
    )


def _range(result: Result, group: str, other: str, start: str = "") -> str:
    """Return the least and the largest ratio over the cases of a group."""
    found = [goals.ratio(result, group, case, other) for case, _ in result.of(group) if case.startswith(start)]
    known = [r for r in found if r is not None]
    return f"{_short(min(known))} to {_short(max(known))}" if known else "an unknown number of"


def _short(ratio: float | None) -> str:
    return "an unknown number of" if ratio is None else units.times(ratio).rstrip(units.TIMES)


def start() -> str:
    """Return the sentence about the first training step."""
    full, filled = load("full"), "first step of Seq2seq"
    cases = ((f"{filled}, nothing compiled yet", "numba"), (filled, "numba"), (filled, "PyTorch"))
    rows = [full.find("start", *case) for case in cases]
    texts = [units.quantity(row.value, "s") for row in rows if row is not None]
    ours = f"From the start of a process to the end of its first training step: {texts[0]} the first time ever, then "
    return ours + " (PyTorch: ".join(texts[1:]) + (")." if len(texts) > 2 else ".")


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


def _timed() -> dict[str, Any] | None:
    """Return what benchmarks/readme_commands.py has measured; None before it was run."""
    path = RESULTS / "readme_commands.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _commands(found: dict[str, Any] | None, section: str, start: str = "") -> list[dict[str, Any]]:
    """Return the commands of a section of the README that were run."""
    steps = found["steps"] if found else []
    return [one for one in steps if one["section"] == section and one["seconds"] and one["text"].startswith(start)]


def _place(found: dict[str, Any]) -> str:
    """Return where and when the README's commands were timed, and a caution if the machine was busy."""
    about = found["machine"]
    caution = too_busy(about["load_before"])
    text = f"{about['processor']}, {about['threads']} cores, {found['started'][:10]}"
    return f"{text}; **{caution}**" if caution else text


def tour(found: dict[str, Any] | None) -> str:
    """Return what the commands of the tour took."""
    steps = _commands(found, "A tour", "fasts2s")
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
    steps = _commands(found, "Two commands", "make demo")
    if not found or not steps:
        return UNTIMED
    training = re.findall(r"^time (\d+) s", steps[0]["said"], re.MULTILINE)[-1]
    return (
        f"`make demo` took {units.duration(steps[0]['seconds'])} ({_place(found)}): {training} s of training, the "
        "rest to make the environment and to compile the kernels."
    )


def bench_times() -> str:
    """Return how long the plans of the suite take, as far as they were run."""
    quick = [one for one in _commands(_timed(), "Benchmarks") if one["text"] == "fasts2s bench"]
    parts = [f"`fasts2s bench` took {units.duration(one['seconds'])}" for one in quick]
    parts += [f"`{plan}` took {units.duration(load(plan).seconds)}" for plan in ("full", "peeky")]
    return f"{', '.join(parts)}."


def machine() -> str:
    """Return what the tables were measured on."""
    full = load("full")
    about = f"{line(full.machine)}; {document.versions(full)}; {full.started[:10]}, commit {full.machine['commit']}"
    return "\n\n".join([f"*{about}.*", *(f"**{caution}**" for caution in [document.caution(full)] if caution)])


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
    return _BLOCK.sub(lambda found: found[1] + TABLES[found["name"]]() + found[4], text)


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

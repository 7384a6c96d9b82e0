"""Write the tables of README.md and benchmarks/README.md from the results that lie in benchmarks/results.

    python benchmarks/readme_tables.py [--check]

What stands between ``<!-- table: NAME -->`` and ``<!-- end -->`` is replaced. Nobody edits it by hand: --check, and a
test, compare it with the results.
"""

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # as the tests have it

from benchmarks import goals  # noqa: E402
from fasts2s.bench import results  # noqa: E402
from fasts2s.bench.report import markdown, story, units, words  # noqa: E402
from fasts2s.bench.results import Result, Row  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
FILES = (ROOT / "README.md", ROOT / "benchmarks" / "README.md")
_BLOCK = re.compile(r"(<!-- table: (?P<name>[\w-]+) -->\n)(?P<text>.*?)(\n<!-- end -->)", re.DOTALL)


def load(plan: str) -> Result:
    """Return the committed result of a plan."""
    return results.read(RESULTS / f"{plan}.json")


def summary() -> str:
    """Return the paragraph that says how fast it is."""
    full = load("full")
    steps = {name: _range(full, "steps", name) for name in ("book", "PyTorch")}
    layers = _range(full, "layers", "PyTorch", "LSTM")
    alone = goals.ratio(full, "answers", "5000 answers, one by one", "book")
    batched = goals.ratio(full, "answers", "5000 answers, one by one", "book", "5000 answers, in batches")
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
    full = load("full")
    empty = full.find("start", "first step of Seq2seq, nothing compiled yet", "numba")
    filled = {name: full.find("start", "first step of Seq2seq", name) for name in ("numba", "PyTorch")}
    texts = [units.quantity(row.value, "s") for row in (empty, filled["numba"], filled["PyTorch"]) if row is not None]
    ours = f"From the start of a process to the end of its first training step: {texts[0]} the first time ever, then "
    return ours + " (PyTorch: ".join(texts[1:]) + (")." if len(texts) > 2 else ".")


def peeky() -> str:
    """Return the chapter's story."""
    result = load("peeky")
    return "\n".join([f"**{story.headline(result)}.**", "", *(f"* {line}" for line in story.sentences(result))])


def scripts() -> str:
    """Return the table of whole scripts."""
    result = load("scripts")
    lines = ["| whole script | python | `python -m fasts2s` | times as fast |", "|---|---|---|---|"]
    for case, rows in result.of("scripts"):
        ours, plain = rows
        texts = [units.quantity(row.value, "s") for row in (plain, ours)]
        ratio = plain.ratio or plain.value / ours.value
        lines.append(f"| {case} | {texts[0]} | {texts[1]} | {_short(ratio)} |")
    return "\n".join(lines)


def machine() -> str:
    """Return what the tables were measured on."""
    full = load("full")
    return f"*{words.machine(full)}; {words.versions(full)}; {full.started[:10]}, commit {full.machine['commit']}.*"


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
        line = [case, units.quantity(ours.value, "s"), "" if share is None else units.percent(share)]
        lines.append(line + [_times(found.get(name)) for name in others])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


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
    stale = []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        if renewed(text) != text:
            stale.append(path)
            if not args.check:
                path.write_text(renewed(text), encoding="utf-8")
    for path in stale:
        print(f"{'differs from the results' if args.check else 'renewed'}: {path.relative_to(ROOT)}")
    return int(args.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())

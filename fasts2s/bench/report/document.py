"""A result as a document: heading and parts, whatever they are written in."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from fasts2s.bench import goals, machine
from fasts2s.bench.report import scaling, story, units, view
from fasts2s.bench.report.view import Column, Section
from fasts2s.bench.results import GROUPS, Result


@dataclass(frozen=True)
class Table:
    """A table by case, what follows from it in words, and the section it is of; its title, if it has its own."""

    columns: list[Column]
    below: list[str] = field(default_factory=list)
    title: str = ""
    section: Section | None = None


@dataclass(frozen=True)
class Part:
    """A part: a key, a title, a sentence above all, tables, lines of a list, and how it was measured."""

    key: str
    title: str
    lead: str = ""
    tables: list[Table] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    note: str = ""


def title(result: Result) -> str:
    """Return plan, date and how long it took."""
    return f"fasts2s bench, plan {result.plan}, {when(result)}, took {units.duration(result.seconds)}"


def when(result: Result) -> str:
    """Return the date and the minute at which the run began."""
    return result.started[:16].replace("T", " ")


def versions(result: Result) -> str:
    """Return the versions of all libraries, in a line."""
    return ", ".join(f"{name} {version}" for name, version in result.versions.items()) or "unknown versions"


def caution(result: Result) -> str:
    """Return a warning if the times mean nothing; "" otherwise, and where nothing is known of it."""
    if result.machine.get("dry"):
        return "CAUTION: a dry run at tiny sizes: the times mean nothing."
    return machine.too_busy(result.machine.get("load_before"))


def legend(result: Result) -> str:
    """Return what a ratio, its quartiles and noise mean, with names from the result; if it has ratios."""
    found = (section for group in GROUPS for section in view.sections(result, group) if section.others)
    section = next(found, None)
    if section is None:
        return "Numbers are medians over the rounds."
    first, other = section.base, section.others[0]
    return (
        f"Numbers are medians over the rounds. {other} / {first} 3.0{units.TIMES} 2.9-3.1: {other} takes 3.0 times "
        f"as long as {first}, taken within each round, with the quartiles over the rounds. "
        f"noise {units.PLUS_MINUS}4 %: so far may the numbers of a line lie off in another run of the same program."
    )


def parts(result: Result) -> Iterator[Part]:
    """Yield the parts that have something to say: the story, groups, goals, machine, method, failures."""
    lines, head = story.sentences(result), story.headline(result)
    if lines:
        yield Part("story", "From the plain model to the peeky one", f"{head}." if head else "", [], lines)
    for group in GROUPS:
        tables = [table(section) for section in view.sections(result, group)]
        if tables:
            yield Part(group, view.TITLES[group], tables=tables, note=str(result.method.get(group, "")))
    if result.plan == "gpu":
        yield Part("goals", "Goals", tables=[Table(goals.columns(result))])
    known = {**result.machine, **result.versions}
    if result.anchors:
        known["steadiness"] = f"one case, measured {len(result.anchors)} times through the run, wandered by "
        known["steadiness"] += units.percent(result.drift)
    yield Part("machine", "Machine and versions", lines=[f"{key}: {_listing(value)}" for key, value in known.items()])
    told = [f"{key}: {text}" for key, text in result.method.items() if key not in GROUPS]
    yield Part("method", "How it was measured", lines=[legend(result), *told])
    if result.failures:
        yield Part("failures", "Failures", lines=result.failures)


def table(section: Section) -> Table:
    """Return the table of a section and what follows from it."""
    below = [view.mean_line(section), *scaling.sentences(section)]
    title = section.title if section.sweep else ""
    return Table(view.columns(section), [line for line in below if line], title, section)


def _listing(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

"""The lines about a whole result that stand in every form of the report: heading, legend, cautions."""

from fasts2s.bench.machine import too_busy
from fasts2s.bench.report import units
from fasts2s.bench.report.view import Section, sections
from fasts2s.bench.results import GROUPS, Result

#: Machine -> how it is called in the heading; the rest is listed on the page only.
_SHOWN = {"processor": "{}", "cores": "{} cores", "threads": "{} threads", "system": "{}", "blas": "BLAS {}"}


def title(result: Result) -> str:
    """Return plan, date and how long it took."""
    return f"fasts2s bench, plan {result.plan}, {when(result)}, took {units.duration(result.seconds)}"


def when(result: Result) -> str:
    """Return the date and the minute at which the run began."""
    return result.started[:16].replace("T", " ")


def machine(result: Result) -> str:
    """Return what is known of the machine, in a line."""
    parts = [form.format(result.machine[key]) for key, form in _SHOWN.items() if result.machine.get(key) is not None]
    return ", ".join(parts) or "unknown machine"


def versions(result: Result) -> str:
    """Return the versions of all libraries, in a line."""
    return ", ".join(f"{name} {version}" for name, version in result.versions.items()) or "unknown versions"


def caution(result: Result) -> str:
    """Return a warning if other programs were running; "" otherwise, and where nothing is known of it."""
    return too_busy(result.machine.get("load_before"))


def legend(result: Result) -> str:
    """Return what a ratio, its quartiles and noise mean, with names from the result; if it has ratios."""
    found = (section for group in GROUPS for section in sections(result, group) if section.others)
    section = next(found, None)
    if section is None:
        return "Numbers are medians over the rounds."
    first, other = section.base, section.others[0]
    return (
        f"Numbers are medians over the rounds. {other} / {first} 3.0{units.TIMES} 2.9-3.1: {other} takes 3.0 times "
        f"as long as {first}, taken within each round, with the quartiles over the rounds. "
        f"noise {units.PLUS_MINUS}4 %: so far may the numbers of a line lie off in another run of the same program."
    )


def mean_line(section: Section, found: dict[str, float]) -> str:
    """Return the geometric means of a section's ratios, in a line; "" without any."""
    parts = [f"{name} / {section.base} {units.times(mean)}" for name, mean in found.items()]
    return f"Geometric mean of all cases: {', '.join(parts)}" if parts else ""

"""The report as one page of HTML: nothing in it is fetched, no script runs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from html import escape

from fasts2s.bench.report import charts, scaling, story, units, view, words
from fasts2s.bench.report.style import CSS
from fasts2s.bench.report.svg import Chart, colour
from fasts2s.bench.report.view import Line, Section, figure
from fasts2s.bench.results import GROUPS, SCHEMA, Result, Row

_WHO, _END = ' class="who"', "\n"
_HEADS = {
    "contestant": "contestant",
    "median": "median",
    "ratio": "/ {base}",
    "quartiles": "quartiles",
    "noise": "noise",
    "gflops": "GFLOP/s",
    "peak_share": "of peak",
    "tokens_per_s": "tokens/s",
    "samples_per_s": "samples/s",
}

_FROM_INFO: dict[str, Callable[[float], str]] = {
    "gflops": units.number,
    "peak_share": units.percent,
    "tokens_per_s": units.rate,
    "samples_per_s": units.rate,
}


def html(result: Result) -> str:
    """Return the page."""
    title = escape(f"fasts2s bench: {result.plan}, {words.when(result)}")
    body = "\n".join(part for part in _parts(result) if part)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{CSS}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _parts(result: Result) -> Iterator[str]:
    yield _header(result)
    yield "<main>"
    yield _numbers(result)
    yield _story(result)
    for group in GROUPS:
        yield _group(result, group)
    yield _machine(result)
    told = [f"<b>{escape(str(key))}</b>: {escape(str(text))}" for key, text in result.method.items()]
    yield _listed("method", "How it was measured", [escape(words.legend(result)), *told])
    yield _listed("failures", "Failures", [escape(failure) for failure in result.failures])
    yield _raw(result)
    yield "</main>"


def _header(result: Result) -> str:
    shown = [group for group in GROUPS if any(row.group == group for row in result.rows)]
    links = [("story", "baseline to peeky")] if story.sentences(result) else []
    links += [(group, group) for group in shown] + [("machine", "machine"), ("raw", "raw data")]
    nav = " ".join(f'<a href="#{target}">{escape(text)}</a>' for target, text in links)
    caution = words.caution(result)
    warning = f'<p class="caution" role="alert">{escape(caution)}</p>' if caution else ""
    lines = [
        f"{words.when(result)}, took {units.duration(result.seconds)}",
        words.machine(result),
        words.versions(result),
    ]
    told = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f"<header><h1>fasts2s bench: {escape(result.plan)}</h1>{told}{warning}<nav>{nav}</nav></header>"


def _numbers(result: Result) -> str:
    cards = [f"<li><b>{escape(number)}</b><span>{escape(what)}</span></li>" for number, what in story.numbers(result)]
    return f'<ul class="numbers">{"".join(cards)}</ul>' if cards else ""


def _story(result: Result) -> str:
    lines = story.sentences(result)
    if not lines:
        return ""
    pictures = _charts(charts.story_charts(result))
    head = escape(story.headline(result))
    caption = f"<figcaption>{head}.</figcaption>" if head else ""
    told = "".join(f"<li>{escape(line)}</li>" for line in lines)
    note = _STORY_NOTE if pictures else ""
    return (
        '<section id="story"><h2>From the plain model to the peeky one</h2>'
        f'<figure class="story">{caption}{pictures}{note}</figure><ul>{told}</ul></section>'
    )


_STORY_NOTE = (
    '<p class="note">Lines: medians over the seeds; bands: from the least to the most. '
    "Solid: the question is read backwards (reversed); dashed: as it stands.</p>"
)


def _group(result: Result, group: str) -> str:
    found = view.sections(result, group)
    if not found:
        return ""
    method = result.method.get(group, "")
    told = f'<p class="note">{escape(str(method))}</p>' if method else ""
    tables = "".join(_table(result, section) for section in found)
    pictures = charts.charts(result, group)
    if group == "scaling":
        tables = f"<details><summary>All numbers</summary>{tables}</details>"
    body = f"{_charts(pictures)}<div>{tables}</div>"
    body = f'<div class="split">{body}</div>' if len(pictures) == 1 else body
    return f'<section id="{group}"><h2>{view.title_of(group)}</h2>{told}{body}</section>'


def _charts(found: list[Chart]) -> str:
    cards = []
    for chart in found:
        note = f'<p class="note">{escape(chart.note)}</p>' if chart.note else ""
        cards.append(f'<div class="card"><h3>{escape(chart.title)}</h3>{chart.svg}{note}</div>')
    return f'<div class="charts{" one" if len(cards) == 1 else ""}">{"".join(cards)}</div>' if cards else ""


def _table(result: Result, section: Section) -> str:
    """Return the table of a section and what follows from it."""
    below = [words.mean_line(section, view.means(section)), *scaling.sentences(result, section.sweep, section.letter)]
    told = "".join(f"<p>{escape(text)}</p>" for text in below if text)
    title = f"<h3>{escape(section.title)}</h3>" if section.sweep else ""
    table = _by_case(section) if section.brief or section.sweep else _by_row(section)
    box = "table long" if section.brief else "table"
    return f'{title}<div class="{box}" tabindex="0"><table>{table}</table></div><div class="below">{told}</div>'


def _by_case(section: Section) -> str:
    """Return a line for each case."""
    columns = view.columns(section)
    heads = "".join(f'<th scope="col">{escape(column.head).replace(_END, "<br>")}</th>' for column in columns)
    body = []
    for name, *cells in zip(*(column.cells for column in columns), strict=True):
        rest = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        body.append(f'<tr><th scope="row">{escape(name)}</th>{rest}</tr>')
    return f"<thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody>"


def _by_row(section: Section) -> str:
    """Return a line for each row of each case."""
    rows = [(line, row, _cells(section, line, row)) for line in section.lines for row in line.rows]
    used = [name for name in _HEADS if any(cells[name] for _, _, cells in rows)]
    used = [name for name in used if name != "samples_per_s" or "tokens_per_s" not in used]
    heads = "".join(f'<th{_WHO if n == "contestant" else ""} scope="col">{_HEADS[n]}</th>' for n in used)
    heads = f'<th scope="col">case</th>{heads.replace("{base}", escape(section.base))}'
    body = []
    for line, row, cells in rows:
        name = f'<tr class="first"><th scope="rowgroup" rowspan="{len(line.rows)}">{escape(line.name)}</th>'
        rest = [_cell(row, key, cells[key]) for key in used]
        body.append(f"{name if row is line.rows[0] else '<tr>'}{''.join(rest)}</tr>")
    return f"<thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody>"


def _cell(row: Row, key: str, text: str) -> str:
    if key == "contestant":
        return f'<td{_WHO}><i style="background:{colour(row.contestant)}"></i>{escape(text)}</td>'
    first, gap, rest = text.partition(" ")
    if key == "ratio" and rest:
        return f"<td>{escape(first)}{gap}<small>{escape(rest)}</small></td>"
    return f"<td>{escape(text)}</td>"


def _cells(section: Section, line: Line, row: Row) -> dict[str, str]:
    beside = [r.value for r in line.rows if r.unit == row.unit]
    factor, unit = units.scale(row.unit, beside)
    cells = {
        "contestant": row.contestant,
        "median": line.shown(row.contestant),
        "quartiles": f"{units.number(row.low / factor)}-{units.number(row.high / factor)} {unit}",
        "noise": units.noise(row.noise),
        "ratio": view.ratio_text(line, row.contestant, section),
    }
    for key, shown in _FROM_INFO.items():
        value = figure(row, key)
        cells[key] = "" if value is None else shown(value)
    return cells


def _machine(result: Result) -> str:
    known = {**result.machine, **result.versions}
    if result.anchors:
        known["steadiness"] = f"one case, measured {len(result.anchors)} times through the run, wandered by "
        known["steadiness"] += units.percent(result.drift)
    rows = "".join(
        f'<tr><th scope="row">{escape(str(k))}</th><td>{escape(_listing(v))}</td></tr>' for k, v in known.items()
    )
    table = f'<div class="table" tabindex="0"><table class="plain"><tbody>{rows}</tbody></table></div>'
    return f'<section id="machine"><h2>Machine and versions</h2>{table}</section>'


def _listing(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _listed(target: str, title: str, items: list[str]) -> str:
    told = "".join(f"<li>{item}</li>" for item in items)
    return f'<section id="{target}"><h2>{title}</h2><ul>{told}</ul></section>' if told else ""


def _raw(result: Result) -> str:
    text = json.dumps({"schema": SCHEMA, **asdict(result)}, indent=1, ensure_ascii=False)
    return (
        '<section id="raw"><h2>Raw data</h2><details><summary>The whole result as JSON</summary>'
        f"<pre>{escape(text)}</pre></details></section>"
    )

"""The files of a report. Its page comes from the template ``page.html``: nothing in it is fetched, no script runs.

In the template ``data-each="name"`` repeats an element for every item of a list, ``data-text="name"`` is its text,
``data-other="name"`` its attribute ``other``; ``.`` is the item itself. Whatever comes from a result is escaped.
"""

import copy
import re
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from fasts2s.bench import machine, results
from fasts2s.bench.report import charts, document, story, units, view
from fasts2s.bench.report.document import Part, Table
from fasts2s.bench.report.markdown import markdown
from fasts2s.bench.report.view import Column
from fasts2s.bench.results import Result

#: The files of a report.
PAGE, TEXT, DATA, PICTURE = FILES = ("index.html", "report.md", "results.json", "peeky.svg")
#: Characters that no page may have.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def write_report(folder: Path, result: Result) -> list[Path]:
    """Write index.html, report.md, results.json and, where there are learning curves, peeky.svg; return the paths.

    The folder is made; files of these names in it are replaced. OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    picture = charts.story_svg(result)
    results.write(folder / DATA, result)
    texts = {PAGE: html(result), TEXT: markdown(result, PICTURE if picture else "")}
    texts |= {PICTURE: picture} if picture else {}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", errors="replace", newline="\n")
    if not picture:
        (folder / PICTURE).unlink(missing_ok=True)  # an older report's
    return [folder / PAGE, folder / TEXT, folder / DATA, *([folder / PICTURE] if picture else [])]


def html(result: Result) -> str:
    """Return the page."""
    template = resources.files("fasts2s.bench.report").joinpath("page.html").read_text(encoding="utf-8")
    root = ElementTree.fromstring(template)
    for element in root.iter():
        element.text, element.tail = (
            text if text and text.strip() else None for text in (element.text, element.tail)
        )
    page = ElementTree.tostring(fill(root, _scope(result)), encoding="unicode", method="html")
    return f"<!DOCTYPE html>\n{page}\n"


def fill(element: ElementTree.Element, scope: Any) -> ElementTree.Element:
    """Fill an element of a template with what a scope has, a dict; return it."""
    for key in [key for key in element.attrib if key.startswith("data-")]:
        name = element.attrib.pop(key)
        text = _CONTROL.sub("", str(scope if name == "." else scope[name]))
        if key == "data-text":
            element.text = text
        elif text:
            element.set(key.removeprefix("data-"), text)
    for child in list(element):
        each = child.attrib.pop("data-each", "")
        element.remove(child)
        element.extend([fill(copy.deepcopy(child), item) for item in (scope[each] if each else [scope])])
    return element


def _scope(result: Result) -> dict[str, Any]:
    about = [
        f"{document.when(result)}, took {units.duration(result.seconds)}",
        machine.line(result.machine),
        document.versions(result),
    ]
    return {
        "title": f"fasts2s bench: {result.plan}",
        "about": about,
        "cautions": [text for text in [document.caution(result)] if text],
        "numbers": [{"number": number, "what": what} for number, what in story.numbers(result)],
        "parts": [_part(result, part) for part in document.parts(result)],
        "raw": results.text_of(result),
    }


def _part(result: Result, part: Part) -> dict[str, Any]:
    pictures = [
        {"title": p.title, "source": p.source, "told": p.told, "note": p.note}
        for p in charts.charts(result, part.key)
    ]
    tables = [_table(one) for one in part.tables]
    return {**vars(part), "address": f"#{part.key}", "pictures": pictures, "tables": tables}


def _table(one: Table) -> dict[str, Any]:
    """Return a table: by case where that is brief, else with a line for every contestant."""
    by_case = one.section is None or one.section.brief or one.section.sweep
    columns = one.columns if by_case or one.section is None else view.columns_by_row(one.section)
    rows = zip(*(column.cells for column in columns), strict=True)
    return {
        "title": one.title,
        "below": one.below,
        "heads": [_cell(column, column.head) for column in columns],
        "rows": [{"cells": [_cell(*pair) for pair in zip(columns, row, strict=True)]} for row in rows],
    }


def _cell(column: Column, text: str) -> dict[str, str]:
    return {"text": text, "kind": column.kind}

"""JSON lines, and the JSON of SQuAD."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fasts2s._reading import Lines
from fasts2s.text._columns import Column
from fasts2s_kernels.checks.scalars import shown

Record = tuple[str, ...]

_HALF = re.compile("[\ud800-\udfff]")
_FIELDS = ("question", "answer", "context", "title")  # of SQuAD


class JsonLines:
    """Yields the chosen values of every line, which is an object or an array; an empty tuple for a blank line."""

    header: Record = ()

    def __init__(self, lines: Lines, columns: Sequence[Column]) -> None:
        self._lines, self._columns = lines, list(columns)
        self._named = False

    def __iter__(self) -> Iterator[Record]:
        for line in self._lines:
            if not line.strip():
                yield ()
                continue
            found = parsed(self._lines, line)
            if isinstance(found, dict) and not self._named:
                self._name_columns(found)
            yield tuple(self._cell(found, column) for column in self._columns)

    def _name_columns(self, first: dict[str, Any]) -> None:
        """Numbers count the keys of the first object: the others may have them in another order."""
        keys = list(first)
        for i, column in enumerate(self._columns):
            if isinstance(column, int):
                if column >= len(keys):
                    raise self._lines.wrong(
                        f"{len(keys)} keys, expected at least {column + 1}: name the keys that you want"
                    )
                self._columns[i] = keys[column]
        self._named = True

    def _cell(self, found: Any, column: Column) -> str:
        value = found
        if isinstance(found, list) and isinstance(column, int):
            if column >= len(found):
                raise self._lines.wrong(f"an array of {len(found)}, expected at least {column + 1} texts")
            value = found[column]
        elif isinstance(found, dict) and isinstance(column, str):
            value = self._value(found, column)
        else:
            wanted = "an object with that key" if isinstance(column, str) else "an array of texts, or an object"
            raise self._lines.wrong(f"{kind_of(found)} where {column!r} is looked for, expected {wanted}")
        return text_of(self._lines.wrong, value, f"the value of {column!r}")

    def _value(self, found: dict[str, Any], column: str) -> Any:
        """Return the value of a key, or of a way such as 'translation.en'."""
        if column in found:
            return found[column]
        value: Any = found
        for key in column.split("."):
            if not isinstance(value, dict) or key not in value:
                names = ", ".join(shown(name) for name in list(found)[:20])
                raise self._lines.wrong(
                    f"no key {column!r}, expected it beside {names}: name one that all lines have"
                )
            value = value[key]
        return value


class Squad:
    """Yields question, answer, context or title of every question; an empty tuple for one without an answer."""

    header: Record = ()

    def __init__(self, lines: Lines, columns: Sequence[Column]) -> None:
        self._lines = lines
        self._fields = [self._parts(column) for column in columns]

    def _parts(self, column: Column) -> list[str]:
        names = [_FIELDS[column]] if isinstance(column, int) and column < len(_FIELDS) else str(column).split("+")
        for name in names:
            if name not in _FIELDS:
                raise ValueError(
                    f"column is {shown(column)}, expected one of {', '.join(_FIELDS)} for SQuAD, "
                    "or several with + between them, such as 'question+context'"
                )
        return names

    def __iter__(self) -> Iterator[Record]:
        document = parsed(self._lines, self._lines.all())
        for a, article in enumerate(self._list(document, "data", "")):
            for p, paragraph in enumerate(self._list(article, "paragraphs", f"data[{a}]")):
                where = f"data[{a}].paragraphs[{p}]"
                for q, asked in enumerate(self._list(paragraph, "qas", where)):
                    known = {"title": article.get("title"), "context": paragraph.get("context")}
                    yield self._record(asked, known, f"{where}.qas[{q}]")

    def _record(self, asked: Any, known: dict[str, Any], where: str) -> Record:
        answers = self._list(asked, "answers", where)
        if not answers:
            return ()
        found = known | {"question": asked.get("question"), "answer": self._member(answers[0], "text", where)}
        return tuple(
            " ".join(text_of(self._no_squad, found[name], f"{name} of {where}") for name in names)
            for names in self._fields
        )

    def _list(self, holder: Any, key: str, where: str) -> list[Any]:
        value = self._member(holder, key, where)
        if not isinstance(value, list):
            raise self._no_squad(f"{key!r} of {where or 'the file'} is {kind_of(value)}, expected an array")
        return value

    def _member(self, holder: Any, key: str, where: str) -> Any:
        if not isinstance(holder, dict) or key not in holder:
            raise self._no_squad(f"{where or 'the file'} is {kind_of(holder)} without {key!r}, expected it there")
        return holder[key]

    def _no_squad(self, what: str) -> ValueError:
        return ValueError(
            f"{self._lines.path}: {what}, as SQuAD has it: data, paragraphs, qas, answers, text. "
            "For an object per line give format='jsonl'"
        )


def parsed(lines: Lines, text: str) -> Any:
    """Return what JSON says; numbers stay as they are written. ValueError: with the line where it ends to be JSON."""
    before = max(lines.number, 1) - 1
    try:
        return json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise lines.wrong(f"no JSON ({error.msg}, column {error.colno}): mend it", before + error.lineno) from None
    except RecursionError:
        raise lines.wrong("JSON that is nested too deep, expected a text: mend it", before + 1) from None


def text_of(wrong: Callable[[str], ValueError], value: Any, what: str) -> str:
    """Return a value as text, null as an empty one; `wrong` makes the error."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise wrong(f"{what} is {kind_of(value)}, expected a text")
    if "\0" in value:
        raise wrong(f"{what} has a zero character, expected text: take it out")
    if not value.isascii() and _HALF.search(value):
        raise wrong(f"{what} has half of a surrogate pair, expected characters: write both halves, or UTF-8")
    return value


def kind_of(value: Any) -> str:
    """Return the name that JSON has for a value."""
    names = {dict: "an object", list: "an array", bool: "true or false", str: "a text", float: "a number"}
    return "null" if value is None else names.get(type(value), "a number")

"""Dialogues, of which every turn is followed by an answer: plain lines, tables or JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fasts2s._reading import Lines
from fasts2s.text._json_records import kind_of, parsed, text_of
from fasts2s_kernels.checks.scalars import shown

Record = tuple[str, ...]

_TURNS = ("turns", "dialogue", "dialog", "messages", "conversation", "conversations", "utterances")
_TEXTS = ("text", "content", "value", "utterance")


class Dialogues:
    """Yields (turn, next turn), or (turn,) alone where one text is wanted.

    Lines that begin with [ or { are JSON, a dialogue each. Tables have the columns conversation, turn, text, or
    topic, conversation, turn, text. Else a line is a turn, and an empty line ends the dialogue.
    """

    header: Record = ()

    def __init__(self, lines: Lines, columns: Sequence[object]) -> None:
        self._lines, self._width = lines, len(columns)

    def __iter__(self) -> Iterator[Record]:
        head = self._lines.head().lstrip()
        is_row = _turn(head.split("\n", 1)[0]) is not None
        turns = self._json() if head.startswith(("[", "{")) else self._table() if is_row else self._plain()
        if self._width == 1:
            yield from ((text,) for _, text in turns)
            return
        previous: tuple[object, str] | None = None
        for conversation, text in turns:
            if previous is not None and previous[0] == conversation:
                yield previous[1], text
            previous = conversation, text

    def _plain(self) -> Iterator[tuple[object, str]]:
        conversation = 0
        for line in self._lines:
            if line.strip():
                yield conversation, line
            else:
                conversation += 1

    def _table(self) -> Iterator[tuple[object, str]]:
        last, begins = -1, 0
        before: object = None
        for line in self._lines:
            cells = line.split("\t")
            if not line.strip():
                continue
            if len(cells) < 3 or not cells[-2].strip().isdecimal():
                raise self._lines.wrong(
                    f"{shown(line)} is no turn, expected conversation, number of the turn, text, apart by tabs"
                )
            turn, conversation = int(cells[-2][:9]), tuple(cells[:-2])
            # What follows a turn that was left out is no answer to the one before it.
            if conversation != before or turn != last + 1:
                begins = self._lines.number
            before, last = conversation, turn
            yield begins, cells[-1]

    def _json(self) -> Iterator[tuple[object, str]]:
        for line in self._lines:
            if line.strip():
                for turn in self._turns(parsed(self._lines, line)):
                    yield self._lines.number, text_of(self._lines.wrong, self._text(turn), "a turn")

    def _turns(self, found: Any) -> list[Any]:
        if isinstance(found, dict):
            found = next((found[key] for key in _TURNS if key in found), found)
        if not isinstance(found, list):
            raise self._lines.wrong(
                f"{kind_of(found)}, expected an array of turns, or an object with one as {', '.join(_TURNS[:4])}"
            )
        return found

    def _text(self, turn: Any) -> Any:
        if not isinstance(turn, dict):
            return turn
        for key in _TEXTS:
            if key in turn:
                return turn[key]
        raise self._lines.wrong(f"a turn without a text, expected it as one of {', '.join(_TEXTS)}")


def is_table(head: str) -> bool:
    """Tell whether a text begins with rows conversation, turn, text, or topic before them: turn 0, then 1."""
    rows = [_turn(line) for line in head.split("\n")[:20]]
    later = next((i for i, row in enumerate(rows) if row is not None and row[1] > 0), 0)
    first, before, after = rows[0], rows[later - 1], rows[later]
    if not later or first is None or before is None or after is None:
        return False
    return first[1] == 0 and after[1] == 1 and before == (after[0], 0)


def _turn(line: str) -> tuple[tuple[str, ...], int] | None:
    """Return conversation and turn of a row, None if it is none."""
    cells = line.split("\t")
    if len(cells) not in (3, 4) or not cells[-2].isdecimal() or cells[-1].isdecimal():
        return None
    return tuple(cells[:-2]), int(cells[-2][:9])

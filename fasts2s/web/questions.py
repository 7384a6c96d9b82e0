"""What may be asked, and how much of it: everything that comes from a browser is checked here."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Characters of a text, bytes of a request, and symbols that a language model writes, at most.
MOST_TEXT, MOST_BYTES, MOST_LENGTH = 2000, 32 * 1024, 300
MOST_BEAM, MOST_NBEST, MOST_TEMPERATURE = 20, 10, 3.0
_LONGEST_SHOWN = 40


class RefusedError(Exception):
    """A request that is not answered.

    Attributes
    ----------
    status : int
        Of HTTP.
    code : str
        One word, by which the page finds what to say in its language.
    """

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code = status, code


@dataclass(frozen=True)
class Question:
    """One question, checked.

    Attributes
    ----------
    model, text : str
    temperature : float
        0: the best answers. Above 0 they are drawn.
    beam, nbest : int
        Unfinished answers that are kept; answers that are wanted.
    length : int
        Symbols that a language model writes.
    seed : int
        Of what is drawn.
    """

    model: str
    text: str
    temperature: float = 0.0
    beam: int = 1
    nbest: int = 1
    length: int = 50
    seed: int = 0

    def choice(self) -> dict[str, Any]:
        """Return the fields of :class:`fasts2s.generation.GenerationOptions` that every model has."""
        beam = 1 if self.temperature else max(self.beam, self.nbest)
        return {"beam": beam, "nbest": self.nbest, "temperature": self.temperature, "rng": self.seed}


def read_question(body: bytes) -> Question:
    """Return the question of a request. Raises RefusedError."""
    given = _object_of(body)
    unknown = sorted(set(given) - set(_READERS))
    if unknown:
        raise _wrong(f"there is no {_shown(unknown[0])}, expected {', '.join(_READERS)}")
    missing = [name for name in ("model", "text") if name not in given]
    if missing:
        raise _wrong(f"there is no {missing[0]}, expected a text")
    return Question(**{name: _READERS[name](name, value) for name, value in given.items()})


def _object_of(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise RefusedError(400, "wrong", "the request is no JSON, expected an object such as "
                      '{"model": "sums", "text": "57+5"}') from None  # fmt: skip
    if not isinstance(given, dict):
        raise _wrong(f"the request is {_shown(given)}, expected an object")
    return given


def _no_number(name: str) -> None:
    raise ValueError(name)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(f"{name} is {_shown(value)}, expected a text")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise _wrong(f"{name} holds half of a character, expected text")
    return value


def _asked(name: str, value: Any) -> str:
    text = _text(name, value)
    if len(text) > MOST_TEXT:
        raise RefusedError(413, "too_long", f"{name} has {len(text)} characters, expected at most {MOST_TEXT}")
    if not text.strip():
        raise RefusedError(400, "empty", f"{name} is empty, expected something to read")
    return text


def _whole(least: int, most: int) -> Callable[[str, Any], int]:
    def read(name: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise _wrong(f"{name} is {_shown(value)}, expected a whole number from {least} to {most}")
        return value

    return read


def _temperature(name: str, value: Any) -> float:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not 0 <= number <= MOST_TEMPERATURE:
        raise _wrong(f"{name} is {_shown(value)}, expected a number from 0 to {MOST_TEMPERATURE:g}")
    return float(number)


_READERS: dict[str, Callable[[str, Any], Any]] = {
    "model": _text,
    "text": _asked,
    "temperature": _temperature,
    "beam": _whole(1, MOST_BEAM),
    "nbest": _whole(1, MOST_NBEST),
    "length": _whole(1, MOST_LENGTH),
    "seed": _whole(0, 2**32 - 1),
}


def _wrong(text: str) -> RefusedError:
    return RefusedError(400, "wrong", text)


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."

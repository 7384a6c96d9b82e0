"""The addition and date exercises of the book's chapters 7 and 8, made from a seed.

Only `random.Random(seed).random()` is drawn from: its stream is the same on every platform and Python
version, and neither the global generator of `random` nor that of NumPy moves.
"""

from __future__ import annotations

import datetime
import gzip
import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.arguments import as_path, listed, one_of

ADDITION_SHA256 = "5933da466d3280d205f43050d7af91316be6dae4367f95e5ea07fb11bb9d3781"
"""sha256 of the content of the built-in addition set, `addition_lines()`, lines ended by LF."""

DATE_SHA256 = "5e3889487a3afb2c387700f4962a20c05f710647aeb9d22022dbe20022d3c797"
"""sha256 of the content of the built-in date set, `date_lines()`, lines ended by LF, UTF-8."""

_MARK = "_"
_PATIENCE = 100  # duplicates in a row after which the rest is listed instead of guessed
_LARGEST = 999
_FIRST_DAY = datetime.date(1970, 1, 1).toordinal()
_DAYS = datetime.date(2019, 12, 31).toordinal() - _FIRST_DAY + 1
_QUESTION_WIDTH, _ANSWER_WIDTH, _DATE_WIDTH = 7, 4, 29

# Written out, because calendar and strftime follow the locale of the process.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_KOREAN_WEEKDAYS = "월화수목금토일"
_JAPANESE_WEEKDAYS = "月火水木金土日"
_ERAS = (
    (datetime.date(2019, 5, 1), "令和"),
    (datetime.date(1989, 1, 8), "平成"),
    (datetime.date(1926, 12, 25), "昭和"),
)

_Format = Callable[[datetime.date], str]
_Entry = tuple[object, str]  # what must be unique, the line


def _english(day: datetime.date) -> str:
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


def _english_short(day: datetime.date) -> str:
    return f"{_MONTHS[day.month - 1][:3]} {day.day}, {day.year}"


def _english_weekday(day: datetime.date) -> str:
    return f"{_WEEKDAYS[day.weekday()]}, {_english(day)}"


def _english_day_first(day: datetime.date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _english_slashed(day: datetime.date) -> str:
    return f"{day.month}/{day.day}/{day.year % 100:02d}"  # month first; the span of years is below a century


def _korean(day: datetime.date) -> str:
    return f"{day.year}년 {day.month}월 {day.day}일"


def _korean_weekday(day: datetime.date) -> str:
    return f"{_korean(day)} {_KOREAN_WEEKDAYS[day.weekday()]}요일"


def _korean_bracket(day: datetime.date) -> str:
    return f"{_korean(day)} ({_KOREAN_WEEKDAYS[day.weekday()]})"


def _korean_short_year(day: datetime.date) -> str:
    return f"{day.year % 100:02d}년 {day.month}월 {day.day}일"


def _korean_dotted(day: datetime.date) -> str:
    return f"{day.year}. {day.month}. {day.day}."


def _japanese(day: datetime.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _japanese_weekday(day: datetime.date) -> str:
    return f"{_japanese(day)}{_JAPANESE_WEEKDAYS[day.weekday()]}曜日"


def _japanese_bracket(day: datetime.date) -> str:
    return f"{_japanese(day)}({_JAPANESE_WEEKDAYS[day.weekday()]})"


def _japanese_era(day: datetime.date) -> str:
    start, era = next(entry for entry in _ERAS if day >= entry[0])
    year = day.year - start.year + 1
    return f"{era}{'元' if year == 1 else year}年{day.month}月{day.day}日"


def _japanese_slashed(day: datetime.date) -> str:
    return f"{day.year}/{day.month:02d}/{day.day:02d}"


_FORMATS: dict[str, tuple[_Format, ...]] = {
    "en": (_english, _english_short, _english_weekday, _english_day_first, _english_slashed),
    "ko": (_korean, _korean_weekday, _korean_bracket, _korean_short_year, _korean_dotted),
    "ja": (_japanese, _japanese_weekday, _japanese_bracket, _japanese_era, _japanese_slashed),
}
_CASES: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper)


def addition_lines(count: int = 50_000, seed: int = 1984) -> list[str]:
    """Make addition exercises with operands of one to three digits.

    Each operand is a number of one to three random digits, written without leading zeros, so that short
    operands are as frequent as long ones until their pairs are used up. No pair of operands occurs twice, in
    either order: a test row can not be answered from a training row.

    Parameters
    ----------
    count : number of lines, at most 500,500
    seed : of the generator; every seed has its own set

    Returns
    -------
    list of `count` str of 12 characters without line end: question padded to 7, `_`, answer padded to 4,
    e.g. ``"16+75  _91  "``; 13 different characters.

    Raises
    ------
    ValueError : `count` is negative or larger than the number of different exercises.

    Notes
    -----
    Source: the book, section 7.2.2; the manner of drawing is that of its file, judged by its operand lengths.
    """
    count, uniform = integer("count", count, 0), random.Random(integer("seed", seed)).random

    def draw() -> _Entry:
        a, b = (int(uniform() * 10 ** (1 + int(uniform() * 3))) for _ in "ab")
        return _addition_entry(a, b)

    def everything() -> Iterator[_Entry]:
        return (_addition_entry(a, b) for a in range(_LARGEST + 1) for b in range(a + 1))

    return _draw_distinct(count, (_LARGEST + 1) * (_LARGEST + 2) // 2, draw, everything, uniform)


def date_lines(count: int = 50_000, seed: int = 1984, locales: Sequence[str] = ("en",)) -> list[str]:
    """Make date exercises: a date as people write it, and the same date as ISO 8601.

    Days are uniform over 1970-2019; locale, format and letter case are uniform too. No input occurs twice,
    and each has one right answer: slashed English dates are month/day/year, two-digit years lie in 1970-2019.

    Parameters
    ----------
    count : number of lines; with English alone at most 232,756
    seed : of the generator
    locales : any of 'en' ("Tuesday, September 27, 1994", "SEP 27, 1994", "27 september 1994", "9/27/94"),
        'ko' ("1994년 9월 27일", "1994. 9. 27."), 'ja' ("1994年9月27日", "平成6年9月27日")

    Returns
    -------
    list of `count` str of 40 characters without line end: date padded to 29, `_`, ISO date.

    Raises
    ------
    ValueError : `count` is negative or above the number of different inputs; `locales` is empty or unknown.

    Notes
    -----
    Source: the book, section 8.3.1 (English dates).
    """
    locales = [one_of("locales", locale, _FORMATS) for locale in listed("locales", locales, "names of locales")]
    if not locales:
        raise ValueError(f"locales is empty, expected a list of some of {', '.join(_FORMATS)}")
    known = [written for locale in sorted(set(locales)) for written in _FORMATS[locale]]
    count, uniform = integer("count", count, 0), random.Random(integer("seed", seed)).random

    def draw() -> _Entry:
        formats = _FORMATS[locales[int(uniform() * len(locales))]]
        written, case = formats[int(uniform() * len(formats))], _CASES[int(uniform() * len(_CASES))]
        return _date_entry(_FIRST_DAY + int(uniform() * _DAYS), written, case)

    def everything() -> Iterator[_Entry]:
        days = range(_FIRST_DAY, _FIRST_DAY + _DAYS)
        return (_date_entry(day, written, case) for written in known for case in _CASES for day in days)

    return _draw_distinct(count, _DAYS * len(_CASES) * len(known), draw, everything, uniform)


def write_data_files(directory: str | os.PathLike[str]) -> list[Path]:
    """Write the two built-in sets as `addition.txt.gz` and `date.txt.gz`.

    The content is the same everywhere (`ADDITION_SHA256`, `DATE_SHA256`); the compressed bytes depend on the
    compressor, but on no clock and no name.

    Parameters
    ----------
    directory : existing folder; files of these names in it are replaced

    Returns
    -------
    list of the two paths.

    Raises
    ------
    OSError : the folder is missing or can not be written.
    """
    folder, paths = as_path("directory", directory), []
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {str(directory)!r}, expected one to write the data files into")
    for name, lines in (("addition.txt.gz", addition_lines()), ("date.txt.gz", date_lines())):
        path = folder / name
        with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
            packed.write("".join(f"{line}\n" for line in lines).encode("utf-8"))
        paths.append(path)
    return paths


def _addition_entry(a: int, b: int) -> _Entry:
    question, answer = f"{a}+{b}", str(a + b)
    return (min(a, b), max(a, b)), f"{question:{_QUESTION_WIDTH}}{_MARK}{answer:{_ANSWER_WIDTH}}"


def _date_entry(ordinal: int, written: _Format, case: Callable[[str], str]) -> _Entry:
    day = datetime.date.fromordinal(ordinal)
    text = case(written(day))
    return text, f"{text:{_DATE_WIDTH}}{_MARK}{day.isoformat()}"


def _draw_distinct(
    count: int,
    bound: int,
    draw: Callable[[], _Entry],
    everything: Callable[[], Iterator[_Entry]],
    uniform: Callable[[], float],
) -> list[str]:
    """Draw `count` lines with different keys; where chance finds no new ones, pick from what is left."""
    found: dict[object, str] = {}
    misses = 0
    while len(found) < count <= bound and misses < _PATIENCE:
        key, line = draw()
        misses = misses + 1 if key in found else 0
        found.setdefault(key, line)
    missing = count - len(found)
    if missing == 0:
        return list(found.values())
    rest = list({key: line for key, line in everything() if key not in found}.values())
    if missing > len(rest):
        raise ValueError(f"count is {count}, but only {len(found) + len(rest)} different lines exist")
    for i in range(missing):
        j = i + int(uniform() * (len(rest) - i))
        rest[i], rest[j] = rest[j], rest[i]
    return [*found.values(), *rest[:missing]]

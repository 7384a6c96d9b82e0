"""The generated addition and date exercises."""

from __future__ import annotations

import datetime
import gzip
import hashlib
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fasts2s.sequence import ADDITION_SHA256, DATE_SHA256, addition_lines, date_lines, write_data_files

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def additions() -> list[str]:
    return addition_lines()


@pytest.fixture(scope="module")
def dates() -> list[str]:
    return date_lines()


def content(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def test_addition_lines_are_right_and_different(additions: list[str]) -> None:
    assert len(additions) == 50_000
    pairs = set()
    for line in additions:
        question, answer = line.split("_")
        a, b = (int(operand) for operand in question.split("+"))
        assert (len(question), len(answer)) == (7, 4)
        assert question.rstrip() == f"{a}+{b}"
        assert answer.rstrip() == str(a + b)
        pairs.add((min(a, b), max(a, b)))
    assert len(pairs) == 50_000
    assert set("".join(additions)) == set("0123456789+_ ")


def test_addition_lengths_are_those_of_the_book(additions: list[str]) -> None:
    book = {(1, 1): 55, (1, 2): 431, (1, 3): 4376, (2, 1): 469, (2, 2): 3981}
    book |= {(2, 3): 11799, (3, 1): 4348, (3, 2): 11964, (3, 3): 12577}
    operands = [line.split("_")[0].strip().split("+") for line in additions]
    found = Counter((len(a), len(b)) for a, b in operands)
    assert set(found) == set(book)
    for lengths, count in book.items():
        assert abs(found[lengths] - count) <= 6 * count**0.5, lengths


def parse_english(text: str) -> datetime.date:
    months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    words = text.lower().replace(",", "").split()
    if "/" in text:
        month, day, year = (int(part) for part in text.split("/"))
        return datetime.date(year + (1900 if year >= 70 else 2000), month, day)
    weekday = words.pop(0) if len(words) == 4 else None
    day_word, month_word = (words[0], words[1]) if words[0].isdigit() else (words[1], words[0])
    date = datetime.date(int(words[2]), months.index(month_word[:3]) + 1, int(day_word))
    names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    assert weekday in (None, names[date.weekday()])
    return date


def test_date_lines_are_right_and_different(dates: list[str]) -> None:
    inputs = [line[:29] for line in dates]
    assert len(set(inputs)) == len(dates) == 50_000
    for line in dates:
        assert len(line) == 40
        assert line[29] == "_"
        assert parse_english(line[:29].rstrip()).isoformat() == line[30:]
    assert len(set("".join(dates))) == 59
    years = Counter(line[30:34] for line in dates)
    assert (min(years), max(years), len(years)) == ("1970", "2019", 50)


def test_date_formats_occur_about_equally_often(dates: list[str]) -> None:
    def kind(text: str) -> str:
        words = text.split()
        if "/" in text:
            return "slashed"
        return "weekday" if len(words) == 4 else "day first" if words[0].isdigit() else "month first"

    kinds = Counter(kind(line[:29]) for line in dates)
    assert set(kinds) == {"slashed", "weekday", "day first", "month first"}
    assert min(kinds.values()) > 8_000
    assert max(kinds.values()) < 22_500
    cases = Counter(name for line in dates for name in ("upper", "lower") if getattr(line, f"is{name}")())
    assert min(cases.values()) > 12_000


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("1994년 9월 27일", "1994-09-27"),
        ("1994년 9월 27일 화요일", "1994-09-27"),
        ("1994. 9. 27.", "1994-09-27"),
        ("94년 9월 27일", "1994-09-27"),
        ("1994年9月27日", "1994-09-27"),
        ("1994年9月27日火曜日", "1994-09-27"),
        ("平成6年9月27日", "1994-09-27"),
        ("1994/09/27", "1994-09-27"),
        ("昭和64年1月7日", "1989-01-07"),
        ("平成元年1月8日", "1989-01-08"),
        ("令和元年5月1日", "2019-05-01"),
        ("平成31年4月30日", "2019-04-30"),
    ],
)
def test_date_in_korean_and_japanese(every_other_date: dict[str, str], text: str, iso: str) -> None:
    assert every_other_date[text] == iso


@pytest.fixture(scope="module")
def every_other_date() -> dict[str, str]:
    # All that exist: this also drives the drawing past the point where chance finds new ones.
    lines = date_lines(91_310, locales=("ko",)) + date_lines(91_310, locales=("ja",))
    pairs = [line.split("_") for line in lines]
    assert all(len(source) == 29 for source, _ in pairs)
    found = {source.rstrip(): iso for source, iso in pairs}
    assert len(found) == len(lines)
    return found


def test_date_locales_are_mixed() -> None:
    lines = date_lines(600, locales=("en", "ko", "ja"))
    assert 100 < sum("년" in line for line in lines) < 250
    assert 100 < sum("年" in line for line in lines) < 250
    assert sum(line.isascii() for line in lines) > 150


@pytest.mark.parametrize("make", [addition_lines, date_lines])
def test_generators_repeat_and_leave_global_generators_alone(make: Callable[..., list[str]]) -> None:
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), np.random.rand()
    random.seed(1)
    np.random.seed(1)
    first = make(50)
    assert (random.random(), np.random.rand()) == expected
    assert make(50) == first == make(100)[:50]
    assert make(50, seed=7) != first
    assert make(0) == []


@pytest.mark.parametrize("make", [addition_lines, date_lines])
def test_generators_refuse_counts(make: Callable[..., list[str]]) -> None:
    with pytest.raises(ValueError, match="count is -1"):
        make(-1)


def test_generators_name_what_exists() -> None:
    with pytest.raises(ValueError, match="count is 500501, but only 500500 different lines"):
        addition_lines(500_501)
    with pytest.raises(ValueError, match="count is 1000000000, but only 232756 different lines"):
        date_lines(10**9)
    with pytest.raises(ValueError, match="count is 91311, but only 91310 different lines"):
        date_lines(91_311, locales=("ko",))  # most have been drawn when it is noticed


@pytest.mark.parametrize("locales", [(), ("fr",), ("en", "xx"), "en"])
def test_date_lines_refuses_locales(locales: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"locales is .*expected (a list of|one of en, ko, ja)"):
        date_lines(5, locales=locales)


def test_content_is_pinned(additions: list[str], dates: list[str]) -> None:
    assert hashlib.sha256(content(additions)).hexdigest() == ADDITION_SHA256
    assert hashlib.sha256(content(dates)).hexdigest() == DATE_SHA256


def test_committed_files_are_the_generators_output(additions: list[str], dates: list[str]) -> None:
    for name, lines in (("addition.txt.gz", additions), ("date.txt.gz", dates)):
        stored = (DATA / name).read_bytes()
        assert gzip.decompress(stored) == content(lines), name
        assert hashlib.sha256(stored).hexdigest() in (DATA / "README.md").read_text(encoding="utf-8"), name
    assert all(pin in (DATA / "README.md").read_text(encoding="utf-8") for pin in (ADDITION_SHA256, DATE_SHA256))


def test_write_data_files(tmp_path: Path, additions: list[str], dates: list[str]) -> None:
    paths = write_data_files(tmp_path)
    assert [path.name for path in paths] == ["addition.txt.gz", "date.txt.gz"]
    assert [gzip.decompress(path.read_bytes()) for path in paths] == [content(additions), content(dates)]
    assert all(path.read_bytes()[4:8] == bytes(4) for path in paths)  # no time stamp
    with pytest.raises(FileNotFoundError):
        write_data_files(tmp_path / "missing")

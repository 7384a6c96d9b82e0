"""Exercises: generators, loader, characters to ids, padding."""

from __future__ import annotations

import datetime
import gzip
import hashlib
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasts2s.sequence import (
    ADDITION_SHA256,
    DATE_SHA256,
    SequenceData,
    addition_lines,
    date_lines,
    decode,
    encode,
    get_vocab,
    load_data,
    load_file,
    pad_batch,
    unpad,
    valid_mask,
    write_data_files,
)

DATA = Path(__file__).parents[1] / "data"
ROWS = ["16+75_91 ", "5+3  _8  ", "57+10_67 "]


@pytest.fixture(scope="module")
def additions() -> list[str]:
    return addition_lines()


@pytest.fixture(scope="module")
def dates() -> list[str]:
    return date_lines()


def content(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


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
def test_generators_repeat_and_leave_global_generators_alone(make: object) -> None:
    assert callable(make)
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
@pytest.mark.parametrize("count", [-1, 10**9])
def test_generators_refuse_counts(make: object, count: int) -> None:
    assert callable(make)
    with pytest.raises(ValueError, match=f"count is {count}"):
        make(count)


def test_generators_name_what_exists() -> None:
    with pytest.raises(ValueError, match="only 500500 different lines"):
        addition_lines(500_501)
    with pytest.raises(ValueError, match="only 232756 different lines"):
        date_lines(232_757)


@pytest.mark.parametrize("locales", [(), ("fr",), ("en", "xx"), "en"])
def test_date_lines_refuses_locales(locales: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected a non-empty sequence of en, ko, ja"):
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


def recompute(lines: list[str], mark: str, seed: int) -> tuple[np.ndarray, dict[str, int]]:
    """The contract in the plainest words: the shuffled rows of ids, question and answer side by side."""
    ids: dict[str, int] = {}
    for line in lines:
        question, answer = line.split(mark, 1)
        for char in question + mark + answer:
            ids.setdefault(char, len(ids))
    order = np.arange(len(lines))
    np.random.RandomState(seed).shuffle(order)
    return np.array([[ids[char] for char in lines[i]] for i in order]), ids


@pytest.mark.book_data
@pytest.mark.parametrize(
    ("name", "x_width", "t_width", "n_chars"), [("addition.txt.gz", 7, 5, 13), ("date.txt.gz", 29, 11, 59)]
)
def test_book_files(book_data: Path, name: str, x_width: int, t_width: int, n_chars: int) -> None:
    (x_train, t_train), (x_test, t_test) = load_data(str(book_data / name))
    assert [a.shape for a in (x_train, t_train)] == [(45_000, x_width), (45_000, t_width)]
    assert [a.shape for a in (x_test, t_test)] == [(5_000, x_width), (5_000, t_width)]
    assert {a.dtype for a in (x_train, t_train, x_test, t_test)} == {np.dtype(np.int64)}
    assert all(a.flags.c_contiguous for a in (x_train, t_train, x_test, t_test))

    lines = gzip.decompress((book_data / name).read_bytes()).decode("utf-8").splitlines()
    rows, ids = recompute(lines, "_", 1984)
    assert get_vocab() == (ids, {i: char for char, i in ids.items()})
    assert len(ids) == n_chars
    np.testing.assert_array_equal(np.hstack([x_train, t_train]), rows[:45_000])
    np.testing.assert_array_equal(np.hstack([x_test, t_test]), rows[45_000:])


@pytest.mark.parametrize(
    ("name", "shapes", "n_chars"),
    [("addition.txt", [(45_000, 7), (5_000, 5)], 13), ("date.txt", [(45_000, 29), (5_000, 11)], 59)],
)
def test_built_in_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, shapes: list[tuple[int, int]], n_chars: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (x_train, _), (_, t_test) = load_data(name)
    char_to_id, id_to_char = get_vocab()
    assert [x_train.shape, t_test.shape] == shapes
    assert len(char_to_id) == n_chars
    stored = load_file(DATA / f"{name}.gz")
    np.testing.assert_array_equal(x_train, stored.x_train)
    np.testing.assert_array_equal(t_test, stored.t_test)
    assert (char_to_id, id_to_char) == (stored.char_to_id, stored.id_to_char)


def test_default_is_the_addition_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = load_file()
    question = decode(data.x_test[0], data.id_to_char)
    a, b = (int(operand) for operand in question.split("+"))
    assert decode(data.t_test[0], data.id_to_char).rstrip() == f"_{a + b}"


def test_a_file_of_that_name_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "addition.txt", "1+1_2\n")
    assert load_file("addition.txt").x_train.shape == (1, 3)


def test_load_file(tmp_path: Path) -> None:
    lines = [f"{a}+{b}*{a + b:2}" for a in range(5) for b in range(5)]
    data = load_file(write(tmp_path / "own.txt", "\n".join(lines) + "\n"), seed=3, mark="*")
    assert isinstance(data, SequenceData)
    rows, ids = recompute(lines, "*", 3)
    assert data.char_to_id == ids
    assert data.id_to_char == {i: char for char, i in ids.items()}
    assert data.vocab_size == len(ids)
    assert data.start_id == ids["*"] == 2
    assert data.mark == "*"
    np.testing.assert_array_equal(np.hstack([data.x_train, data.t_train]), rows[:23])
    np.testing.assert_array_equal(np.hstack([data.x_test, data.t_test]), rows[23:])
    assert (data.t_train[:, 0] == data.start_id).all()


def test_seed_sets_the_global_generator(tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", "\n".join(ROWS))
    load_data(path, seed=5)
    after = np.random.rand()
    np.random.seed(5)
    np.random.shuffle(np.arange(3))
    assert np.random.rand() == after


def test_no_seed_goes_on_with_the_global_generator(tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", "\n".join(ROWS * 10))
    np.random.seed(11)
    (first, _), _ = load_data(path, seed=None)
    (second, _), _ = load_data(path, seed=None)
    (seeded, _), _ = load_data(path, seed=11)
    np.testing.assert_array_equal(first, seeded)
    assert (first != second).any()


def test_vocabulary_is_that_of_the_last_file(tmp_path: Path) -> None:
    load_data(write(tmp_path / "one.txt", "ab_c\n"))
    load_data(write(tmp_path / "two.txt", "xyz_a\n"))
    assert get_vocab() == ({"x": 0, "y": 1, "z": 2, "_": 3, "a": 4}, {0: "x", 1: "y", 2: "z", 3: "_", 4: "a"})


@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_line_ends_and_compression(tmp_path: Path, end: str, packed: bool, start: str) -> None:
    between = end or "\n"
    raw = (start + between.join(ROWS) + end).encode("utf-8")
    path = tmp_path / "own.txt.gz"
    path.write_bytes(gzip.compress(raw) if packed else raw)
    data = load_file(path)
    decoded = sorted(
        decode(np.hstack(pair), data.id_to_char) for pair in zip(data.x_train, data.t_train, strict=True)
    )
    assert decoded == sorted(ROWS)


def test_other_line_separators_are_characters(tmp_path: Path) -> None:
    data = load_file(write(tmp_path / "own.txt", "a\u2028\x0b_é한\n"))
    assert data.x_train.shape == (1, 3)
    assert decode(data.t_train[0], data.id_to_char) == "_é한"


def test_mark_of_the_built_in_set_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = load_file("addition.txt", mark="*")
    np.testing.assert_array_equal(data.x_train, load_file("addition.txt").x_train)
    assert data.id_to_char[int(data.t_test[0, 0])] == "*"
    assert "_" not in data.char_to_id
    with pytest.raises(ValueError, match=r"mark is '\+', which the exercises of the built-in 'addition.txt' use"):
        load_file("addition.txt", mark="+")


@pytest.mark.parametrize("name", ["missing.txt", "sub/addition.txt", "addition.txt.gz", "./date.txt"])
def test_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"only 'addition\.txt' and 'date\.txt' exist") as caught:
        load_data(name)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1+1_2\n1+2 3\n", r"own.txt, line 2: no mark '_' in '1\+2 3', expected question_answer: add it"),
        ("1+1_2\n\n1+2_3\n", "line 2: no mark '_' in ''"),
        ("1+1_2\n10+1_1\n", "line 2: the question of '10.1_1' has 4 characters, expected 3 as in line 1: pad"),
        ("1+1_2\n1+2_3\n9+1_10\n", "line 3: the answer of '9.1_10' has 3 characters, expected 2 as in line 1"),
        ("", "own.txt is empty, expected one exercise per line"),
    ],
)
def test_bad_content(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "own.txt", text)
    before = get_vocab()
    np.random.seed(1)
    expected = np.random.rand()
    np.random.seed(1)
    with pytest.raises(ValueError, match=message):
        load_data(path)
    assert get_vocab() is before
    assert np.random.rand() == expected


def test_bad_bytes(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_bytes(b"1+1_2\n1+2_\xe9\n")
    with pytest.raises(ValueError, match="line 2: byte 0xe9 is no UTF-8"):
        load_data(path)
    whole = gzip.compress(content(ROWS))
    for damaged in (whole[:-9], whole[:12] + b"\xff\xff\xff" + whole[15:], whole[:-8] + b"12345678"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"own\.txt: damaged gzip data"):
            load_data(path)


@pytest.mark.parametrize("mark", ["", "__"])
def test_bad_mark(mark: str) -> None:
    with pytest.raises(ValueError, match=f"mark is '{mark}', expected one character"):
        load_data("addition.txt", mark=mark)


VOCAB = {char: i for i, char in enumerate("0123456789+_ ")}
CHARS = {i: char for char, i in VOCAB.items()}


def test_encode() -> None:
    ids = encode("57+5", VOCAB, length=7)
    assert ids.dtype == np.int64
    assert ids.tolist() == [5, 7, 10, 5, 12, 12, 12]
    assert encode("57", VOCAB).tolist() == [5, 7]
    assert encode("57", VOCAB, length=3, pad="_").tolist() == [5, 7, 11]
    assert encode("", VOCAB).shape == (0,)


@given(st.text(alphabet=list(VOCAB), max_size=12))
def test_encode_decode_round_trip(text: str) -> None:
    assert decode(encode(text, VOCAB), CHARS) == text
    assert decode(encode(text, VOCAB, length=12), CHARS) == text.ljust(12)


def test_encode_and_decode_refuse() -> None:
    with pytest.raises(
        ValueError, match=r"character 'x' at place 1 of '5x' is unknown, expected any of ' \+0123456789_'"
    ):
        encode("5x", VOCAB)
    with pytest.raises(ValueError, match="text '123' has 3 characters, expected at most 2"):
        encode("123", VOCAB, length=2)
    with pytest.raises(ValueError, match="character '#'"):
        encode("1", VOCAB, length=2, pad="#")
    with pytest.raises(ValueError, match="pad is '', expected one character"):
        encode("1", VOCAB, length=2, pad="")
    with pytest.raises(ValueError, match="id 13 at place 1 is unknown, expected 0 to 12"):
        decode([0, 13], CHARS)


def test_pad_batch() -> None:
    right = pad_batch([[1, 2, 3], [], [4]], -1)
    assert right.dtype == np.int64
    assert right.tolist() == [[1, 2, 3], [-1, -1, -1], [4, -1, -1]]
    assert pad_batch([[1, 2, 3], [4]], 0, side="left", length=4).tolist() == [[0, 1, 2, 3], [0, 0, 0, 4]]
    assert pad_batch([np.array([1, 2], dtype=np.int32)], 0).tolist() == [[1, 2]]


def test_pad_batch_of_nothing() -> None:
    assert pad_batch([], 0).shape == (0, 0)
    assert pad_batch([], 0, length=3).shape == (0, 3)
    assert pad_batch([[], []], 0).shape == (2, 0)
    assert unpad(pad_batch([[], []], 0), 0) == [[], []]
    assert unpad(pad_batch([], 0), 0) == []


def test_pad_batch_owns_its_memory() -> None:
    row = np.arange(3)
    pad_batch([row], 0)[:] = 7
    assert row.tolist() == [0, 1, 2]


@settings(max_examples=200)
@given(
    rows=st.lists(st.lists(st.integers(-5, 5), max_size=6), max_size=5),
    pad_id=st.integers(-6, 6),
    side=st.sampled_from(["right", "left"]),
    extra=st.integers(0, 3),
)
def test_unpad_inverts_pad_batch(rows: list[list[int]], pad_id: int, side: str, extra: int) -> None:
    edge = -1 if side == "right" else 0
    rows = [row for row in rows if not row or row[edge] != pad_id]
    length = max(map(len, rows), default=0) + extra
    batch = pad_batch(rows, pad_id, side=side, length=length)
    assert batch.shape == (len(rows), length)
    assert unpad(batch, pad_id, side=side) == rows
    mask = valid_mask(batch, pad_id)
    assert mask.dtype == np.bool_
    assert mask.shape == batch.shape
    assert mask.sum(axis=1).tolist() == [sum(i != pad_id for i in row) for row in rows]


def test_valid_mask_is_false_on_padding_only() -> None:
    batch = pad_batch([[1, 2], [3], []], 9, side="left")
    assert valid_mask(batch, 9).tolist() == [[True, True], [False, True], [False, False]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1.0, 2.0], r"rows\[1\] holds float64, expected integers"),
        (["a"], r"rows\[1\] holds <U1, expected integers"),
        ([True], r"rows\[1\] holds bool, expected integers"),
        ([[1, 2]], r"rows\[1\] has shape \(1, 2\), expected one dimension"),
        ([[1], [2, 3]], r"rows\[1\] holds rows of its own"),
        (5, r"rows\[1\] has shape \(\), expected one dimension"),
    ],
)
def test_pad_batch_refuses_rows(row: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pad_batch([[1], row], 0)


@pytest.mark.parametrize("length", [-1, 2])
def test_pad_batch_refuses_length(length: int) -> None:
    with pytest.raises(ValueError, match=f"length is {length}, expected at least 3"):
        pad_batch([[1, 2, 3]], 0, length=length)


def test_padding_refuses_side_and_shape() -> None:
    with pytest.raises(ValueError, match="side is 'middle', expected 'right' or 'left'"):
        pad_batch([[1]], 0, side="middle")
    with pytest.raises(ValueError, match="side is 'middle'"):
        unpad([[1]], 0, side="middle")
    with pytest.raises(ValueError, match="length is -1, expected at least 0"):
        pad_batch([], 0, length=-1)
    for function in (unpad, valid_mask):
        with pytest.raises(ValueError, match=r"batch has shape \(2,\), expected \(N, T\)"):
            function([1, 2], 0)
        with pytest.raises(ValueError, match="batch has rows of different length"):
            function([[1], [2, 3]], 0)
        with pytest.raises(ValueError, match="batch holds float64, expected integers"):
            function([[1.5]], 0)

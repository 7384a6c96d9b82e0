"""Reading exercises, characters to ids."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasts2s.sequence import SequenceData, decode, encode, get_vocab, load_data, load_file

DATA = Path(__file__).parents[2] / "data"
ROWS = ["16+75_91 ", "5+3  _8  ", "57+10_67 "]


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


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
    lines = [f"{a}+{b}*{a + b:2}" for a in range(3) for b in range(9)]
    data = load_file(write(tmp_path / "own.txt", "\n".join(lines) + "\n"), seed=3, mark="*")
    assert isinstance(data, SequenceData)
    rows, ids = recompute(lines, "*", 3)
    assert data.char_to_id == ids
    assert data.id_to_char == {i: char for char, i in ids.items()}
    assert data.vocab_size == len(ids)
    assert data.start_id == ids["*"] == 2
    assert data.mark == "*"
    np.testing.assert_array_equal(np.hstack([data.x_train, data.t_train]), rows[:25])
    np.testing.assert_array_equal(np.hstack([data.x_test, data.t_test]), rows[25:])
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
    whole = gzip.compress("\n".join(ROWS).encode())
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

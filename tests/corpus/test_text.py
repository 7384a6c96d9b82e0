"""Text corpora: splits, vocabularies, the built-in text, prompts."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasts2s.corpus import Corpus, load_text, preprocess_line, tiny_corpus


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


def words(ids: np.ndarray, corpus: Corpus) -> list[str]:
    return [corpus.id_to_word[int(i)] for i in ids]


def sentences(ids: np.ndarray, corpus: Corpus) -> set[str]:
    return {line.strip() for line in " ".join(words(ids, corpus)).split("<eos>") if line.strip()}


def test_load_text_splits_by_lines(tmp_path: Path) -> None:
    lines = [f"line number{i} goes" for i in range(20)]
    corpus = load_text(write(tmp_path / "own.txt", "\n".join(lines) + "\n"), test_fraction=0.2, unk_below=2)
    assert [len(part) for part in (corpus.train, corpus.valid, corpus.test)] == [14 * 4, 2 * 4, 4 * 4]
    assert {part.dtype for part in (corpus.train, corpus.valid, corpus.test)} == {np.dtype(np.int64)}
    assert corpus.word_to_id == {"line": 0, "<unk>": 1, "goes": 2, "<eos>": 3}
    assert corpus.id_to_word == {0: "line", 1: "<unk>", 2: "goes", 3: "<eos>"}
    assert corpus.train.tolist() == [0, 1, 2, 3] * 14
    assert corpus.vocab_size == 4
    assert corpus.name == "own.txt"


def test_load_text_keeps_the_order_of_lines(tmp_path: Path) -> None:
    lines = [f"w{i}" for i in range(10)]
    path = write(tmp_path / "own.txt", "\n".join(lines))
    corpus = load_text(path, valid_fraction=0, test_fraction=0)
    assert words(corpus.train, corpus) == [word for line in lines for word in (line, "<eos>")]
    assert corpus.valid.shape == corpus.test.shape == (0,)
    held_out = load_text(path)
    assert words(held_out.train, held_out)[-2:] == ["w7", "<eos>"]
    assert words(held_out.valid, held_out) == words(held_out.test, held_out) == ["<unk>", "<eos>"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The dog's bark, don\u2019t!", ["the", "dog's", "bark", ",", "don\u2019t", "!", "<eos>"]),
        ("3.11 and 1,000.", ["3.11", "and", "1,000", ".", "<eos>"]),
        ("<unk> x<eos>", ["<unk>", "x", "<eos>", "<eos>"]),
        ("오늘 날씨 좋다", ["오늘", "날씨", "좋다", "<eos>"]),
        ("a\n\nb\r\nc", ["a", "<eos>", "<eos>", "b", "<eos>", "c", "<eos>"]),
    ],
)
def test_load_text_tokens(tmp_path: Path, text: str, tokens: list[str]) -> None:
    corpus = load_text(write(tmp_path / "own.txt", text), valid_fraction=0, test_fraction=0)
    assert words(corpus.train, corpus) == tokens


def test_load_text_by_character(tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", "Ab a\nb한\nb!\n")
    corpus = load_text(path, level="char")
    assert words(corpus.train, corpus) == ["A", "b", " ", "a", "<eos>"]
    assert words(corpus.valid, corpus) == ["b", "<unk>", "<eos>"]
    assert words(corpus.test, corpus) == ["b", "<unk>", "<eos>"]
    assert corpus.word_to_id["<unk>"] == 5


def test_unk_is_only_there_if_needed(tmp_path: Path) -> None:
    corpus = load_text(write(tmp_path / "own.txt", "a b\na\nb\n"))
    assert set(corpus.word_to_id) == {"a", "b", "<eos>"}


def test_unk_below_replaces_rare_words_but_no_line_end(tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", "a a a b b c\n")
    corpus = load_text(path, unk_below=3, valid_fraction=0, test_fraction=0)
    assert words(corpus.train, corpus) == ["a", "a", "a", "<unk>", "<unk>", "<unk>", "<eos>"]


def test_load_text_reads_gzip(tmp_path: Path) -> None:
    plain = write(tmp_path / "own.txt", "a b\nc\nd e é\n")
    packed = tmp_path / "own.txt.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    one, two = load_text(plain), load_text(packed)
    assert one.word_to_id == two.word_to_id
    np.testing.assert_array_equal(one.train, two.train)


@given(
    st.lists(st.sampled_from(["a", "b b", "c, d", ""]), min_size=3, max_size=40),
    st.floats(0, 0.49),
    st.floats(0, 0.49),
)
def test_split_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], valid_fraction: float, test_fraction: float
) -> None:
    text = "\n".join([*lines, "a b c , d"])
    path = write(tmp_path_factory.getbasetemp() / "split.txt", text + "\n")
    try:
        corpus = load_text(path, valid_fraction=valid_fraction, test_fraction=test_fraction)
    except ValueError as error:
        assert "too few to hold any out" in str(error)
        return
    parts = (corpus.train, corpus.valid, corpus.test)
    whole = load_text(path, valid_fraction=0, test_fraction=0)
    assert [w for part in parts for w in words(part, corpus) if w != "<unk>"] == [
        w for w in words(whole.train, whole) if w in corpus.word_to_id
    ]
    assert sum(map(len, parts)) == len(whole.train)
    for part, share in zip(parts, (1 - valid_fraction - test_fraction, valid_fraction, test_fraction), strict=True):
        assert (len(part) == 0) == (share == 0)
        assert len(part) >= share * len(whole.train) / 2 - 1


@pytest.mark.parametrize("level", ["word", "char"])
def test_a_text_of_one_line_is_cut_between_tokens(tmp_path: Path, level: str) -> None:
    text = "one two three four five six seven eight nine ten " * 20
    corpus = load_text(write(tmp_path / "own.txt", text.strip()), level=level)
    total = 200 if level == "word" else len(text.strip())
    assert [len(part) for part in (corpus.train, corpus.valid, corpus.test)] == [
        total - 2 * round(total / 10),
        round(total / 10),
        round(total / 10),
    ]
    parts = [words(part, corpus) for part in (corpus.train, corpus.valid, corpus.test)]
    whole = (" " if level == "word" else "").join(token for part in parts for token in part)
    assert whole == text.strip()


def test_few_lines_of_unequal_length_leave_something_to_measure_with(tmp_path: Path) -> None:
    long = "a paragraph of a novel " * 100
    corpus = load_text(write(tmp_path / "own.txt", f"{long}\n{long}\n{long}\nThe\nEnd\n"))
    assert min(len(corpus.valid), len(corpus.test)) > 100
    assert len(corpus.train) > 1000


@pytest.mark.parametrize("level", ["word", "char"])
def test_built_in_text(level: str) -> None:
    corpus = load_text(unk_below=2, level=level)
    total = len(corpus.train) + len(corpus.valid) + len(corpus.test)
    assert total > 40_000
    for part in (corpus.valid, corpus.test):
        assert 0.05 * total < len(part) < 0.15 * total
        assert part[-1] == corpus.word_to_id["<eos>"]
        assert 0 <= part.min() <= part.max() < corpus.vocab_size
    assert sorted(corpus.id_to_word) == list(range(corpus.vocab_size))
    assert corpus.name.startswith("pydoc_data.topics ")
    again = load_text(unk_below=2, level=level)
    assert again.word_to_id == corpus.word_to_id
    assert again.name == corpus.name
    np.testing.assert_array_equal(again.test, corpus.test)


def test_built_in_text_is_prose_and_does_not_leak() -> None:
    corpus = load_text()
    held_out = sentences(corpus.valid, corpus) | sentences(corpus.test, corpus)
    long = {line for line in held_out if len(line.split()) > 8 and "<unk>" not in line}
    train = sentences(corpus.train, corpus)
    assert len(long) > 100
    # The topics repeat whole paragraphs (a fifth of all); single sentences may recur.
    assert len(long & train) < 0.05 * len(long)
    assert "statement" in corpus.word_to_id
    assert not any(set(word) <= set("*=") and len(word) > 2 for word in corpus.word_to_id)


def test_built_in_text_holds_out_what_is_asked() -> None:
    only_train = load_text(valid_fraction=0, test_fraction=0)
    assert only_train.valid.shape == only_train.test.shape == (0,)
    assert "<unk>" not in only_train.word_to_id
    half = load_text(valid_fraction=0, test_fraction=0.4)
    assert 0.3 < len(half.test) / len(only_train.train) < 0.7  # the text differs by Python version
    assert half.valid.shape == (0,)


def test_built_in_text_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ImportError, match=r"which this Python lacks: name a text file instead"):
        load_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": "byte"}, "level is 'byte', expected one of word, char"),
        ({"unk_below": 0}, "unk_below is 0, expected an integer >= 1"),
        ({"valid_fraction": -0.1}, "valid_fraction is -0.1"),
        ({"valid_fraction": 0.5, "test_fraction": 0.5}, "together less than 1"),
        ({"test_fraction": float("nan")}, "test_fraction is nan"),
    ],
)
def test_load_text_refuses(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_text(**arguments)  # type: ignore[arg-type]


def test_load_text_bad_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file '.*missing\.txt', expected UTF-8 text"):
        load_text(tmp_path / "missing.txt")
    with pytest.raises(ValueError, match=r"empty\.txt is empty"):
        load_text(write(tmp_path / "empty.txt", " \n\n"))
    with pytest.raises(ValueError, match=r"short\.txt has 2 words and line ends, too few to hold any out"):
        load_text(write(tmp_path / "short.txt", "a\n"))
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"a\nb \xff\n")
    with pytest.raises(ValueError, match=r"bad\.txt, line 2: byte 0xff is no UTF-8"):
        load_text(bad)
    bad.write_bytes(gzip.compress(b"a\nb\nc\n")[:-9])
    with pytest.raises(ValueError, match=r"bad\.txt: damaged gzip data"):
        load_text(bad)


def test_tiny_corpus() -> None:
    corpus, word_to_id, id_to_word = tiny_corpus()
    assert corpus.dtype == np.int64
    assert corpus.tolist() == [0, 1, 2, 3, 4, 1, 5, 6]
    assert [id_to_word[int(i)] for i in corpus] == ["you", "say", "goodbye", "and", "i", "say", "hello", "<eos>"]
    assert {i: word for word, i in word_to_id.items()} == id_to_word


def test_preprocess_line() -> None:
    _, word_to_id, _ = tiny_corpus()
    assert preprocess_line("You say  HELLO", word_to_id).tolist() == [0, 1, 5]
    assert preprocess_line("say <eos>", word_to_id).tolist() == [1, 6]
    assert preprocess_line("", word_to_id).shape == (0,)
    with pytest.raises(ValueError, match="'farewell' is unknown and the vocabulary has no <unk>"):
        preprocess_line("you say farewell", word_to_id)
    ptb_like = {"the": 0, "N": 1, "n't": 2, "<unk>": 3, ".": 4}
    ids = preprocess_line("The N n't sand.", ptb_like)
    assert ids.dtype == np.int64
    assert ids.tolist() == [0, 1, 2, 3, 4]
    assert preprocess_line("Nn", {"N": 0, "<unk>": 1}, level="char").tolist() == [0, 1]
    with pytest.raises(ValueError, match="level is 'line'"):
        preprocess_line("a", word_to_id, level="line")

"""Text corpora: splits, vocabularies, the built-in text, prompts."""

from __future__ import annotations

import gzip
import itertools
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasts2s.corpus import Corpus, load_text, preprocess_line, tiny_corpus
from fasts2s.text import EOS, UNK


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


def words(ids: np.ndarray, corpus: Corpus) -> list[str]:
    return [corpus.tokenizer.symbols[int(i)].removeprefix("\uffed") for i in ids]


def sentences(ids: np.ndarray, corpus: Corpus) -> set[str]:
    return {line.strip() for line in " ".join(words(ids, corpus)).split("</s>") if line.strip()}


def test_load_text_splits_by_lines(tmp_path: Path) -> None:
    lines = [f"line number{i} goes" for i in range(20)]
    corpus = load_text(write(tmp_path / "own.txt", "\n".join(lines) + "\n"), test_fraction=0.2, min_count=2)
    assert [len(part) for part in (corpus.train, corpus.valid, corpus.test)] == [14 * 4, 2 * 4, 4 * 4]
    assert {part.dtype for part in (corpus.train, corpus.valid, corpus.test)} == {np.dtype(np.int32)}
    assert corpus.tokenizer.symbols == ["<pad>", "<unk>", "<s>", "</s>", "goes", "line"]
    assert corpus.train.tolist() == [5, 1, 4, 3] * 14
    assert corpus.vocab_size == 6
    assert corpus.name == "own.txt"
    sizes = [sum(len(line) + 1 for line in part) for part in (lines[:14], lines[14:16], lines[16:])]
    assert list(corpus.characters.values()) == sizes


def test_load_text_keeps_the_order_of_lines(tmp_path: Path) -> None:
    lines = [f"w{i}" for i in range(10)]
    path = write(tmp_path / "own.txt", "\n".join(lines))
    corpus = load_text(path, valid_fraction=0, test_fraction=0)
    assert words(corpus.train, corpus) == [word for line in lines for word in (line, "</s>")]
    assert corpus.valid.shape == corpus.test.shape == (0,)
    held_out = load_text(path)
    assert words(held_out.train, held_out)[-2:] == ["w7", "</s>"]
    assert words(held_out.valid, held_out) == words(held_out.test, held_out) == ["<unk>", "</s>"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The dog's bark, don\u2019t!", ["the", "dog's", "bark", ",", "don\u2019t", "!", "</s>"]),
        ("3.11 and 1,000.", ["3.11", "and", "1,000", ".", "</s>"]),
        ("<unk> x", ["<unk>", "x", "</s>"]),
        ("오늘 날씨 좋다", ["오늘", "날씨", "좋다", "</s>"]),
        ("a\n\nb\r\nc", ["a", "</s>", "</s>", "b", "</s>", "c", "</s>"]),
    ],
)
def test_load_text_tokens(tmp_path: Path, text: str, tokens: list[str]) -> None:
    corpus = load_text(write(tmp_path / "own.txt", text), valid_fraction=0, test_fraction=0)
    assert words(corpus.train, corpus) == tokens


def test_load_text_by_character(tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", "Ab a\nb한\nb!\n")
    corpus = load_text(path, tokens="char")
    assert words(corpus.train, corpus) == ["A", "b", " ", "a", "</s>"]
    assert words(corpus.valid, corpus) == ["b", "<unk>", "</s>"]
    assert words(corpus.test, corpus) == ["b", "<unk>", "</s>"]
    assert corpus.characters == {"train": 5, "valid": 3, "test": 3}


def test_load_text_by_subword(tmp_path: Path) -> None:
    pytest.importorskip("sentencepiece")
    lines = ["the cat and the hat", "the bat and the rat"] * 20
    corpus = load_text(write(tmp_path / "own.txt", "\n".join(lines)), tokens="subword", max_size=30)
    ends = [0, *(np.flatnonzero(corpus.train == EOS) + 1)]
    read = [corpus.tokenizer.decode(corpus.train[i:k]) for i, k in itertools.pairwise(ends)]
    assert read == lines[:32]
    assert corpus.vocab_size <= 30


def test_a_table_is_read_by_column_each_text_once_and_divided_by_a_hash(tmp_path: Path) -> None:
    rows = [f"{i}\tsentence number {i % 50} ends\tx" for i in range(100)]
    path = tmp_path / "own.tsv"
    path.write_text("\n".join(rows), encoding="cp949")
    corpus = load_text(path, column=1, encoding="cp949")
    parts = [sentences(part, corpus) for part in (corpus.train, corpus.valid, corpus.test)]
    assert sum(int((part == EOS).sum()) for part in (corpus.train, corpus.valid, corpus.test)) == 50
    assert all(parts)
    path.write_text("\n".join(reversed(rows)), encoding="cp949")
    again = load_text(path, column=1, encoding="cp949")
    assert [sentences(part, again) for part in (again.train, again.valid, again.test)] == parts


def test_the_turns_of_dialogues_stay_in_order(tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", "Hi.\nHello.\n\n" * 20)
    corpus = load_text(path, format="dialogue", lower=False)
    assert words(corpus.train, corpus)[:7] == ["Hi", ".", "</s>", "Hello", ".", "</s>", "Hi"]


def test_rare_words_are_unknown_and_line_ends_never(tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", "a a a b b c\n")
    corpus = load_text(path, min_count=3, valid_fraction=0, test_fraction=0)
    assert words(corpus.train, corpus) == ["a", "a", "a", "<unk>", "<unk>", "<unk>", "</s>"]


def test_load_text_reads_gzip(tmp_path: Path) -> None:
    plain = write(tmp_path / "own.txt", "a b\nc\nd e é\n")
    packed = tmp_path / "own.txt.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    one, two = load_text(plain), load_text(packed)
    assert one.tokenizer.symbols == two.tokenizer.symbols
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
    known = {*corpus.tokenizer.symbols} - {"<unk>", "</s>"}
    assert [w for part in parts for w in _known(part, corpus, known)] == _known(whole.train, whole, known)
    total = sum(corpus.characters.values())
    for part, share in zip(
        corpus.characters.values(), (1 - valid_fraction - test_fraction, valid_fraction, test_fraction), strict=True
    ):
        assert part >= share * total / 2 - 8  # less than a word
        assert share or not part


def _known(ids: np.ndarray, corpus: Corpus, known: set[str]) -> list[str]:
    """Return the words; a comma after a blank, behind which a line was cut, is another."""
    kept = (corpus.tokenizer.symbols[int(i)] for i in ids)
    return [symbol for symbol in kept if symbol in known and symbol]


@pytest.mark.parametrize("tokens", ["word", "char"])
def test_a_text_of_one_line_is_cut_at_a_blank(tmp_path: Path, tokens: Literal["word", "char"]) -> None:
    text = ("one two three four five six seven eight nine ten " * 20).strip()
    corpus = load_text(write(tmp_path / "own.txt", text), tokens=tokens)
    parts = [corpus.tokenizer.decode(part) for part in (corpus.train, corpus.valid, corpus.test)]
    assert " ".join(parts) == text
    assert [len(part) for part in parts] == pytest.approx([0.8 * len(text), 0.1 * len(text), 0.1 * len(text)], abs=7)
    assert [len(part) for part in parts] == list(corpus.characters.values())
    assert EOS not in corpus.train


def test_a_text_without_blanks_is_cut_anywhere(tmp_path: Path) -> None:
    text = "吾輩は猫である。名前はまだ無い。" * 20
    corpus = load_text(write(tmp_path / "own.txt", text), tokens="char")
    assert [len(part) for part in (corpus.train, corpus.valid, corpus.test)] == [256, 32, 32]


def test_few_lines_of_unequal_length_leave_something_to_measure_with(tmp_path: Path) -> None:
    long = "a paragraph of a novel " * 100
    corpus = load_text(write(tmp_path / "own.txt", f"{long}\n{long}\n{long}\nThe\nEnd\n"))
    assert min(len(corpus.valid), len(corpus.test)) > 100
    assert len(corpus.train) > 1000


@pytest.mark.parametrize("tokens", ["word", "char"])
def test_built_in_text(tokens: Literal["word", "char"]) -> None:
    corpus = load_text(min_count=2, tokens=tokens)
    total = len(corpus.train) + len(corpus.valid) + len(corpus.test)
    assert total > 40_000
    for part in (corpus.valid, corpus.test):
        assert 0.05 * total < len(part) < 0.15 * total
        assert part[-1] == EOS
        assert 0 <= part.min() <= part.max() < corpus.vocab_size
    assert corpus.name.startswith("pydoc_data.topics ")
    again = load_text(min_count=2, tokens=tokens)
    assert again.tokenizer.symbols == corpus.tokenizer.symbols
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
    assert "statement" in corpus.tokenizer.symbols
    assert not any(set(word) <= set("*=") and len(word) > 2 for word in corpus.tokenizer.symbols)


def test_built_in_text_holds_out_what_is_asked() -> None:
    only_train = load_text(valid_fraction=0, test_fraction=0)
    assert only_train.valid.shape == only_train.test.shape == (0,)
    assert UNK not in only_train.train
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
        ({"tokens": "byte"}, "tokens is 'byte', expected one of char, word, subword"),
        ({"min_count": 0}, "min_count is 0, expected an integer >= 1"),
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
    with pytest.raises(ValueError, match=r"empty\.txt has no text"):
        load_text(write(tmp_path / "empty.txt", " \n\n"))
    with pytest.raises(ValueError, match=r"short\.txt has 1 characters, too few to hold any out"):
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

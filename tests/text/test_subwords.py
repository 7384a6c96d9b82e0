"""Subwords, by the library sentencepiece; and what is said where it is absent."""

import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasts2s.text import EOS, MARKS, UNK, SubwordTokenizer, load_tokenizer, tokenizer_for

_TEXT = "the cat dog sat on mat log and has seen a bird while sun was low over hills of old town by sea"
WORDS = _TEXT.split()
LEARNED = [" ".join(["the", *random.Random(i).sample(WORDS, 6)]) for i in range(200)]
TEXTS = [
    "the cat sat on the mat, the cat sat",
    "the  dog sat on  the log\t.",
    " 고양이가 매트 위에 앉았다",
    "日本語のテキスト",
    "Qui\u202f? \uff21\uff22 \ufb01 e\u0301",
    "<s> a </s> <unk> <pad>",
    "line\nline",
]


@pytest.fixture(scope="module")
def tokenizer():
    pytest.importorskip("sentencepiece", reason="there is no sentencepiece: pip install 'fasts2s[text]'")
    return tokenizer_for("subword", [*TEXTS, *LEARNED], max_size=200)


def test_the_library_is_there_where_it_is_required(extra):
    extra("sentencepiece")


@pytest.mark.parametrize("text", TEXTS)
def test_texts_come_back(tokenizer, text):
    ids = tokenizer.encode(text)
    assert UNK not in ids
    assert EOS not in ids
    assert tokenizer.decode([2, *ids, 3, 0]) == text


@settings(max_examples=60)
@given(
    words=st.lists(st.sampled_from([*"thecasondgml", " ", "  ", "고양이", "日", "\u202f", "<s>", ","]), max_size=20)
)
def test_every_text_of_known_characters_comes_back(tokenizer, words):
    text = "".join(words)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_frequent_words_are_pieces_and_rare_ones_are_divided(tokenizer):
    assert tuple(tokenizer.symbols[:4]) == MARKS
    assert len(tokenizer.encode("the")) == 1
    assert len(tokenizer.encode("thog")) > 1
    assert tokenizer.decode(tokenizer.encode("theX")) == "the<unk>"
    assert len(tokenizer) <= 200


def test_the_same_texts_give_the_same_pieces(tokenizer):
    assert tokenizer_for("subword", [*TEXTS, *LEARNED], max_size=200).symbols == tokenizer.symbols


def test_all_at_once_is_one_by_one(tokenizer):
    rows = tokenizer.encode_all([*TEXTS, ""])
    assert [rows[i].tolist() for i in range(len(rows))] == [tokenizer.encode(text) for text in [*TEXTS, ""]]


def test_saved_and_loaded(tokenizer, tmp_path):
    path = tokenizer.save(tmp_path, "target")
    again = load_tokenizer(tmp_path, "target")
    assert isinstance(again, SubwordTokenizer)
    assert [again.encode(text) for text in TEXTS] == [tokenizer.encode(text) for text in TEXTS]
    content = path.read_text("utf-8")
    for damaged in (content.replace('"model": "', '"model": "AAAA'), content.replace('"model": "', '"model": "!')):
        path.write_text(damaged, "utf-8")
        with pytest.raises(ValueError, match=r"target\.tokenizer\.json is damaged"):
            load_tokenizer(tmp_path, "target")


def test_a_size_below_the_characters_is_refused(tokenizer):
    with pytest.raises(ValueError, match=r"size is 10 for texts of \d+ different characters, .* take a larger size"):
        tokenizer_for("subword", TEXTS, max_size=10)


def test_a_model_of_others_is_refused(tokenizer):
    with pytest.raises(ValueError, match="model has 4 bytes that are no model of sentencepiece"):
        SubwordTokenizer(b"junk")
    with pytest.raises(ValueError, match="model is of type str, expected the bytes"):
        SubwordTokenizer("junk")


def test_without_the_library_its_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(
        ImportError, match=r"subwords are made by the library sentencepiece, .*: pip install 'fasts2s\[text\]'"
    ):
        tokenizer_for("subword", ["abc"])

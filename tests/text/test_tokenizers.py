"""Characters and words: the same text comes back, from every script and with every blank."""

import json
import pickle
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasts2s.text import (
    BOS,
    EOS,
    MARKS,
    PAD,
    UNK,
    CharacterTokenizer,
    Pairs,
    WordTokenizer,
    load_tokenizer,
    tokenizer_for,
    tokenizers_for,
)

TEXTS = [
    "Hello, world! It's 3.11 (not 1,000).",
    "안녕하세요 여러분. ㅋㅋㅋ 값, 닭, 의자, 왜",
    "日本語のテキスト、カタカナー。",
    "Qui\u202f? l\u2019homme : « où »\u00a0!",
    "हिन्दी में",
    "  two  blanks \t and a tab\n ",
    "a\uffed\uffedb \uffed \uffedc",
    "<unk> <s></s> <pad>",
    "👋🏻 e\u0301\u0323 \u0301",
    "각가\u11a8",
]
ANY = st.text(st.characters(codec="utf-8"), max_size=30)
# What tokenizers divide at, more often than by chance.
PARTS = ["a", "b'c", "가", "각", "漢", "\u3042", " ", "  ", "\u202f", ",", "3.1", "\uffed", "\u0301", "<unk>"]
MIXED = st.lists(st.sampled_from(PARTS), max_size=12).map("".join)


def test_marks_are_the_first_ids():
    assert (PAD, UNK, BOS, EOS) == (0, 1, 2, 3)
    assert MARKS == ("<pad>", "<unk>", "<s>", "</s>")
    for kind in ("char", "word"):
        assert tuple(tokenizer_for(kind, TEXTS).symbols[:4]) == MARKS


@pytest.mark.parametrize("kind", ["char", "word"])
@pytest.mark.parametrize("text", TEXTS)
def test_texts_come_back(kind, text):
    tokenizer = tokenizer_for(kind, TEXTS)
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert all(type(i) is int for i in ids)
    assert not {PAD, BOS, EOS} & set(ids)
    assert tokenizer.decode([BOS, *ids, EOS, PAD, PAD]) == text  # marks are left out


@given(text=ANY | MIXED, others=st.lists(ANY | MIXED, max_size=3))
def test_every_text_comes_back_from_characters(text, others):
    tokenizer = CharacterTokenizer.learn([text, *others])
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert len(tokenizer.encode(text)) == len(text)


@given(text=ANY | MIXED, others=st.lists(ANY | MIXED, max_size=3))
def test_every_text_comes_back_from_words(text, others):
    tokenizer = WordTokenizer.learn([text, *others])
    assert tokenizer.decode(tokenizer.encode(text)) == text
    lower = WordTokenizer.learn([text, *others], lower=True)
    assert lower.decode(lower.encode(text)) == " ".join(part.lower() for part in text.split(" "))


@given(
    text=st.text(
        st.characters(min_codepoint=0x1100, max_codepoint=0x11FF) | st.sampled_from("가각힣a ㅋ"), max_size=20
    )
)
def test_every_text_comes_back_from_jamo_as_unicode_has_it(text):
    tokenizer = CharacterTokenizer.learn([text], jamo=True)
    assert unicodedata.normalize("NFC", tokenizer.decode(tokenizer.encode(text))) == unicodedata.normalize(
        "NFC", text
    )
    if not any("\u1100" <= char <= "\u11ff" for char in text):
        assert tokenizer.decode(tokenizer.encode(text)) == text


@settings(max_examples=40)
@given(text=ANY)
def test_jamo_leave_other_text_as_it_is(text):
    tokenizer = CharacterTokenizer.learn([text], jamo=True)
    assert tokenizer.decode(tokenizer.encode(text)) == "".join(
        unicodedata.normalize("NFC", char) if "\uac00" <= char <= "\ud7a3" else char for char in text
    ) or any("\u1100" <= char <= "\u11ff" for char in text)


def test_syllables_and_jamo():
    whole, parts = (tokenizer_for("char", ["각 가a"], jamo=jamo) for jamo in (False, True))
    assert whole.symbols[4:] == [" ", "a", "가", "각"]
    assert len(parts.encode("각 가a")) == 3 + 1 + 2 + 1
    assert sorted(parts.symbols[4:]) == [" ", "a", "\u1100", "\u1161", "\u11a8"]
    assert parts.decode(parts.encode("가각")) == "가각"
    assert UNK not in parts.encode("각각")
    every = "".join(map(chr, range(0xAC00, 0xD7A4)))
    letters = tokenizer_for("char", [every], jamo=True)
    assert len(letters) == 4 + 19 + 21 + 27
    assert letters.decode(letters.encode(every)) == every


def test_words_and_signs_are_apart():
    tokenizer = tokenizer_for("word", TEXTS)

    def tokens(text):
        return [tokenizer.symbols[i] for i in tokenizer.encode(text)]

    assert tokens("Hello, world!") == ["Hello", "\uffed,", "world", "\uffed!"]
    assert tokens("It's 3.11 (not 1,000).") == ["It's", "3.11", "(", "\uffednot", "1,000", "\uffed)", "\uffed."]
    assert tokens("日本語のテキスト、カタカナー。") == [
        "日", "\uffed本", "\uffed語", "\uffedの", "\uffedテキスト", "\uffed、", "\uffedカタカナー", "\uffed。"
    ]  # fmt: skip
    assert tokens("안녕하세요 여러분.") == ["안녕하세요", "여러분", "\uffed."]
    assert tokens("हिन्दी में") == ["हिन्दी", "में"]
    assert tokens("Qui\u202f?") == ["Qui", "\uffed\u202f", "\uffed?"]
    assert tokens("<unk>") == ["<unk>"]
    assert EOS not in tokenizer.encode("</s>")


def test_unknown_symbols():
    for kind, text, shown in (("char", "abXa", "ab<unk>a"), ("word", "ab X, ab", "ab <unk>, ab")):
        tokenizer = tokenizer_for(kind, ["ab, ab"] if kind == "word" else ["ab"])
        ids = tokenizer.encode(text)
        assert ids.count(UNK) == 1
        assert tokenizer.decode(ids) == shown
        assert tokenizer.decode(ids, unknown="") == shown.replace(" <unk>", "").replace("<unk>", "")


@pytest.mark.parametrize("kind", ["char", "word"])
def test_the_most_frequent_are_kept_in_an_order_that_texts_do_not_change(kind):
    texts = ["c c c b b b a", "d d"]
    tokenizer = tokenizer_for(kind, texts, max_size=7 if kind == "word" else 8)
    assert [s for s in tokenizer.symbols[4:] if s != " "] == ["b", "c", "d"]
    assert tokenizer_for(kind, texts[::-1]).symbols == tokenizer_for(kind, texts).symbols
    assert [s for s in tokenizer_for(kind, texts, min_count=2).symbols[4:] if s != " "] == ["b", "c", "d"]


@settings(max_examples=50)
@given(texts=st.lists(ANY | MIXED, max_size=8), kind=st.sampled_from(["char", "jamo", "word"]))
def test_all_at_once_is_one_by_one(texts, kind):
    learned = [*texts[::2], "a가"]
    tokenizer = (
        tokenizer_for("word", learned) if kind == "word" else tokenizer_for("char", learned, jamo=kind == "jamo")
    )
    rows = tokenizer.encode_all(texts)
    assert [rows[i].tolist() for i in range(len(rows))] == [tokenizer.encode(text) for text in texts]
    assert rows.offsets.tolist() == np.cumsum([0, *map(len, map(tokenizer.encode, texts))]).tolist()


def test_more_texts_than_a_block_and_more_chunks_than_are_kept(monkeypatch):
    for module, name, value in (("tokenizer", "BLOCK", 3), ("words", "BLOCK", 3), ("words", "_MOST_CHUNKS", 5)):
        monkeypatch.setattr(f"fasts2s.text.{module}.{name}", value)
    texts = [f"word{i % 7} x{i}, y" for i in range(20)] + [""]
    tokenizer = tokenizer_for("word", texts)
    assert len(tokenizer) == 4 + 7 + 20 + 2
    for _ in range(2):
        assert [tokenizer.decode(row) for row in map(tokenizer.encode_all(texts).__getitem__, range(21))] == texts


@pytest.mark.parametrize("kind", ["char", "word"])
def test_threads_and_copies_encode_as_one_does(kind):
    texts = [f"w{i % 97},{i}! x{i % 13}" for i in range(2_000)]
    learned = tokenizer_for(kind, texts)
    expected = learned.encode_all(texts).ids.tolist()
    fresh = pickle.loads(pickle.dumps(tokenizer_for(kind, texts)))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: fresh.encode_all(texts[k:] + texts[:k]).ids.tolist(), [0, 500, 1_000, 0]))
    assert found[0] == found[3] == expected
    assert fresh.encode_all(texts).ids.tolist() == expected


def test_backwards_the_last_character_comes_first():
    pairs = Pairs(["2+3", "각"], ["105", "가각"])
    source, target = tokenizers_for(pairs, "char", target_backwards=True, jamo=True)
    assert target.tokens("105") == ["5", "0", "1"]
    assert target.tokens("가각") == ["ᄀ", "ᅡ", "ᆨ", "ᄀ", "ᅡ"]
    assert [target.symbols[i] for i in target.encode("105")] == ["5", "0", "1"]
    assert target.encode_all(["105", "가각"])[0].tolist() == target.encode("105")
    assert [target.decode(target.encode(text)) for text in ("105", "가각", "")] == ["105", "가각", ""]
    assert target.decode([1, *target.encode("10")], "?") == "10?"
    assert source.tokens("2+3") == ["2", "+", "3"]
    with pytest.raises(ValueError, match="target_backwards is True with shared, expected one of them"):
        tokenizers_for(pairs, "char", shared=True, target_backwards=True)


# ---- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [("char", {}), ("char", {"jamo": True}), ("char", {"backwards": True}), ("word", {}), ("word", {"lower": True})],
)
def test_saved_and_loaded(tmp_path, options):
    kind, settings = options
    tokenizer = tokenizer_for(kind, [*TEXTS, "\ud800"], **settings)
    path = tokenizer.save(tmp_path, "source")
    assert path == tmp_path / "source.tokenizer.json"
    again = load_tokenizer(tmp_path, "source")
    assert type(again) is type(tokenizer)
    assert again.symbols == tokenizer.symbols
    assert [again.encode(text) for text in TEXTS] == [tokenizer.encode(text) for text in TEXTS]
    tokenizer_for("char", ["abc"]).save(str(tmp_path), "source")  # replaces it
    assert len(load_tokenizer(str(tmp_path), "source")) == 7


def test_a_name_stays_in_its_folder(tmp_path):
    tokenizer = tokenizer_for("char", ["a"])
    for name in ("../source", "a/b", "", "a.b", "a\\b"):
        with pytest.raises(ValueError, match="expected letters and digits, such as 'source'"):
            tokenizer.save(tmp_path, name)
    with pytest.raises(FileNotFoundError, match=r"no file '.*target\.tokenizer\.json', expected a tokenizer"):
        load_tokenizer(tmp_path, "target")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        tokenizer.save(tmp_path / "none", "source")


GOOD = {"format": "fasts2s tokenizer", "version": 1, "kind": "char", "jamo": False, "symbols": ["a"]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"[1]",
        b"null",
        *(
            json.dumps(GOOD | change).encode()
            for change in (
                {"format": "x"},
                {"version": 2},
                {"kind": "syllable"},
                {"kind": ["char"]},
                {"jamo": "no"},
                {"symbols": ["a", "a"]},
                {"symbols": ["ab"]},
                {"symbols": [1]},
                {"symbols": "abc"},
                {"symbols": None},
                {"kind": "word"},
                {"kind": "word", "lower": False, "symbols": ["<s>"]},
            )
        ),
        json.dumps({k: v for k, v in GOOD.items() if k != "symbols"}).encode(),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "source.tokenizer.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"source\.tokenizer\.json is damaged, or no tokenizer of this version"):
        load_tokenizer(tmp_path, "source")


# ---- errors ------------------------------------------------------------------------------------------------------


def test_ids_that_are_not_there():
    tokenizer = tokenizer_for("char", ["ab"])
    for i in (6, -1, 2**70):
        with pytest.raises(IndexError, match="is not in the vocabulary, expected 0 to 5"):
            tokenizer.decode([4, i])
    assert tokenizer.decode(np.array([4, 5], np.int32)) == "ab"


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("syllable", {}, "kind is 'syllable', expected one of char, word, subword"),
        ("word", {"jamo": True}, "jamo is True with kind 'word', expected it with 'char' only"),
        ("char", {"lower": True}, "lower is True with kind 'char'"),
        ("word", {"backwards": True}, "backwards is True with kind 'word', expected it with 'char' only"),
        ("subword", {"min_count": 2}, "min_count is 2 with kind 'subword', expected 1"),
        ("char", {"max_size": 4}, "max_size is 4, expected an integer >= 5"),
        ("char", {"min_count": 0}, "min_count is 0, expected an integer >= 1"),
    ],
)
def test_options_that_do_not_fit(kind, options, message):
    with pytest.raises(ValueError, match=message):
        tokenizer_for(kind, ["a"], **options)


def test_there_must_be_something_to_learn_from():
    for texts in ([], [""]):
        with pytest.raises(ValueError, match="texts have no character"):
            tokenizer_for("char", texts)


def test_vocabularies_of_both_sides():
    pairs = Pairs(["ab", "b"], ["가", "b"])
    source, target = tokenizers_for(pairs, "char")
    assert (source.symbols[4:], target.symbols[4:]) == (["b", "a"], ["b", "가"])
    one, other = tokenizers_for(pairs, "char", shared=True, max_size=6)
    assert one is other
    assert one.symbols[4:] == ["b", "a"]

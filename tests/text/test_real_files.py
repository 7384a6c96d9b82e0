"""The third-party files beside the checkout: what their README says of them is what is read."""

import pytest

from fasts2s.text import UNK, Batches, encode_pairs, read_pairs, read_texts, split, tokenizer_for, tokenizers_for

FILES = {
    "mt/cldr.en-ko.tsv.gz": ("tsv", 4_178, 0, 0, "exclamation mark"),
    "mt/cldr.en-ja.tsv.gz": ("tsv", 4_178, 0, 0, "exclamation mark"),
    "mt/cldr.en-fr.tsv.gz": ("tsv", 4_178, 0, 0, "exclamation mark"),
    "mt/kor.txt.gz": ("tsv", 3_723, 0, 0, "Go."),
    "chat/ChatbotData.csv.gz": ("csv", 11_750, 73, 0, "12시 땡!"),
    "chat/chatterbot.en.tsv.gz": ("dialogue", 1_078, 3, 0, "What is AI?"),
    "summarise/pep.abstract-title.tsv.gz": ("tsv", 682, 1, 0, "The Python Standard Library"),
}


@pytest.mark.parametrize("name", FILES)
def test_pairs_of_real_files(shared_data, name):
    kind, count, duplicates, empty, first = FILES[name]
    pairs = read_pairs(shared_data / name)
    assert (pairs.format, len(pairs), pairs.duplicates, pairs.empty) == (kind, count, duplicates, empty)
    assert pairs.sources[0].startswith(first)


@pytest.mark.parametrize("kind", ["char", "word"])
def test_french_comes_back_with_its_narrow_blanks(shared_data, kind):
    pairs = read_pairs(shared_data / "mt/cldr.en-fr.tsv.gz")
    tokenizer = tokenizer_for(kind, pairs.targets)
    rows = tokenizer.encode_all(pairs.targets)
    assert sum("\u202f" in text for text in pairs.targets) > 1_000
    assert [tokenizer.decode(rows[i]) for i in range(len(rows))] == pairs.targets


def test_korean_by_letters(shared_data):
    pairs = read_pairs(shared_data / "chat/ChatbotData.csv.gz", source_column="Q", target_column="A")
    syllables, letters = (tokenizer_for("char", pairs.targets, jamo=jamo) for jamo in (False, True))
    assert len(letters) < len(syllables) / 5
    rows = letters.encode_all(pairs.targets)
    assert [letters.decode(rows[i]) for i in range(len(rows))] == pairs.targets


def test_from_a_file_to_batches(shared_data):
    pairs = read_pairs(shared_data / "mt/cldr.en-ko.tsv.gz")
    train, valid, test = split(pairs)
    assert [len(part) for part in (train, valid, test)] == [3774, 201, 203]
    source, target = tokenizers_for(train, "word", max_size=3_000)
    rows = encode_pairs(valid, source, target)
    batches = Batches(rows, tokens=1024)
    seen = 0
    for batch in batches.epoch(0):
        for x, t, row in zip(batch.xs, batch.ts, batch.rows, strict=True):
            seen += 1
            if UNK not in x and UNK not in t:
                assert (source.decode(x), target.decode(t)) == valid[int(rows.rows[row])]
    assert seen == len(valid)


def test_texts_of_real_files(shared_data):
    lines = read_texts(shared_data / "lm/tinyshakespeare.txt.gz", keep_empty=True)
    assert (len(lines), lines.format) == (40_000, "lines")
    contexts = read_texts(shared_data / "qa/xquad.en.contexts.tsv.gz", column=2)
    assert len(contexts) == 240
    korean = read_texts(shared_data / "mt/kor.txt.gz", format="tsv", column=1)
    assert len(korean) == 3_723

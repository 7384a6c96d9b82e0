"""What is printed about pairs before a training."""

import pytest

from fasts2s.text import Pairs, Texts, statistics, tokenizer_for


def test_statistics_of_pairs():
    pairs = Pairs(["ab", "b", "abab"], ["가 나", "가", "가"], "here.tsv", duplicates=1200, empty=1)
    found = statistics(pairs, tokenizer_for("char", ["ab"]), tokenizer_for("word", ["가"]))
    source, target = found.sides
    assert (found.rows, found.duplicates, found.empty) == (3, 1200, 1)
    assert (source.distinct, source.shortest, source.median, source.longest, source.vocabulary) == (3, 1, 2, 4, 6)
    assert source.mean == pytest.approx(7 / 3)
    assert source.most == pytest.approx(3.8)
    assert (source.unknown, target.distinct, target.vocabulary) == (0, 2, 5)
    assert target.unknown == pytest.approx(1 / 4)
    lines = str(found).split("\n")
    assert lines[0] == "3 pairs from here.tsv, 1,200 duplicates left out, 1 without text passed over"
    assert " ".join(lines[1].split()) == "distinct unit shortest median mean 95 % longest vocabulary unknown"
    assert " ".join(lines[2].split()) == "source 3 char 1 2 2.3 4 4 6 0.00%"
    assert " ".join(lines[3].split()) == "target 2 word 1 1 1.3 2 2 5 25.00%"


def test_statistics_of_texts_without_a_tokenizer():
    found = statistics(Texts(["abc", "a"]))
    assert (found.sides[0].unit, found.sides[0].vocabulary, found.sides[0].longest) == ("char", 3, 3)
    assert str(found).startswith("2 texts\n")
    with pytest.raises(ValueError, match="rows is of type list, expected Pairs or Texts with at least one row"):
        statistics(["abc"])
    with pytest.raises(ValueError, match="at least one row"):
        statistics(Texts([]))

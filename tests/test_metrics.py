"""Scores: by hand, and the libraries' own where they are installed."""

import importlib
import math
import os
import sys

import numpy as np
import pytest

from fasts2s import metrics


@pytest.fixture
def library():
    """Return a function that imports a library, skips where it is absent, and fails where it is required."""

    def get(name):
        try:
            return importlib.import_module(name)
        except ImportError:
            required = "text" in os.environ.get("FASTS2S_TEST_REQUIRE", "").split(",")
            return (pytest.fail if required else pytest.skip)(f"there is no {name}: pip install 'fasts2s[text]'")

    return get


SAID = ["the cat sat on the mat", "a dog", "it is snowing today"]
RIGHT = ["the cat sat on a mat", "a dog", "today it rains"]
KOREAN = (["고양이가 앉았다", "개"], ["고양이가 누웠다", "개"])


def test_exact_match():
    assert metrics.exact_match(SAID, RIGHT) == 1 / 3
    assert metrics.exact_match([[1, 2], np.array([3, 4])], [(1, 2), [3, 5]]) == 1 / 2
    assert metrics.exact_match([["a"]], ["a"]) == 0


def test_token_accuracy_counts_what_is_missing_and_what_is_too_much():
    assert metrics.token_accuracy([[1, 2, 3]], [[1, 2, 4]]) == 2 / 3
    assert metrics.token_accuracy([[1, 2]], [[1, 2, 3, 4]]) == 1 / 2
    assert metrics.token_accuracy([[1, 2, 3, 4]], [[1, 2]]) == 1 / 2
    assert metrics.token_accuracy([[1], [2, 3]], [[1], [3, 2]]) == 1 / 3
    assert metrics.token_accuracy([[]], [[]]) == 1
    assert metrics.token_accuracy(["abc"], ["abd"]) == 2 / 3


def test_perplexity():
    assert metrics.perplexity(10 * math.log(7), 10) == pytest.approx(7)
    assert metrics.perplexity(0, 5) == 1
    assert metrics.perplexity(1e6, 1) == math.inf
    assert math.isnan(metrics.perplexity(math.nan, 1))
    with pytest.raises(ValueError, match="count is 0, expected the number of tokens, above 0"):
        metrics.perplexity(1.0, 0)


def test_bleu_is_that_of_sacrebleu(library):
    expected = library("sacrebleu").corpus_bleu(SAID, [RIGHT]).score
    assert metrics.bleu(SAID, RIGHT) == expected
    assert 0 < expected < 100
    assert metrics.bleu(SAID, SAID) == pytest.approx(100)
    several = [[right, said] for said, right in zip(SAID, RIGHT, strict=True)]
    assert metrics.bleu(SAID, several) == pytest.approx(100)
    assert metrics.bleu([s.upper() for s in SAID], RIGHT, lowercase=True) == expected
    assert metrics.bleu(*KOREAN, tokenize="char") > metrics.bleu(*KOREAN)


def test_chrf_is_that_of_sacrebleu(library):
    expected = library("sacrebleu").corpus_chrf(SAID, [RIGHT])
    assert metrics.chrf(SAID, RIGHT) == expected.score
    assert metrics.chrf(SAID, RIGHT, word_order=2) != expected.score
    assert metrics.chrf(*KOREAN) < metrics.chrf(KOREAN[1], KOREAN[1]) == pytest.approx(100)


def test_rouge_l_is_that_of_rouge_score_on_english(library):
    scorer = library("rouge_score.rouge_scorer").RougeScorer(["rougeL"])
    expected = np.mean([scorer.score(r, h)["rougeL"].fmeasure for h, r in zip(SAID, RIGHT, strict=True)])
    assert metrics.rouge_l(SAID, RIGHT) == pytest.approx(100 * expected)
    assert metrics.rouge_l(["The CAT!"], ["the cat"]) == pytest.approx(100)
    assert metrics.rouge_l(["a b"], [["x y", "a c"]]) == pytest.approx(50)


def test_rouge_l_knows_words_of_other_scripts(library):
    library("rouge_score")
    assert metrics.rouge_l(*KOREAN) == pytest.approx(75)
    assert metrics.rouge_l(["日本語"], ["日本人"]) == pytest.approx(100 * 2 / 3)
    assert metrics.rouge_l(["été"], ["été"]) == pytest.approx(100)


def test_a_tokenizer_whose_library_is_absent_names_its_command(library):
    library("sacrebleu")
    try:
        importlib.import_module("mecab_ko")
    except ImportError:
        with pytest.raises(ImportError, match=r"tokenize is 'ko-mecab': .*pip install sacrebleu\[ko\]"):
            metrics.bleu(*KOREAN, tokenize="ko-mecab")


@pytest.mark.parametrize("score", [metrics.bleu, metrics.chrf, metrics.rouge_l, metrics.exact_match])
def test_as_many_of_both(score):
    with pytest.raises(ValueError, match="hypotheses are 2, references 1, expected as many of both"):
        score(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="hypotheses are 0, references 0"):
        score([], [])


@pytest.mark.parametrize("score", [metrics.bleu, metrics.chrf, metrics.rouge_l])
def test_texts_are_wanted(score):
    with pytest.raises(ValueError, match=r"hypotheses\[1\] is 3, expected a text"):
        score(["a", 3], ["a", "b"])
    with pytest.raises(ValueError, match=r"references\[0\] is 3, expected a text"):
        score(["a"], [[3]])
    with pytest.raises(
        ValueError, match=r"references\[1\] is .*expected a text, or as many texts as references\[0\] has"
    ):
        score(["a", "b"], [["a"], ["b", "c"]])


@pytest.mark.parametrize(
    ("score", "name"), [(metrics.bleu, "sacrebleu"), (metrics.chrf, "sacrebleu"), (metrics.rouge_l, "rouge-score")]
)
def test_without_the_library_its_command_is_named(monkeypatch, score, name):
    module = {"rouge-score": "rouge_score.rouge_scorer"}.get(name, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"is computed by the library {name}, .*pip install 'fasts2s\[text\]'"):
        score(["a"], ["a"])

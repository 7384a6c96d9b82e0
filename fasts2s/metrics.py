"""Scores of answers: exact ones, tokens, perplexity; BLEU and chrF by sacrebleu, ROUGE-L by rouge-score.

Hypotheses are what a model has said, references what is right. The two libraries come with the extra `text`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias, get_args

from fasts2s import _extras
from fasts2s_kernels.checks import flag, integer, number
from fasts2s_kernels.checks.arguments import listed, one_of
from fasts2s_kernels.checks.scalars import shown

Tokenize: TypeAlias = Literal["13a", "intl", "zh", "char", "none", "ja-mecab", "ko-mecab"]

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W_]+")


def exact_match(hypotheses: Iterable[Any], references: Iterable[Any]) -> float:
    """Return the share of hypotheses that are equal to their references, from 0 to 1.

    Parameters
    ----------
    hypotheses, references : N texts each, or N rows of ids each

    Raises
    ------
    ValueError : not as many of both, or none.
    """
    pairs = _aligned(hypotheses, references)
    return sum(_plain(h) == _plain(r) for h, r in pairs) / len(pairs)


def token_accuracy(hypotheses: Iterable[Any], references: Iterable[Any]) -> float:
    """Return the share of places where both have the same token, from 0 to 1.

    A pair has as many places as the longer of the two: what is missing and what is too much is wrong.

    Parameters
    ----------
    hypotheses, references : N rows of ids or of tokens each; a text is a row of characters

    Raises
    ------
    ValueError : not as many of both, or none.
    """
    right = places = 0
    for hypothesis, reference in _aligned(hypotheses, references):
        said, wanted = _plain(hypothesis), _plain(reference)
        right += sum(a == b for a, b in zip(said, wanted, strict=False))
        places += max(len(said), len(wanted))
    return right / places if places else 1.0


def perplexity(nats: float, count: float) -> float:
    """Return exp(nats / count); infinite where that is beyond a float.

    Parameters
    ----------
    nats : sum of -log P over all tokens, in nats
    count : number of these tokens

    Raises
    ------
    ValueError : `nats` is no number, `count` not above 0.
    """
    total, tokens = number("nats", nats), number("count", count)
    if not tokens > 0:
        raise ValueError(f"count is {shown(count)}, expected the number of tokens, above 0")
    try:
        return math.exp(total / tokens)
    except OverflowError:
        return math.inf


def bleu(
    hypotheses: Iterable[str],
    references: Iterable[str] | Iterable[Sequence[str]],
    *,
    tokenize: Tokenize = "13a",
    lowercase: bool = False,
) -> float:
    """Return BLEU of a whole corpus, from 0 to 100, by sacrebleu.

    Parameters
    ----------
    hypotheses : N texts
    references : N texts, or N lists of texts that are right each
    tokenize : how sacrebleu finds words: '13a' for languages with blanks, 'zh', 'char' (for Japanese and Korean
        without more libraries), 'ja-mecab' and 'ko-mecab' (pip install 'sacrebleu[ja]' or 'sacrebleu[ko]'), 'intl',
        'none'
    lowercase : capital letters are small ones

    Raises
    ------
    ImportError : sacrebleu, or what `tokenize` needs, is not installed; names the command that does it.
    ValueError : not as many of both, or none; something that is no text.
    """
    tokenize, lower = one_of("tokenize", tokenize, get_args(Tokenize)), flag("lowercase", lowercase)
    said, wanted = _texts(hypotheses, references)
    library = _extras.need("sacrebleu", "text", "BLEU is computed")
    try:
        score = library.corpus_bleu(said, wanted, tokenize=tokenize, lowercase=lower)
    except RuntimeError as error:
        raise ImportError(f"tokenize is {tokenize!r}: {' '.join(str(error).split())}") from None
    return float(score.score)


def chrf(
    hypotheses: Iterable[str], references: Iterable[str] | Iterable[Sequence[str]], *, word_order: int = 0
) -> float:
    """Return chrF of a whole corpus, from 0 to 100, by sacrebleu. Fit for every language.

    Parameters
    ----------
    hypotheses, references : see `bleu`
    word_order : 0; 2 for chrF++

    Raises
    ------
    ImportError : sacrebleu is not installed; names the command that does it.
    ValueError : as for `bleu`; another `word_order`.
    """
    order = integer("word_order", word_order, 0)
    if order > 2:
        raise ValueError(f"word_order is {shown(order)}, expected 0, or 2 for chrF++")
    said, wanted = _texts(hypotheses, references)
    library = _extras.need("sacrebleu", "text", "chrF is computed")
    return float(library.corpus_chrf(said, wanted, word_order=order).score)


def rouge_l(hypotheses: Iterable[str], references: Iterable[str] | Iterable[Sequence[str]]) -> float:
    """Return ROUGE-L, the mean F1 of the longest common subsequence of words, from 0 to 100, by rouge-score.

    Words are small letters and digits of any script; Chinese characters and kana count each. On English text they are
    those of the library, which drops all that is not ASCII. Of several references the best one counts.

    Parameters
    ----------
    hypotheses, references : see `bleu`

    Raises
    ------
    ImportError : rouge-score is not installed; names the command that does it.
    ValueError : as for `bleu`.
    """
    said, wanted = _texts(hypotheses, references)
    library = _extras.need("rouge_score.rouge_scorer", "text", "ROUGE-L is computed")
    scorer = library.RougeScorer(["rougeL"], tokenizer=_Words())
    best = [
        max(scorer.score(reference, hypothesis)["rougeL"].fmeasure for reference in several)
        for hypothesis, several in zip(said, zip(*wanted, strict=True), strict=True)
    ]
    return float(100 * sum(best) / len(best))


class _Words:
    """What rouge-score asks for words."""

    def tokenize(self, text: str) -> list[str]:
        found: list[str] = _WORD.findall(text.lower())
        return found


def _aligned(hypotheses: Any, references: Any) -> list[tuple[Any, Any]]:
    said, wanted = listed("hypotheses", hypotheses, "answers"), listed("references", references, "answers")
    if len(said) != len(wanted) or not said:
        raise ValueError(
            f"hypotheses are {len(said)}, references {len(wanted)}, expected as many of both, and at least one"
        )
    return list(zip(said, wanted, strict=True))


def _plain(row: Any) -> str | list[Any]:
    """Return a text, or a row of an array or list as a list."""
    return row if isinstance(row, str) else [*listed("a row", row, "ids or tokens")]


def _texts(hypotheses: Any, references: Any) -> tuple[list[str], list[list[str]]]:
    """Return N hypotheses, and R lists of N references."""
    pairs = _aligned(hypotheses, references)
    several = [
        [r] if isinstance(r, str) else listed(f"references[{i}]", r, "texts") for i, (_, r) in enumerate(pairs)
    ]
    for i, (hypothesis, _) in enumerate(pairs):
        if not isinstance(hypothesis, str):
            raise ValueError(f"hypotheses[{i}] is {shown(hypothesis)}, expected a text")
        wrong = [r for r in several[i] if not isinstance(r, str)]
        if wrong or len(several[i]) != len(several[0]) or not several[i]:
            raise ValueError(
                f"references[{i}] is {shown(wrong[0]) if wrong else several[i]}, expected a text, or as many texts "
                f"as references[0] has, {len(several[0])}"
            )
    return [hypothesis for hypothesis, _ in pairs], [list(of_all) for of_all in zip(*several, strict=True)]

"""Words for what a vocabulary does not know."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fasts2s.generation._answers import Answer
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.arguments import listed


def replace_unknown(answer: Answer, words: Sequence[str], source_words: Sequence[str], unk_id: int) -> list[str]:
    """Return the words of an answer, with a word of the source in the place of each unknown one.

    It is the one that got most attention (Jean et al. 2015): a name, say, or a number.

    Parameters
    ----------
    answer : Answer
        With attention, in the order of the source, as :func:`generate` gives it.
    words : sequence of str
        Of the ids of ``answer.words``; what stands for an unknown one does not matter.
    source_words : sequence of str
        Of the source as it was typed, without padding.
    unk_id : int

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        There is an unknown word, but no attention, or no word in the source; or so many words do not go together.
    """
    if not isinstance(answer, Answer):
        raise ValueError(f"answer is a {type(answer).__name__}, expected an Answer")
    found: list[Any] = listed("words", words, "words")
    source, unk = listed("source_words", source_words, "words"), integer("unk_id", unk_id)
    ids = np.array(answer.words, np.int64)
    if len(found) != len(ids):
        raise ValueError(f"words are {len(found)}, expected {len(ids)}, as the answer has")
    unknown = np.flatnonzero(ids == unk)
    if not unknown.size:
        return found
    if answer.attention is None:
        raise ValueError(
            "answer has no attention, expected one made with attention=True by a model that has attention"
        )
    S = answer.attention.shape[1]
    if not 0 < len(source) <= S:
        raise ValueError(f"source_words are {len(source)}, expected 1 to {S}, as the attention has columns")
    for t, s in zip(unknown.tolist(), answer.attention[unknown, : len(source)].argmax(axis=1).tolist(), strict=True):
        found[t] = source[s]
    return found

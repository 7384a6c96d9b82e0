"""The book's trained weights: dates answered by AttentionSeq2seq.pkl, text written by Rnnlm.pkl."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
from data_folder import data_folder

from fasts2s.evaluation import eval_seq2seq, exact_answers
from fasts2s.generation import sample
from fasts2s.models import AttentionSeq2seq, RnnlmGen
from fasts2s.sequence import get_vocab, load_data

ROWS, TOKENS = 2000, 10_000


def dates(folder: Path) -> bool:
    """Answer date questions in one call and one by one; return whether all are right and both ways agree."""
    _, (x_test, t_test) = load_data(folder / "date.txt.gz")
    x, t = x_test[:ROWS, ::-1], t_test[:ROWS]
    model = AttentionSeq2seq(59, 16, 256)
    model.load_params(folder / "AttentionSeq2seq.pkl")
    right = exact_answers(model, x, t)
    _, id_to_char = get_vocab()
    single = np.array([eval_seq2seq(model, x[[i]], t[[i]], id_to_char) for i in range(300)], dtype=bool)
    print(f"AttentionSeq2seq.pkl: {right.sum():,} of {ROWS:,} date rows right in one call")
    print(f"                      {single.sum()} of 300 one by one; both ways agree: {(single == right[:300]).all()}")
    return bool(right.all() and (single == right[:300]).all())


def text(folder: Path) -> bool:
    """Draw words from Rnnlm.pkl, then again without the three most frequent; return whether those never appear.

    (The book skips N, <unk> and $. Which ids those are stands in the Penn Treebank, which is not here.)
    """
    model = RnnlmGen()
    model.load_params(folder / "Rnnlm.pkl")
    start = np.array([0])
    (free,) = sample(model.step, None, start, TOKENS, rng=1984)
    skip = [word for word, _ in Counter(free).most_common(3)]
    (ids,) = sample(model.step, None, start, TOKENS, rng=1984, skip_ids=skip)
    before, after = (sum(i in skip for i in drawn) for drawn in (free, ids))
    print(f"Rnnlm.pkl: {len(ids):,} words drawn, {len(set(ids)):,} different")
    print(f"           the three most frequent appear {before:,} times; skipped, {after} times")
    return len(ids) == TOKENS and before > 0 and after == 0


def main() -> int:
    """Run both; return 1 if one of them fails."""
    folder = data_folder(__doc__ or "")
    results = [dates(folder), text(folder)]
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())

"""The book's trained weights: dates answered by AttentionSeq2seq.pkl, text written by Rnnlm.pkl."""

import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from data_folder import data_folder
from suite.heading import heading

from fasts2s.bench.machine import versions
from fasts2s.evaluation import exact_answers
from fasts2s.generation import sample
from fasts2s.models import AttentionSeq2seq, RnnlmGen
from fasts2s.sequence import load_data

ROWS, TOKENS = 2000, 10_000


def dates(folder: Path) -> bool:
    """Answer date questions; return whether the first 2,000 are right and one call says what 5,000 calls say."""
    _, (x_test, t_test) = load_data(folder / "date.txt.gz")
    x, t = x_test[:, ::-1], t_test
    model = AttentionSeq2seq(59, 16, 256)
    model.load_params(folder / "AttentionSeq2seq.pkl")
    right = int(exact_answers(model, x[:ROWS], t[:ROWS]).sum())
    print(f"AttentionSeq2seq.pkl: {right:,} of {ROWS:,} date rows right")
    start, length = int(t[0, 0]), t.shape[1] - 1
    began = time.perf_counter()
    together = model.generate_batch(x, start, length)
    between = time.perf_counter()
    single = [model.generate(x[[i]], start, length) for i in range(len(x))]
    ended = time.perf_counter()
    same = sum(a == b for a, b in zip(together, single, strict=True))
    print(f"                      {same:,} of {len(x):,} answers the same in one call ({between - began:.1f} s)")
    print(f"                      and one by one ({ended - between:.1f} s)")
    return right == ROWS and same == len(x)


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
    heading("The book's trained weights", "the library's choice", versions("fasts2s"))
    results = [dates(folder), text(folder)]
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())

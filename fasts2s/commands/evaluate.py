"""``fasts2s evaluate``: scores of a trained model of pairs on a file of pairs."""

import argparse

from fasts2s.commands.answering import load, options_of
from fasts2s.commands.train_pairs import pairs_of, scores_shown
from fasts2s.text import statistics


def evaluate(a: argparse.Namespace) -> int:
    """Print statistics of the file, some answers and all scores."""
    whole = load(a.dir, a.backend)
    options = options_of(a, whole.target)
    pairs = pairs_of(a)
    print(statistics(pairs, whole.source, whole.target))
    said = whole.answers(pairs.sources, options, replace_unk=a.replace_unk)
    for (source, target), answers in list(zip(pairs, said, strict=True))[: a.examples]:
        print(f"   {source} = {answers[0].text if answers else ''} ({target})")
    best = [answers[0].text if answers else "" for answers in said]
    print(", ".join(scores_shown(whole.scores(pairs, best))))
    return 0

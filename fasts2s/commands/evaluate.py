"""``fasts2s evaluate``: scores of a trained model of pairs on a file of pairs."""

import argparse

from fasts2s.commands.answering import load, options_of
from fasts2s.commands.train_pairs import scores_shown
from fasts2s.text import read_pairs, statistics


def evaluate(a: argparse.Namespace) -> int:
    """Print statistics of the file, some answers and all scores."""
    whole = load(a.dir, a.backend)
    options = options_of(a, whole.target)
    pairs = read_pairs(
        a.file,
        format=a.format,
        source_column=a.source_column,
        target_column=a.target_column,
        encoding=a.encoding,
        target_path=a.target_file,
    )
    print(statistics(pairs, whole.source, whole.target))
    said = whole.answers(pairs.sources, options, replace_unk=a.replace_unk)
    for (source, target), answers in list(zip(pairs, said, strict=True))[: a.examples]:
        print(f"   {source} = {answers[0].text if answers else ''} ({target})")
    best = [answers[0].text if answers else "" for answers in said]
    print(", ".join(scores_shown(whole.scores(pairs, best))))
    return 0

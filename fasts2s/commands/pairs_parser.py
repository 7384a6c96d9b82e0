"""The parser of ``fasts2s train pairs``, and options that ask, evaluate and chat have too."""

import argparse
from collections.abc import Callable
from typing import Any

from fasts2s.commands.arguments import fields, from_zero, positive, share
from fasts2s.commands.text_options import add_choosing, add_encoding, add_tokens, column


def add_pairs(tasks: Any, common: Callable[..., None]) -> None:
    """Add the task; ``common`` adds what all trainings have."""
    summary = "learn from a file of pairs of texts: translations, questions and answers, anything"
    parser = tasks.add_parser("pairs", help=summary, description=summary)
    _add_data(parser)
    add_tokens(parser, lower=False, min_count=1)
    parser.add_argument("--shared-vocabulary", action="store_true", help="one vocabulary for both sides")
    parser.add_argument(
        "--target-backwards", action="store_true", help="characters: answers are written from their end"
    )
    _add_model(parser)
    common(parser, epochs=20, batch_size=64, hidden=256, lr=0.002, max_grad=5.0)
    parser.set_defaults(run=_run)


def add_reading(parser: Any) -> None:
    """Add the options that say how a file of pairs is read."""
    add = parser.add_argument
    add("file", metavar="FILE", help="pairs of texts, plain or .gz")
    add("--target-file", metavar="FILE", help="the targets, where they stand in a file of their own, line by line")
    formats = ("auto", "tsv", "csv", "jsonl", "parallel", "squad", "dialogue")
    add("--format", choices=formats, default="auto", help="of the file (from its name and first lines)")
    add("--source-column", metavar="C", type=column, default=0, help="number from 0, or name, of the sources (0)")
    add("--target-column", metavar="C", type=column, default=1, help="number from 0, or name, of the targets (1)")
    add_encoding(parser)


def _add_data(parser: Any) -> None:
    add_reading(parser)
    add = parser.add_argument
    add("--validation", metavar="X", type=share, default=0.05, help="share of sources to measure with (%(default)s)")
    add("--test", metavar="X", type=share, default=0.05, help="share of sources kept for the end (%(default)s)")
    add("--max-length", metavar="N", type=positive, default=100, help="most symbols of a text (%(default)s)")


def _add_model(parser: Any) -> None:
    add = parser.add_argument
    add("--cell", choices=("lstm", "gru", "rnn"), default="lstm", help="(%(default)s)")
    add("--layers", metavar="N", type=positive, default=1, help="of encoder and decoder (%(default)s)")
    add("--wordvec", metavar="N", type=positive, default=128, help="size of a symbol's vector (%(default)s)")
    add("--residual", action="store_true", help="add the input of layers above the first to their output")
    add("--dropout", metavar="X", type=share, default=0.2, help="share of units left out in training (%(default)s)")
    add("--variational", action="store_true", help="leave the same units out at all steps")
    add("--bidirectional", action="store_true", help="the encoder reads both ways")
    add("--reverse", action="store_true", help="the encoder reads backwards")
    add("--bridge", choices=("h", "hc"), default="hc", help="what of the encoder's state the decoder starts with")
    add("--decoder", choices=("plain", "peeky"), default="plain", help="(%(default)s)")
    add("--attention", choices=("none", "dot", "general", "additive"), default="dot", help="(%(default)s)")
    add("--input-feeding", action="store_true", help="what scores are made from is part of the next input")
    add("--tied", action="store_true", help="output weights are the word vectors of the targets")
    add("--label-smoothing", metavar="X", type=share, default=0.0, help="(%(default)s)")
    add(
        "--scheduled-sampling",
        metavar="X",
        type=share,
        default=0.0,
        help="share of own words as inputs (%(default)s)",
    )
    add("--batch-tokens", metavar="N", type=positive, default=8192, help="most symbols in a step (%(default)s)")


def add_answering(parser: Any) -> None:
    """Add the options that say how the words of answers are chosen."""
    add = add_choosing(parser)
    add("--prefix", metavar="TEXT", default="", help="what answers begin with")
    add("--max-length", metavar="N", type=positive, help="most symbols (as in training)")
    add("--coverage-penalty", metavar="X", type=from_zero, default=0.0, help="favours answers that use all words")
    add("--replace-unk", action="store_true", help="<unk> becomes the source's word with most attention")


def _run(a: argparse.Namespace) -> int:
    from fasts2s.commands.train_pairs import PairOptions, train_pairs  # noqa: PLC0415 - see train_parsers

    return train_pairs(PairOptions(**fields(a, PairOptions)))


#: What runs a task.
RUNS = {"pairs": _run}

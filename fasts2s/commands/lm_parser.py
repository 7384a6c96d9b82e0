"""The parsers of language models: ``fasts2s train lm`` and ``fasts2s generate``."""

import argparse
from collections.abc import Callable
from typing import Any

from fasts2s.commands.arguments import add_backend, fields, positive, share, whole
from fasts2s.commands.text_options import add_choosing, add_encoding, add_tokens, column


def add_lm(tasks: Any, common: Callable[..., None]) -> None:
    """Add the task; ``common`` adds what all trainings have."""
    summary = "learn the words, subwords or characters of a text, report perplexity"
    parser = tasks.add_parser("lm", help=summary, description=summary)
    add = parser.add_argument
    add("text", nargs="?", metavar="TEXT", help="file, plain or .gz (Python's own help texts)")
    formats = ("auto", "lines", "tsv", "csv", "jsonl", "squad", "dialogue")
    add("--format", choices=formats, default="auto", help="of the file (from its name and first lines)")
    add("--column", metavar="C", type=column, default=0, help="number from 0, or name, of the texts in a table (0)")
    add_encoding(parser)
    add_tokens(parser, "--level", lower=True, min_count=None)
    _add_model(parser)
    add("--time-size", metavar="N", type=positive, default=35, help="steps per gradient (%(default)s)")
    common(parser, epochs=4, batch_size=20, hidden=100, lr="20; gru 5, rnn 2", max_grad=0.25)
    parser.set_defaults(run=_run_train)


def _add_model(parser: Any) -> None:
    add = parser.add_argument
    add("--model", choices=("rnnlm", "better"), help="of the book: one LSTM, or two with tied weights (rnnlm)")
    add = parser.add_argument_group("a model of your own, instead of --model").add_argument
    add("--cell", choices=("lstm", "gru", "rnn"), help="(lstm)")
    add("--layers", metavar="N", type=positive, help="(1)")
    add("--dropout", metavar="X", type=share, help="share of units left out in training (0)")
    add("--tied", action="store_true", help="output weights are the vectors of the symbols")
    add("--wordvec", metavar="N", type=positive, help="size of a symbol's vector (as --hidden)")


def add_generate(commands: Any) -> None:
    """Add the command ``generate``."""
    summary = "write text with a trained language model"
    parser = commands.add_parser("generate", help=summary, description=summary)
    add = parser.add_argument
    add("dir", metavar="DIR", help="folder that train lm wrote")
    add("--start", required=True, metavar="TEXT", help="what the model reads first, and the text begins with")
    length = whole(1, 10**6)
    add("--length", "--max-length", metavar="N", type=length, default=100, help="most symbols written (%(default)s)")
    add("--stop", metavar="WORD", help="end with this word or character; '<eos>' is the end of a line")
    add("--skip", nargs="*", default=[], metavar="WORD", help="the same as --ban")
    add_choosing(parser, temperature=None)
    add_backend(parser)
    parser.set_defaults(run=_run_generate)


# See train_parsers.
def _run_train(a: argparse.Namespace) -> int:
    from fasts2s.commands.train_lm import LanguageModelOptions, train_lm  # noqa: PLC0415

    return train_lm(LanguageModelOptions(**fields(a, LanguageModelOptions)))


#: What runs a task.
RUNS = {"lm": _run_train}


def _run_generate(a: argparse.Namespace) -> int:
    from fasts2s.commands.generate import generate  # noqa: PLC0415

    return generate(a)

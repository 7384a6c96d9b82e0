"""What `fasts2s convert` is told."""

import argparse
from typing import Any

#: The book's models whose parameters can be all that a file holds; :data:`fasts2s.exchange._params.NAMES` has more.
_MODELS = ("simple-rnnlm", "rnnlm", "better-rnnlm", "seq2seq", "peeky-seq2seq", "attention-seq2seq")


def add_convert(commands: Any) -> None:
    """Add the sub-command."""
    summary = "write a model in another format: .npz, .safetensors, .onnx, the book's .pkl"
    parser = commands.add_parser("convert", help=summary, description=summary)
    parser.add_argument("source", metavar="IN", help="folder that train wrote, or file: .npz, .safetensors, .pkl")
    parser.add_argument("target", metavar="OUT", help="file: .npz, .safetensors, .onnx, .pkl")
    parser.add_argument("--model", choices=_MODELS, help="what a .pkl holds (found from the shapes)")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT")
    parser.set_defaults(run=_run, backend=None)


def _run(a: argparse.Namespace) -> int:
    from fasts2s.commands.convert import convert  # noqa: PLC0415 - `fasts2s --help` loads no models

    return convert(a)

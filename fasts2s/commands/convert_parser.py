"""What `fasts2s convert` is told."""

import argparse
from typing import Any

from fasts2s.commands.arguments import whole

#: The book's models whose parameters can be all that a file holds; :data:`fasts2s.exchange._params.NAMES` has more.
_MODELS = ("simple-rnnlm", "rnnlm", "better-rnnlm", "seq2seq", "peeky-seq2seq", "attention-seq2seq")


def add_convert(commands: Any) -> None:
    """Add the sub-command."""
    summary = "write a model in another format: .npz, .safetensors, .pt, .onnx, the book's .pkl"
    parser = commands.add_parser("convert", help=summary, description=summary)
    parser.add_argument(
        "source", metavar="IN", help="folder that train wrote, or file: .npz, .safetensors, .pt, .pkl"
    )
    parser.add_argument("target", metavar="OUT", help="file: .npz, .safetensors, .pt, .onnx, .pkl")
    parser.add_argument("--model", choices=_MODELS, help="what a .pkl holds (found from the shapes)")
    parser.add_argument("--reverse", action="store_true", help="a .pkl: the encoder reads backwards")
    parser.add_argument(
        "--pad-id", metavar="ID", type=whole(0, 2**31 - 1), help="a .pkl: padding is no symbol, but ID"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace OUT")
    parser.set_defaults(run=_run, backend=None)


def _run(a: argparse.Namespace) -> int:
    from fasts2s.commands.convert import convert  # noqa: PLC0415 - `fasts2s --help` loads no models

    return convert(a)

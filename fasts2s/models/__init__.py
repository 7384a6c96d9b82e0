"""The book's models of chapters 5 to 8, and one for any pairs of sequences.

Letters: N batch, T time steps, D word vector, H hidden units, V vocabulary.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fasts2s.models.attention_seq2seq import AttentionDecoder, AttentionEncoder, AttentionSeq2seq
from fasts2s.models.base_model import BaseModel
from fasts2s.models.peeky_seq2seq import PeekyDecoder, PeekySeq2seq
from fasts2s.models.rnnlm import BetterRnnlm, BetterRnnlmGen, Rnnlm, RnnlmGen, SimpleRnnlm, StackedRnnlm
from fasts2s.models.seq2seq import Decoder, Encoder, Seq2seq

if TYPE_CHECKING:
    from fasts2s.models.encoder_decoder import (
        EncoderDecoder,
        EncoderDecoderSettings,
        FrameEncoderDecoder,
        Frames,
        PictureEncoderDecoder,
    )
    from fasts2s.models.storage import load_model, save_model
    from fasts2s.models.turing import NeuralTuringMachine, Watched

__all__ = [
    "AttentionDecoder",
    "AttentionEncoder",
    "AttentionSeq2seq",
    "BaseModel",
    "BetterRnnlm",
    "BetterRnnlmGen",
    "Decoder",
    "Encoder",
    "EncoderDecoder",
    "EncoderDecoderSettings",
    "FrameEncoderDecoder",
    "Frames",
    "NeuralTuringMachine",
    "PeekyDecoder",
    "PeekySeq2seq",
    "PictureEncoderDecoder",
    "Rnnlm",
    "RnnlmGen",
    "Seq2seq",
    "SimpleRnnlm",
    "StackedRnnlm",
    "Watched",
    "load_model",
    "save_model",
]

#: What is no model of the book's -> the module that it is imported from when it is first asked for.
_LATER = {
    **dict.fromkeys(("EncoderDecoder", "EncoderDecoderSettings"), "encoder_decoder"),
    **dict.fromkeys(("FrameEncoderDecoder", "Frames", "PictureEncoderDecoder"), "encoder_decoder"),
    **dict.fromkeys(("NeuralTuringMachine", "Watched"), "turing"),
    **dict.fromkeys(("load_model", "save_model"), "storage"),
}


def __getattr__(name: str) -> Any:
    """Import what is no model of the book's when it is first asked for: the book's scripts start sooner."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"fasts2s.models.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})

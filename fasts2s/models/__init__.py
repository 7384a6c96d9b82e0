"""The book's models of chapters 5 to 8, and one for any pairs of sequences.

Letters: N batch, T time steps, D word vector, H hidden units, V vocabulary.
"""

from fasts2s.models.attention_seq2seq import AttentionDecoder, AttentionEncoder, AttentionSeq2seq
from fasts2s.models.base_model import BaseModel
from fasts2s.models.encoder_decoder import (
    EncoderDecoder,
    EncoderDecoderSettings,
    FrameEncoderDecoder,
    Frames,
    PictureEncoderDecoder,
)
from fasts2s.models.peeky_seq2seq import PeekyDecoder, PeekySeq2seq
from fasts2s.models.rnnlm import BetterRnnlm, BetterRnnlmGen, Rnnlm, RnnlmGen, SimpleRnnlm, StackedRnnlm
from fasts2s.models.seq2seq import Decoder, Encoder, Seq2seq
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

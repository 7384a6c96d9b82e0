"""Encoder-decoder models for any pairs of sequences: one class, many options; sources are words, frames, pictures."""

from fasts2s.models.encoder_decoder._decoder import DecoderState
from fasts2s.models.encoder_decoder._frames import FrameEncoderDecoder, Frames
from fasts2s.models.encoder_decoder._pictures import PictureEncoderDecoder
from fasts2s.models.encoder_decoder.model import EncoderDecoder
from fasts2s.models.encoder_decoder.settings import PAD, EncoderDecoderSettings

__all__ = [
    "PAD",
    "DecoderState",
    "EncoderDecoder",
    "EncoderDecoderSettings",
    "FrameEncoderDecoder",
    "Frames",
    "PictureEncoderDecoder",
]

"""Encoder-decoder models for any pairs of sequences: one class, many options."""

from fasts2s.models.encoder_decoder._decoder import DecoderState
from fasts2s.models.encoder_decoder.model import PAD, EncoderDecoder
from fasts2s.models.encoder_decoder.settings import EncoderDecoderSettings

__all__ = ["PAD", "DecoderState", "EncoderDecoder", "EncoderDecoderSettings"]

"""What is replaced by what, of the models of chapters 7 and 8; imported when the first of them is met."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fasts2s.dropin.book import models as book
from fasts2s.dropin.replace.targets import Method, Target, methods_of
from fasts2s.layers._embedded_lstm import EmbeddedLSTM
from fasts2s.models.attention_seq2seq import AttentionDecoder, AttentionEncoder
from fasts2s.models.peeky_seq2seq import PeekyDecoder
from fasts2s.models.seq2seq import Decoder, Encoder


def _model(ours: type, home: str, ready: Callable[[Any], str], *made_of: str, **more: Method) -> Target:
    more_left = ("attention.attention_weights",) if "attention" in made_of else ()
    methods = methods_of(ours, "forward", "backward") | more
    owed, widened = (("hs",), ()) if ours is Encoder else ((), ("lstm.dh",))
    return Target(
        ours.__name__, home, methods, ready=ready, parts=(EmbeddedLSTM, "embed", "lstm"), copies=True, owed=owed,
        widened=widened,
        read_back=("lstm.c", *more_left), made_of=("embed", "lstm", *made_of), layers=("embed", "lstm", *made_of),
        state_of_parts=("lstm.h", "lstm.c", *more_left), keeps_weights=("lstm",),
    )  # fmt: skip


_ALL = (
    _model(Encoder, "seq2seq", book.encoder_ready),
    replace(_model(Decoder, "seq2seq", book.decoder_ready, "affine", generate=book.decoder_generate), plain_ids=True),
    _model(
        PeekyDecoder,
        "peeky_seq2seq",
        book.decoder_ready,
        "affine",
        forward=book.peeky_forward,
        generate=book.decoder_generate,
    ),
    _model(AttentionEncoder, "attention_seq2seq", book.encoder_ready),
    _model(
        AttentionDecoder,
        "attention_seq2seq",
        book.decoder_ready,
        "attention",
        "affine",
        generate=book.decoder_generate,
    ),
    Target(
        "Seq2seq",
        "seq2seq",
        {"generate": book.seq2seq_generate},
        ready=book.seq2seq_ready,
        layers=("encoder.embed", "encoder.lstm", "decoder.embed", "decoder.lstm", "decoder.affine"),
    ),
    *(
        Target(name, "rnnlm_gen", {"generate": book.rnnlm_generate}, needs_no_kernels=True)
        for name in ("RnnlmGen", "BetterRnnlmGen")
    ),
)
#: Name of a class -> what is put in its place.
MODELS = {target.name: target for target in _ALL}

"""What a model computes, in words: torch modules and graphs in ONNX are built from it."""

from typing import Any, NamedTuple

from fasts2s.models import (
    AttentionSeq2seq,
    BetterRnnlm,
    BetterRnnlmGen,
    EncoderDecoder,
    PeekySeq2seq,
    Rnnlm,
    RnnlmGen,
    Seq2seq,
    SimpleRnnlm,
    StackedRnnlm,
)

LANGUAGE_MODELS = (SimpleRnnlm, StackedRnnlm, Rnnlm, BetterRnnlm, RnnlmGen, BetterRnnlmGen)
BOOK_SEQ2SEQ = (Seq2seq, PeekySeq2seq, AttentionSeq2seq)


class Form(NamedTuple):
    """Sizes and options of a model, as in :class:`fasts2s.models.EncoderDecoderSettings`.

    Attributes
    ----------
    source_size : int
        0 for a language model: it has no encoder.
    is_joined : bool
        Whether context and h become ``tanh((context, h) W)``; the book's attention only puts them side by side.
    pad : int or None
        Id of the source that is not read.
    """

    source_size: int
    target_size: int
    wordvec_size: int
    hidden_size: int
    cell: str = "lstm"
    layers: int = 1
    residual: bool = False
    bidirectional: bool = False
    reverse: bool = False
    bridge: str = "h"
    peeky: bool = False
    attention: str = "none"
    is_joined: bool = False
    joined_size: int = 0
    input_feeding: bool = False
    tied: bool = False
    dropout: float = 0.0
    variational: bool = False
    pad: int | None = None

    @property
    def out_size(self) -> int:
        """Width of what scores are made from, without what a peeky decoder puts before it."""
        if self.attention == "none":
            return self.hidden_size
        return self.joined_size if self.is_joined else 2 * self.hidden_size

    @property
    def fed_size(self) -> int:
        """Width of what is fed back into the input."""
        return self.out_size if self.input_feeding else 0

    @property
    def encoder_inputs(self) -> list[int]:
        """Input widths of the encoder's layers."""
        return [self.wordvec_size, *[self.hidden_size] * (self.layers - 1)]

    @property
    def decoder_inputs(self) -> list[int]:
        """Input widths of the decoder's layers, or of a language model's."""
        peeked = self.hidden_size if self.peeky else 0
        return [peeked + self.wordvec_size + self.fed_size, *[self.hidden_size] * (self.layers - 1)]


def form_of(model: Any) -> Form:
    """Return what a model computes. Raises ValueError for one of another class."""
    kind, config = type(model), dict(getattr(model, "config", {}))
    if kind in LANGUAGE_MODELS:
        return _language_model(kind, config)
    if kind in BOOK_SEQ2SEQ:
        V = config["vocab_size"]
        attention = "dot" if kind is AttentionSeq2seq else "none"
        return Form(
            V, V, config["wordvec_size"], config["hidden_size"], reverse=model.reverse, pad=model.pad_id,
            peeky=kind is PeekySeq2seq, attention=attention,
        )  # fmt: skip
    if kind is EncoderDecoder:
        s = model.settings
        same: dict[str, Any] = {name: getattr(s, name) for name in Form._fields if hasattr(s, name)}
        return Form(**same, peeky=s.decoder == "peeky", is_joined=s.attention != "none", pad=0)
    known = (*LANGUAGE_MODELS, *BOOK_SEQ2SEQ, EncoderDecoder)
    raise ValueError(f"model is a {kind.__name__}, expected one of {', '.join(k.__name__ for k in known)}")


def _language_model(kind: Any, config: dict[str, Any]) -> Form:
    options: dict[str, Any] = {name: config[name] for name in ("cell", "layers", "tied") if name in config}
    if kind is SimpleRnnlm:
        options = {"cell": "rnn"}
    if kind in (BetterRnnlm, BetterRnnlmGen):
        options = {"layers": 2, "tied": True}
    sizes = (config["vocab_size"], config["wordvec_size"], config["hidden_size"])
    return Form(0, *sizes, dropout=config.get("dropout_ratio", 0.0), **options)

"""What a model computes, in words: torch modules and graphs in ONNX are built from it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fasts2s.models import (
    AttentionSeq2seq,
    BetterRnnlm,
    BetterRnnlmGen,
    EncoderDecoder,
    EncoderDecoderSettings,
    PeekySeq2seq,
    Rnnlm,
    RnnlmGen,
    Seq2seq,
    SimpleRnnlm,
    StackedRnnlm,
)

LANGUAGE_MODELS = (SimpleRnnlm, StackedRnnlm, Rnnlm, BetterRnnlm, RnnlmGen, BetterRnnlmGen)
BOOK_SEQ2SEQ = (Seq2seq, PeekySeq2seq, AttentionSeq2seq)
_GATES = {"lstm": 4, "gru": 3, "rnn": 1}


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

    def shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of all parameters, in the order of ``model.params``."""
        V, D, H, n = self.target_size, self.wordvec_size, self.hidden_size, _GATES[self.cell]

        def layers(inputs: list[int], H: int, ways: int) -> list[tuple[int, ...]]:
            return [shape for D in inputs for shape in [(D, n * H), (H, n * H), (n * H,)] * ways]

        found: list[tuple[int, ...]] = []
        if self.source_size:
            ways = 2 if self.bidirectional else 1
            found = [(self.source_size, D), *layers(self.encoder_inputs, H // ways, ways)]
        found += [(V, D), *layers(self.decoder_inputs, H, 1)]
        if self.attention in {"general", "additive"}:
            found += [(H, H)] if self.attention == "general" else [(H, H), (H,), (H, H), (H,)]
        found += [(2 * H, self.joined_size)] if self.is_joined else []
        return [*found, (self.out_size + (H if self.peeky else 0), V), (V,)]


def form_of(model: Any) -> Form:
    """Return what a model computes.

    Raises ValueError for one of another class, and for one whose parameters are no longer those of its class.
    """
    form = form_for(type(model), getattr(model, "config", {}))
    if type(model) in BOOK_SEQ2SEQ:
        form = form._replace(reverse=model.reverse, pad=model.pad_id)
    came = [tuple(p.shape) for p in model.params]
    if came != form.shapes():
        raise ValueError(
            f"the model has parameters of shapes {came}, expected those of {type(model).__name__}: {form.shapes()}"
        )
    return form


def form_for(kind: Any, config: Mapping[str, Any]) -> Form:
    """Return what models of a class and with these arguments compute. Raises ValueError for another class."""
    if kind in LANGUAGE_MODELS:
        return _language_model(kind, config)
    if kind in BOOK_SEQ2SEQ:
        V = config["vocab_size"]
        attention = "dot" if kind is AttentionSeq2seq else "none"
        return Form(
            V, V, config["wordvec_size"], config["hidden_size"], peeky=kind is PeekySeq2seq, attention=attention
        )
    if kind is EncoderDecoder:
        s = EncoderDecoderSettings(**config)
        same: dict[str, Any] = {name: getattr(s, name) for name in Form._fields if hasattr(s, name)}
        return Form(**same, peeky=s.decoder == "peeky", is_joined=s.attention != "none", pad=0)
    known = (*LANGUAGE_MODELS, *BOOK_SEQ2SEQ, EncoderDecoder)
    raise ValueError(f"model is a {kind.__name__}, expected one of {', '.join(k.__name__ for k in known)}")


def _language_model(kind: Any, config: Mapping[str, Any]) -> Form:
    options: dict[str, Any] = {name: config[name] for name in ("cell", "layers", "tied") if name in config}
    if kind is SimpleRnnlm:
        options = {"cell": "rnn"}
    if kind in (BetterRnnlm, BetterRnnlmGen):
        options = {"layers": 2, "tied": True}
    sizes = (config["vocab_size"], config["wordvec_size"], config["hidden_size"])
    return Form(0, *sizes, dropout=config.get("dropout_ratio", 0.0), **options)

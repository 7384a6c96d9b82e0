"""What an encoder-decoder model is made of, in words and numbers."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from fasts2s.initial_weights import require_layers
from fasts2s_kernels.checks import flag, integer
from fasts2s_kernels.checks.arguments import one_of
from fasts2s_kernels.checks.scalars import bounded

#: Id of padding in sources and targets: never read, never counted.
PAD = 0

Cell: TypeAlias = Literal["lstm", "gru", "rnn"]
Bridge: TypeAlias = Literal["h", "hc"]
DecoderKind: TypeAlias = Literal["plain", "peeky"]
AttentionKind: TypeAlias = Literal["none", "dot", "general", "additive"]

_CHOICES: dict[str, tuple[str, ...]] = {
    "cell": ("lstm", "gru", "rnn"),
    "bridge": ("h", "hc"),
    "decoder": ("plain", "peeky"),
    "attention": ("none", "dot", "general", "additive"),
}
_SIZES = ("source_size", "target_size", "wordvec_size", "hidden_size")
_FLAGS = ("residual", "variational", "bidirectional", "reverse", "input_feeding", "tied")
_SHARES = ("dropout", "label_smoothing", "scheduled_sampling")


@dataclass(frozen=True)
class EncoderDecoderSettings:
    """Sizes and options of :class:`fasts2s.models.EncoderDecoder`.

    Attributes
    ----------
    source_size, target_size : int
        Vocabularies V_s and V_t.
    wordvec_size, hidden_size : int
        D and H. A bidirectional encoder has H / 2 units in each direction.
    cell : "lstm", "gru" or "rnn"
        Hochreiter and Schmidhuber 1997; Cho et al. 2014; Elman 1990.
    layers : int
        Recurrent layers of the encoder, and of the decoder.
    residual : bool
        Add the input of every layer but the first to its output (Wu et al. 2016).
    dropout : float
        Share of the elements that is dropped in training: of word vectors, between layers, and before the output
        (Zaremba et al. 2014).
    variational : bool
        Drop the same elements at all time steps of a sequence (Gal and Ghahramani 2016).
    bidirectional : bool
        The encoder reads both ways (Schuster and Paliwal 1997).
    reverse : bool
        The encoder reads the source backwards (Sutskever et al. 2014; the book, section 7.3).
    bridge : "hc" or "h"
        What the decoder starts with: h and c of the encoder, or h alone, as in the book. Cells without c: the same.
    decoder : "plain" or "peeky"
        Peeky looks at the encoder's last h at every step (Cho et al. 2014; the book, section 7.3).
    attention : "none", "dot", "general" or "additive"
        Score of Luong et al. 2015 (the first two) or Bahdanau et al. 2015. Context and h are joined to
        ``tanh((context, h) W)``, from which the scores are made (Luong et al. 2015).
    input_feeding : bool
        What the scores were made from is part of the next input (Luong et al. 2015). Needs attention; steps can no
        longer be computed together, so training takes longer.
    tied : bool
        The output's weights are the target's word vectors (Press and Wolf 2017).
    label_smoothing : float
        Share of a label's weight that is spread over all words (Szegedy et al. 2016).
    scheduled_sampling : float
        In training, share of the decoder's inputs that are the model's own best words instead of the right ones
        (Bengio et al. 2015), both passes in parallel (Duckworth et al. 2019).

    Raises
    ------
    ValueError
        A value of the wrong kind, or two that do not go together.
    """

    source_size: int
    target_size: int
    wordvec_size: int = 128
    hidden_size: int = 256
    cell: Cell = "lstm"
    layers: int = 1
    residual: bool = False
    dropout: float = 0.0
    variational: bool = False
    bidirectional: bool = False
    reverse: bool = False
    bridge: Bridge = "hc"
    decoder: DecoderKind = "plain"
    attention: AttentionKind = "dot"
    input_feeding: bool = False
    tied: bool = False
    label_smoothing: float = 0.0
    scheduled_sampling: float = 0.0

    def __post_init__(self) -> None:
        """Check every value, and those that depend on one another."""
        checked: dict[str, Any] = {name: integer(name, getattr(self, name), 1) for name in _SIZES}
        checked["layers"] = require_layers(self.layers)
        checked |= {name: one_of(name, getattr(self, name), known) for name, known in _CHOICES.items()}
        checked |= {name: flag(name, getattr(self, name)) for name in _FLAGS}
        checked |= {name: bounded(name, getattr(self, name), 0.1, below=1) for name in _SHARES}
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        self._require_fitting()

    def _require_fitting(self) -> None:
        if self.input_feeding and self.attention == "none":
            raise ValueError("input_feeding is True and attention 'none', expected attention: its output is fed")
        if self.bidirectional and self.hidden_size % 2:
            raise ValueError(f"hidden_size is {self.hidden_size}, expected an even number: half for each direction")
        if self.bidirectional and self.reverse:
            raise ValueError("bidirectional and reverse are both True, expected one: it reads both ways already")
        if self.tied and self.decoder == "peeky":
            raise ValueError(
                "tied is True and decoder 'peeky', expected one of them: the output of a peeky decoder sees the "
                "encoder's h too, so its weights are no word vectors"
            )
        if self.tied and self.attention == "none" and self.wordvec_size != self.hidden_size:
            raise ValueError(
                f"wordvec_size is {self.wordvec_size} and hidden_size {self.hidden_size}, expected the same number, "
                "or attention, where tied is True: the output's weights are the word vectors"
            )

    @property
    def joined_size(self) -> int:
        """Width of what scores are made from where there is attention: H, or D where weights are tied."""
        return self.wordvec_size if self.tied else self.hidden_size

    def as_dict(self) -> dict[str, Any]:
        """Return the settings by name, as :class:`EncoderDecoderSettings` takes them."""
        return asdict(self)

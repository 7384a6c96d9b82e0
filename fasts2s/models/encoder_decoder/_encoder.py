"""The encoder: word vectors, then recurrent layers that read the source."""

from typing import Any, NamedTuple

from fasts2s import initial_weights as init
from fasts2s.backend import Backend
from fasts2s.layers import TimeEmbedding
from fasts2s.models.base_model import id_matrix
from fasts2s.models.encoder_decoder._dropout import Dropper, dropped
from fasts2s.models.encoder_decoder._recurrent import Bidirectional, Recurrent, State, no_state
from fasts2s.models.encoder_decoder._stack import Stack
from fasts2s.models.encoder_decoder.settings import PAD, EncoderDecoderSettings
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import beside


class Read(NamedTuple):
    """A source as the encoder has read it.

    Attributes
    ----------
    hs : (N, S, H)
        Output of the last layer, in the order of reading.
    mask : (N, S) bool
        False on padding.
    states : list of (h, c) or (h,)
        Of every layer after the last word, each (N, H).
    """

    hs: Array
    mask: Array
    states: list[State]


class Encoder:
    """Parameters: word vectors (V_s, D), then those of the layers, of which a bidirectional one has two."""

    def __init__(self, settings: EncoderDecoderSettings, backend: Backend) -> None:
        s = settings
        self.settings = s
        self.embed: Any = self._below(backend)
        kind = Bidirectional if s.bidirectional else Recurrent
        inputs = [s.wordvec_size, *[s.hidden_size] * (s.layers - 1)]
        self.stack = Stack([kind(s.cell, D, s.hidden_size, backend) for D in inputs], s.residual)
        self.params = self.embed.params + self.stack.params
        self.grads = self.embed.grads + self.stack.grads

    def _below(self, backend: Backend) -> Any:
        """Return the layer that makes vectors (N, S, D) of sources."""
        V, D = self.settings.source_size, self.settings.wordvec_size
        return TimeEmbedding(init.word_vectors(V, D, backend), backend=backend)

    @property
    def parts(self) -> list[Any]:
        """The layers that keep something between forward and backward."""
        return [self.embed]

    def checked(self, xs: Any) -> tuple[Array, Array]:
        """Return sources (N, S) as ids, and their mask (N, S). Raises ValueError."""
        ids = id_matrix("xs", xs)
        if ids.shape[1] < 1:
            raise ValueError(f"xs has shape {ids.shape}, expected (N, S) with S >= 1")
        return ids, beside(self.embed.params[0], ids != PAD)

    def named_layers(self) -> list[tuple[str, Any]]:
        """Return (name, layer) for every layer with parameters."""
        both = "bidirectional " if self.settings.bidirectional else ""
        kind = both + self.settings.cell.upper()
        below = [(f"encoder {type(self.embed).__name__}", self.embed)] if self.embed.params else []
        return [*below, *((f"encoder {kind} {k}", layer) for k, layer in enumerate(self.stack.layers, start=1))]

    def forward(self, xs: Array, mask: Array, dropper: Dropper, train: bool) -> tuple[Read, Any]:
        """xs (N, S) ids, mask (N, S) bool, False on padding -> what was read, cache."""
        (N, S), s = xs.shape[:2], self.settings
        if s.reverse:
            xs, mask = xs[:, ::-1], mask[:, ::-1]
        vectors = self.embed.forward(xs)
        drop = dropper.draw(vectors, (N, S, s.wordvec_size), train)
        drops = self.stack.draw(dropper, vectors, (N, S, s.hidden_size), train)
        first = [no_state(s.cell)] * s.layers
        hs, states, caches = self.stack.forward(dropped(vectors, drop), first, drops, mask=mask)
        return Read(hs, mask, states), (caches, drop, drops)

    def backward(self, dhs: Array | None, dstates: list[State], cache: Any) -> None:
        """Compute all gradients from dhs (N, S, H), or None, and those of the last states."""
        caches, drop, drops = cache
        dvectors, _, _ = self.stack.backward(dhs, dstates, caches, drops)
        self.embed.backward(dropped(dvectors, drop))

"""A decoder that sees the encoder's h at every step. Source: the book, section 7.4; Cho et al. 2014."""

from typing import Any

from fasts2s import initial_weights as init
from fasts2s.backend import Backend, BackendLike, get_backend
from fasts2s.layers import TimeAffine, TimeEmbedding, TimeLSTM
from fasts2s.layers._embedded_lstm import EmbeddedLSTM
from fasts2s.layers._transaction import all_or_nothing
from fasts2s.models.base_model import id_matrix
from fasts2s.models.seq2seq import Encoder, Seq2seq, generate_one
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks.arguments import parts
from fasts2s_kernels.checks.either import as_float, saved, weight
from fasts2s_kernels.ops.affine import with_constant
from fasts2s_kernels.quiet import quiet


class PeekyDecoder:
    """Decoder whose LSTM and affine layer both get h beside their input, (h, x) and (h, hidden state).

    h does not change over time, so ``(h, x) Wx`` is ``h Wx_h + x Wx_x``: the first part is computed once per sequence
    and added at every step. Same results as with the concatenated input, up to the order of sums.

    Parameters: embedding, Wx (H + D, 4H), Wh, b, affine W (2H, V), b.
    """

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, *, backend: BackendLike | None = None
    ) -> None:
        V, D, H = init.require_sizes(vocab_size=vocab_size, wordvec_size=wordvec_size, hidden_size=hidden_size)
        be = get_backend(backend)
        self.backend = be
        self.embed = TimeEmbedding(init.embedding(V, D, be), backend=be)
        self.lstm = TimeLSTM(*init.recurrent(4, H + D, H, be), stateful=True, backend=be)
        self.affine = TimeAffine(*init.affine(H + H, V, be), backend=be)
        self.params = self.embed.params + self.lstm.params + self.affine.params
        self.grads = self.embed.grads + self.lstm.grads + self.affine.grads
        self.cache: int | None = None  # H, after forward
        self._cache: Any = None
        self._reader = EmbeddedLSTM(self.embed, self.lstm)

    def forward(self, xs: AnyArray, h: AnyArray, mask: AnyArray | None = None) -> Array:
        """xs : (N, T) ids, h : (N, H) -> scores (N, T, V). mask, of the source, has no part here."""
        h, xs = weight("h", h, "(N, H)", 2), id_matrix("xs", xs)
        N, H = xs.shape[0], h.shape[1]
        if h.shape[0] != N:
            raise ValueError(f"h has shape {h.shape}, expected (N, H) with N = {N}, as many rows as xs")
        kernels = self.backend.kernels_for(h, self.embed.W)
        with all_or_nothing([self._reader, self.lstm]):
            hs = self._reader.forward(xs, h0=h, constant=h)
            score = with_constant.forward(kernels, h, hs, *self.affine.params)
        self._cache, self.cache = (h.copy(), hs), H  # it was repeated, so to speak: later changes do not matter
        return score

    @quiet
    def backward(self, dscore: AnyArray) -> Array:
        """dscore : (N, T, V) -> dh (N, H); computes all gradients. Raises ValueError."""
        h, hs = saved(self._cache)
        W, (dW, db) = weight("W", self.affine.params[0], "(2H, V)", 2), self.affine.grads
        dscore = as_float("dscore", dscore, W.dtype, (*hs.shape[:2], W.shape[1]), "(N, T, V)")
        kernels = self.backend.kernels_for(dscore, W)
        dh, dhs = with_constant.backward(kernels, dscore, h, hs, W, dW=dW, db=db)
        dh0, dconstant = self._reader.backward(dhs)
        dh += dh0
        dh += dconstant
        return dh

    def start(self, h: AnyArray, mask: AnyArray | None = None) -> Any:
        """Return the state before the first step, from h (N, H); for :mod:`fasts2s.generation`."""
        kernels, h = self.backend.kernels_for(self.embed.W), weight("h", h, "(N, H)", 2)
        return h, None, self._reader.of_constant(h), with_constant.bias(kernels, h, *self.affine.params)

    def step(self, ids: AnyArray, state: Any) -> tuple[Array, Any]:
        """One step: ids (N,), state -> scores (N, V), next state. The layers' own state is not touched."""
        h, c, row_bias, score_bias = parts("state", state, 4, "start() or the last step()")
        h, c = self._reader.step(ids, h, c, row_bias)
        kernels, W = self.backend.kernels_for(self.embed.W), self.affine.params[0]
        return with_constant.step(kernels, h, W, score_bias), (h, c, row_bias, score_bias)

    def answer(self, h: AnyArray, start_ids: AnyArray, length: int, mask: AnyArray | None = None) -> Array:
        """h : (N, H), start_ids : (N,) -> the best ids (N, length), -1 where the best score is not finite."""
        return self._reader.answer(self.affine, start_ids, length, h, constant=weight("h", h, "(N, H)", 2))

    def generate(self, h: AnyArray, start_id: int, sample_size: int) -> list[int]:
        """h : (1, H) -> sample_size ids, each the best after the last. Raises ValueError, IndexError."""
        return generate_one(self, weight("h", h, "(1, H)", 2), start_id, sample_size)


class PeekySeq2seq(Seq2seq):
    """Seq2seq with a PeekyDecoder. Arguments: see :class:`Seq2seq`."""

    def _parts(self, V: int, D: int, H: int, backend: Backend) -> tuple[Any, Any]:
        return Encoder(V, D, H, backend=backend), PeekyDecoder(V, D, H, backend=backend)

"""A decoder that sees the encoder's h at every step. Source: the book, section 7.4; Cho et al. 2014."""

from typing import Any

from fasts2s import initial_weights as init
from fasts2s.backend import Backend, BackendLike, get_backend
from fasts2s.layers import TimeAffine, TimeEmbedding, TimeLSTM
from fasts2s.layers.transaction import all_or_nothing
from fasts2s.models._embedded_lstm import EmbeddedLSTM
from fasts2s.models.base_model import id_matrix
from fasts2s.models.seq2seq import Encoder, Seq2seq, generate_one
from fasts2s_kernels.arguments import parts
from fasts2s_kernels.contract import AnyArray, Array
from fasts2s_kernels.either import as_float, buffer, saved, weight
from fasts2s_kernels.quiet import quiet


def _split(decoder: Any, H: int) -> tuple[Array, ...]:
    """Return the weights as Wx_h, Wx_x, Wh, b, W_h, W_x, b: rows that meet h, rows that meet the rest."""
    Wx, Wh, b = decoder.lstm.params
    W, bias = decoder.affine.params
    Wx, W = weight("Wx", Wx, "(H + D, 4H)", 2), weight("W", W, "(2H, V)", 2)
    return Wx[:H], Wx[H:], Wh, b, W[:H], W[H:], bias


def _constants(decoder: Any, h: Array) -> tuple[Array, Array]:
    """Return what h (N, H) adds to every step: row_bias (N, 4H) and score_bias (N, V)."""
    kernels = decoder.backend.kernels_for(decoder.embed.W)
    Wx_h, _, _, _, W_h, _, bias = _split(decoder, decoder.lstm.params[1].shape[0])
    return kernels.affine_forward(h, Wx_h, None), kernels.affine_forward(h, W_h, bias)


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
        Wx_h, _, _, _, W_h, W_x, bias = _split(self, H)
        with all_or_nothing([self._reader, self.lstm]):
            row_bias = kernels.affine_forward(h, Wx_h, None)
            hs = self._reader.forward(xs, h0=h, row_bias=row_bias, skip=H)
            rows = hs.reshape(-1, H)
            score = kernels.affine_forward(rows, W_x, None).reshape(*xs.shape, W_x.shape[1])
            score += kernels.affine_forward(h, W_h, bias)[:, None, :]
        self._cache, self.cache = (h.copy(), rows), H  # it was repeated, so to speak: later changes do not matter
        return score

    @quiet
    def backward(self, dscore: AnyArray) -> Array:
        """dscore : (N, T, V) -> dh (N, H); computes all gradients. Raises ValueError."""
        h, rows = saved(self._cache)
        (N, H), R = h.shape, rows.shape[0]
        T = R // N if N else 0
        Wx_h, _, _, _, W_h, W_x, _ = _split(self, H)
        kernels, V = self.backend.kernels_for(dscore, W_x), W_x.shape[1]
        dscore = as_float("dscore", dscore, W_x.dtype, (N, T, V), "(N, T, V)")
        dWx, (dW, dbias) = self.lstm.grads[0], self.affine.grads
        dW = buffer("dW", dW, self.affine.params[0], "(2H, V)")
        dWx = buffer("dWx", dWx, self.lstm.params[0], "(H + D, 4H)")
        dhs = kernels.affine_backward(dscore.reshape(R, V), rows, W_x, dW=dW[H:], db=dbias)
        dh = kernels.affine_backward(dscore.sum(axis=1), h, W_h, dW=dW[:H], db=None)
        dh0, drow = self._reader.backward(dhs.reshape(N, T, H))
        dh += dh0
        dh += kernels.affine_backward(drow, h, Wx_h, dW=dWx[:H], db=None)
        return dh

    def start(self, h: AnyArray, mask: AnyArray | None = None) -> Any:
        """Return the state before the first step, from h (N, H); for :mod:`fasts2s.generation`."""
        return h, None, *_constants(self, h)

    def step(self, ids: AnyArray, state: Any) -> tuple[Array, Any]:
        """One step: ids (N,), state -> scores (N, V), next state. The layers' own state is not touched."""
        kernels = self.backend.kernels_for(self.embed.W)
        h, c, row_bias, score_bias = parts("state", state, 4, "start() or the last step()")
        _, Wx_x, Wh, b, _, W_x, _ = _split(self, h.shape[1])
        x = kernels.embedding_forward(self.embed.W, ids)
        h, c = kernels.lstm_step(x, Wx_x, Wh, b, h=h, c=c, row_bias=row_bias)
        return kernels.affine_forward(h, W_x, None) + score_bias, (h, c, row_bias, score_bias)

    def answer(self, h: AnyArray, start_ids: AnyArray, length: int, mask: AnyArray | None = None) -> Array:
        """h : (N, H), start_ids : (N,) -> the best ids (N, length), -1 where the best score is not finite."""
        kernels = self.backend.kernels_for(self.embed.W)
        row_bias, score_bias = _constants(self, h)
        _, Wx_x, Wh, b, _, W_x, _ = _split(self, h.shape[1])
        return kernels.lstm_greedy(
            self.embed.W, start_ids, length, Wx_x, Wh, b, W_x, None, h=h, row_bias=row_bias, score_bias=score_bias
        )

    def generate(self, h: AnyArray, start_id: int, sample_size: int) -> list[int]:
        """h : (1, H) -> sample_size ids, each the best after the last. Raises ValueError, IndexError."""
        return generate_one(self, weight("h", h, "(1, H)", 2), start_id, sample_size)


class PeekySeq2seq(Seq2seq):
    """Seq2seq with a PeekyDecoder. Arguments: see :class:`Seq2seq`."""

    def _parts(self, V: int, D: int, H: int, backend: Backend) -> tuple[Any, Any]:
        return Encoder(V, D, H, backend=backend), PeekyDecoder(V, D, H, backend=backend)

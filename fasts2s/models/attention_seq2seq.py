"""Seq2seq with attention. Source: the book, section 8.2; Luong et al. 2015."""

from typing import Any

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.backend import Backend, BackendLike, get_backend
from fasts2s.layers import TimeAffine, TimeAttention, TimeEmbedding, TimeLSTM
from fasts2s.layers._embedded_lstm import EmbeddedLSTM
from fasts2s.layers._transaction import all_or_nothing
from fasts2s.models.base_model import id_matrix
from fasts2s.models.seq2seq import Encoder, Seq2seq, generate_one, require_steps
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks.arguments import parts
from fasts2s_kernels.checks.either import weight
from fasts2s_kernels.quiet import quiet


class AttentionEncoder(Encoder):
    """Encoder that hands out all hidden states."""

    def forward(self, xs: AnyArray, mask: AnyArray | None = None) -> Array:
        """xs : (N, T) ids, T >= 1; mask : (N, T) bool, False on padding -> hs (N, T, H). ValueError, IndexError."""
        xs = id_matrix("xs", xs)
        require_steps(xs)
        return self._reader.forward(xs, mask)

    def encode(self, xs: AnyArray, mask: AnyArray | None = None) -> Array:
        """What forward returns, for inference: nothing is kept for backward, the layers' state is not touched."""
        xs = id_matrix("xs", xs)
        require_steps(xs)
        return self._reader.read(xs, mask)

    def backward(self, dhs: AnyArray) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - the book's name
        """dhs : (N, T, H), the gradient of all hs. Computes all gradients. Raises ValueError."""
        self._reader.backward(dhs)


def _last(enc_hs: Array) -> Array:
    if enc_hs.shape[1] == 0:
        raise ValueError(f"enc_hs has shape {enc_hs.shape}, expected (N, S, H) with S >= 1: nothing to attend to")
    return enc_hs[:, -1]


class AttentionDecoder:
    """Decoder that looks at all encoder states at every step: affine input is (context, hidden state).

    Parameters: embedding, Wx, Wh, b, affine W (2H, V), b.
    """

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, *, backend: BackendLike | None = None
    ) -> None:
        V, D, H = init.require_sizes(vocab_size=vocab_size, wordvec_size=wordvec_size, hidden_size=hidden_size)
        be = get_backend(backend)
        self.backend = be
        self.embed = TimeEmbedding(init.embedding(V, D, be), backend=be)
        self.lstm = TimeLSTM(*init.recurrent(4, D, H, be), stateful=True, backend=be)
        self.attention = TimeAttention(backend=be)
        self.affine = TimeAffine(*init.affine(2 * H, V, be), backend=be)
        self.params = self.embed.params + self.lstm.params + self.affine.params
        self.grads = self.embed.grads + self.lstm.grads + self.affine.grads
        self._reader = EmbeddedLSTM(self.embed, self.lstm)

    def forward(self, xs: AnyArray, enc_hs: AnyArray, mask: AnyArray | None = None) -> Array:
        """xs : (N, T) ids, enc_hs : (N, S, H), mask : (N, S) bool, False on padding -> scores (N, T, V)."""
        enc_hs = weight("enc_hs", enc_hs, "(N, S, H)", 3)
        with all_or_nothing([self._reader, self.lstm, self.attention, self.affine]):
            dec_hs = self._reader.forward(xs, h0=_last(enc_hs))
            more = () if mask is None else (mask,)  # the book's layer, in the place of ours, takes none
            context = self.attention.forward(enc_hs, dec_hs, *more)
            return self.affine.forward(np.concatenate((context, dec_hs), axis=2))

    @quiet
    def backward(self, dscore: AnyArray) -> Array:
        """dscore : (N, T, V) -> denc_hs (N, S, H); computes all gradients. Raises ValueError."""
        dout = self.affine.backward(dscore)
        H = dout.shape[2] // 2
        dcontext, ddec_hs0 = dout[:, :, :H], dout[:, :, H:]
        denc_hs, ddec_hs1 = self.attention.backward(dcontext)
        denc_hs[:, -1] += self._reader.backward(ddec_hs0 + ddec_hs1)[0]
        return denc_hs

    def start(self, enc_hs: AnyArray, mask: AnyArray | None = None) -> Any:
        """Return the state before the first step, from enc_hs (N, S, H); for :mod:`fasts2s.generation`."""
        enc_hs = weight("enc_hs", enc_hs, "(N, S, H)", 3)
        return _last(enc_hs), None, enc_hs, mask

    def step(self, ids: AnyArray, state: Any) -> tuple[Array, Any]:
        """One step: ids (N,), state -> scores (N, V), next state. The layers' own state is not touched."""
        kernels = self.backend.kernels_for(self.embed.W)
        h, c, enc_hs, mask = parts("state", state, 4, "start() or the last step()")
        h, c = self._reader.step(ids, h, c)
        context, _, _ = kernels.attention_forward(enc_hs, h[:, None, :], mask=mask)
        out = np.concatenate((context[:, 0], h), axis=1)
        return kernels.affine_forward(out, *self.affine.params), (h, c, enc_hs, mask)

    def answer(self, enc_hs: AnyArray, start_ids: AnyArray, length: int, mask: AnyArray | None = None) -> Array:
        """enc_hs : (N, S, H), start_ids : (N,) -> the best ids (N, length), -1 where the best score is not finite."""
        W, enc_hs = self.embed.W, weight("enc_hs", enc_hs, "(N, S, H)", 3)
        return self.backend.kernels_for(W).attention_greedy(
            W, start_ids, length, *self.lstm.params, *self.affine.params, h=_last(enc_hs), hs_enc=enc_hs, mask=mask
        )

    def generate(self, enc_hs: AnyArray, start_id: int, sample_size: int) -> list[int]:
        """enc_hs : (1, S, H) -> sample_size ids, each the best after the last. Raises ValueError, IndexError."""
        return generate_one(self, weight("enc_hs", enc_hs, "(1, S, H)", 3), start_id, sample_size)


class AttentionSeq2seq(Seq2seq):
    """Seq2seq with attention. Arguments: see :class:`Seq2seq`."""

    def _parts(self, V: int, D: int, H: int, backend: Backend) -> tuple[Any, Any]:
        return AttentionEncoder(V, D, H, backend=backend), AttentionDecoder(V, D, H, backend=backend)

"""A decoder that sees the encoder's h at every step. Source: the book, section 7.4; Cho et al. 2014."""

from typing import Any

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.backend import Backend, get_backend
from fasts2s.layers import TimeAffine, TimeEmbedding, TimeLSTM
from fasts2s.layers.transaction import all_or_nothing
from fasts2s.models.seq2seq import Encoder, Seq2seq, generate_one
from fasts2s_kernels.checks import saved, weight
from fasts2s_kernels.contract import Array
from fasts2s_kernels.quiet import quiet


class PeekyDecoder:
    """Decoder whose LSTM and affine layer both get h beside their input, (h, x) and (h, hidden state).

    Parameters: embedding, Wx (H + D, 4H), Wh, b, affine W (2H, V), b.
    """

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, *, backend: str | Backend | None = None
    ) -> None:
        init.require_sizes(vocab_size=vocab_size, wordvec_size=wordvec_size, hidden_size=hidden_size)
        V, D, H, be = vocab_size, wordvec_size, hidden_size, get_backend(backend)
        self.backend = be
        self.embed = TimeEmbedding(init.embedding(V, D, be), backend=be)
        self.lstm = TimeLSTM(*init.recurrent(4, H + D, H, be), stateful=True, backend=be)
        self.affine = TimeAffine(*init.affine(H + H, V, be), backend=be)
        self.params = self.embed.params + self.lstm.params + self.affine.params
        self.grads = self.embed.grads + self.lstm.grads + self.affine.grads
        self.cache: int | None = None  # H, after forward

    def forward(self, xs: Array, h: Array, mask: Array | None = None) -> Array:
        """xs : (N, T) ids, h : (N, H) -> scores (N, T, V). mask, of the source, has no part here."""
        h = weight("h", h, "(N, H)", 2)
        with all_or_nothing([self.embed, self.lstm, self.affine]):
            self.lstm.set_state(h)
            out = self.embed.forward(xs)
            if out.shape[0] != h.shape[0]:
                raise ValueError(
                    f"h has shape {h.shape}, expected (N, H) with N = {out.shape[0]}, as many rows as xs"
                )
            hs = np.repeat(h[:, None, :], out.shape[1], axis=1)
            out = self.lstm.forward(np.concatenate((hs, out), axis=2))
            score = self.affine.forward(np.concatenate((hs, out), axis=2))
        self.cache = h.shape[1]
        return score

    @quiet
    def backward(self, dscore: Array) -> Array:
        """dscore : (N, T, V) -> dh (N, H); computes all gradients. Raises ValueError."""
        H = saved(self.cache)
        dout = self.affine.backward(dscore)
        dhs0, dout = dout[:, :, :H], dout[:, :, H:]
        dout = self.lstm.backward(dout)
        dhs1, dembed = dout[:, :, :H], dout[:, :, H:]
        self.embed.backward(dembed)
        return self.lstm.dh + (dhs0 + dhs1).sum(axis=1)

    def start(self, h: Array, mask: Array | None = None) -> Any:
        """Return the state before the first step, from h (N, H); for :mod:`fasts2s.generation`."""
        return h, None, h

    def step(self, ids: Array, state: Any) -> tuple[Array, Any]:
        """One step: ids (N,), state -> scores (N, V), next state. The layers' own state is not touched."""
        kernels = self.backend.kernels_for(self.embed.W)
        h, c, context = state
        x = np.concatenate((context, kernels.embedding_forward(self.embed.W, ids)), axis=1)
        h, c = kernels.lstm_step(x, *self.lstm.params, h=h, c=c)
        scores = kernels.affine_forward(np.concatenate((context, h), axis=1), *self.affine.params)
        return scores, (h, c, context)

    def generate(self, h: Array, start_id: int, sample_size: int) -> list[int]:
        """h : (1, H) -> sample_size ids, each the best after the last. Raises ValueError, IndexError."""
        return generate_one(self, weight("h", h, "(1, H)", 2), start_id, sample_size)


class PeekySeq2seq(Seq2seq):
    """Seq2seq with a PeekyDecoder. Arguments: see :class:`Seq2seq`."""

    def _parts(self, V: int, D: int, H: int, backend: Backend) -> tuple[Any, Any]:
        return Encoder(V, D, H, backend=backend), PeekyDecoder(V, D, H, backend=backend)

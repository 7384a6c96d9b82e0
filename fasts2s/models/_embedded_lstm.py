"""An embedding and the LSTM on it as one, for small vocabularies."""

from typing import Any

import numpy as np

from fasts2s.layers import TimeEmbedding, TimeLSTM
from fasts2s.layers.lstm import set_first_gradients
from fasts2s.models import _shared_beginnings as shared
from fasts2s_kernels.contract import Array
from fasts2s_kernels.either import (
    as_integers,
    bias_buffer,
    buffer,
    ids_beside,
    is_cupy,
    recurrent_weights,
    saved,
    weight,
)


def _table_pays(W: Array, xs: Array) -> bool:
    """Whether the products of all V words are few enough, beside those of the batch, to be computed as a table."""
    return bool(2 * W.shape[0] <= xs.size)


def _shared_phases(W: Array, xs: Array, Wh: Array, *by_row: Array | None) -> list[shared.Phase]:
    """Return the phases in which sources that begin alike are read once; [] if every row is read for itself.

    Rows that differ by what else they are given, ``by_row``, have nothing to share. On a device it does not pay: that
    is bound by the number of launches, which phases multiply, and ids that lie there would have to be fetched.
    """
    if is_cupy(W) or is_cupy(xs) or any(a is not None for a in by_row) or not _table_pays(W, xs):
        return []
    return shared.plan(xs, Wh.shape[0])


class EmbeddedLSTM:
    """An embedding and the LSTM on it, run as one where the vocabulary is small.

    ``x_t Wx + b`` has no more than V different values. Where that is far fewer than the ids of a batch, they are
    computed once, as a table, and gradients are summed by id before they meet Wx: the same mathematics, in sums of
    another order. Sources that begin alike are then read once, see :mod:`fasts2s.models._shared_beginnings`.
    """

    def __init__(self, embed: TimeEmbedding, lstm: TimeLSTM) -> None:
        self.embed, self.lstm = embed, lstm
        self._cache: Any = None

    def _weights(self, skip: int) -> tuple[Array, Array, Array, Array]:
        """Return W (V, D), the rows of Wx that meet it, Wh and b, of one dtype; else raise ValueError."""
        W, (Wx, Wh, b) = weight("W", self.embed.W, "(V, D)", 2), self.lstm.params
        Wx, Wh, b = recurrent_weights(4, Wx, Wh, b)
        if Wx.shape[0] - skip != W.shape[1] or Wx.dtype != W.dtype:
            wanted = f"{W.dtype} (D, 4H) with D = {W.shape[1] + skip}"
            raise ValueError(f"Wx is {Wx.dtype} {Wx.shape}, expected {wanted}, for the embedding W {W.shape}")
        return W, Wx[skip:], Wh, b

    def forward(
        self,
        xs: Array,
        mask: Array | None = None,
        *,
        h0: Array | None = None,
        row_bias: Array | None = None,
        skip: int = 0,
    ) -> Array:
        """xs : (N, T) ids -> hs (N, T, H). The rows of Wx before ``skip`` meet something else. Sets lstm.h, lstm.c.

        h0 : (N, H) or None, mask : (N, T) bool or None, row_bias : (N, 4H) or None. Raises ValueError, IndexError.
        """
        W, Wx, Wh, b = self._weights(skip)
        kernels = self.embed.backend.kernels_for(W, xs, h0, row_bias, mask)
        xs, options = as_integers("xs", xs, "(N, T)", 2), {"h0": h0, "row_bias": row_bias, "mask": mask}
        if not _table_pays(W, xs):
            ids = ids_beside("xs", xs, W)
            out = kernels.embedding_forward(W, ids)
            hs, h, c, cache = kernels.lstm_forward(out, Wx, Wh, b, **options)
            self._cache = (skip, xs.copy() if ids is xs else ids, None, [], cache)
        else:
            table = kernels.affine_forward(W, Wx, b)
            phases = _shared_phases(W, xs, Wh, h0, row_bias, mask)
            if phases:
                hs, h, c, cache = shared.forward(kernels, phases, table, xs, Wh)
            else:
                hs, h, c, cache = kernels.lstm_ids_forward(table, xs, Wh, **options)
            # The words are small, and are inputs of Wx as they were, whatever becomes of the weights.
            self._cache = (skip, None, W.copy(), phases, cache)
        self.lstm.h, self.lstm.c = h, c
        return hs

    def read(self, xs: Array, mask: Array | None = None) -> Array:
        """What forward returns, for inference: nothing is kept for backward, the layers' state is not touched."""
        W, (Wx, Wh, b) = self.embed.W, self.lstm.params
        kernels = self.embed.backend.kernels_for(W, xs, mask)
        phases = _shared_phases(W, xs, Wh, mask)
        if phases:
            return shared.forward(kernels, phases, kernels.affine_forward(W, Wx, b), xs, Wh)[0]
        return kernels.lstm_forward(kernels.embedding_forward(W, xs), Wx, Wh, b, mask=mask)[0]

    def backward(self, dhs: Array | None, dh_last: Array | None = None) -> tuple[Any, Array | None]:
        """dhs : (N, T, H) or None, dh_last : (N, H) or None -> dh0 (N, H), drow_bias (N, 4H) or None.

        Overwrites the gradients of both layers, but for the rows of dWx before ``skip``. Raises ValueError. Where
        no h0 was given and rows were shared, dh0 is None: there is none for each row.
        """
        skip, ids, words, phases, cache = saved(self._cache)
        W, Wx, Wh, b = self._weights(skip)
        (dW,), (dWx, dWh, db) = self.embed.grads, self.lstm.grads
        # All before anything is computed: a refused call has written nothing.
        dW, dWh = buffer("dW", dW, W, "(V, D)"), buffer("dWh", dWh, Wh, "(H, 4H)")
        dWx, db = buffer("dWx", dWx, self.lstm.params[0], "(D, 4H)")[skip:], bias_buffer(db, b.shape, "(4H,)")
        kernels = self.embed.backend.kernels_for(W, dhs, dh_last)
        dh0, dc0, drow = None, None, None
        if ids is None:
            dtable = np.empty_like(W, shape=(W.shape[0], Wh.shape[1]))
            tables = {"dh_last": dh_last, "dtable": dtable, "dWh": dWh}
            if phases:
                shared.backward(kernels, phases, cache, dhs, Wh, **tables)
            else:
                dh0, dc0, drow = kernels.lstm_ids_backward(dhs, Wh, cache, **tables)
            dW[...] = kernels.affine_backward(dtable, words, Wx, dW=dWx, db=db)
        else:
            dxs, dh0, dc0, drow = kernels.lstm_backward(dhs, Wx, Wh, cache, dh_last=dh_last, dWx=dWx, dWh=dWh, db=db)
            kernels.embedding_backward(dxs, ids, dW=dW)
        set_first_gradients(self.lstm, dh0, dc0)
        return dh0, drow

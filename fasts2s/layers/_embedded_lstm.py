"""An embedding and the LSTM on it, run as one: see :mod:`fasts2s_kernels.ops.embedded_lstm`."""

from typing import Any

from fasts2s.layers.embedding import TimeEmbedding
from fasts2s.layers.lstm import TimeLSTM, set_first_gradients
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.ops.embedded_lstm import composed


class EmbeddedLSTM:
    """What TimeEmbedding and TimeLSTM compute one after the other, in one call; the state is that of the TimeLSTM.

    Both stay as they are: parameters, gradients and state are theirs. ``constant`` (N, C), where it is given, stands
    before the word vector at every step, as in a decoder that peeks.
    """

    def __init__(self, embed: TimeEmbedding, lstm: TimeLSTM) -> None:
        self.embed, self.lstm = embed, lstm
        self._cache: Any = None

    def forward(
        self,
        xs: AnyArray,
        mask: AnyArray | None = None,
        *,
        h0: AnyArray | None = None,
        constant: AnyArray | None = None,
    ) -> Array:
        """xs : (N, T) ids -> hs (N, T, H); sets lstm.h and lstm.c. Raises ValueError, IndexError.

        mask : (N, T) bool or None, h0 : (N, H) or None, constant : (N, C) or None.
        """
        W = self.embed.W
        kernels = self.embed.backend.kernels_for(W, xs, h0, constant, mask)
        hs, self.lstm.h, self.lstm.c, self._cache = composed.forward(
            kernels, W, xs, *self.lstm.params, h0=h0, constant=constant, mask=mask
        )
        return hs

    def backward(self, dhs: AnyArray | None, dh_last: AnyArray | None = None) -> tuple[Any, Array | None]:
        """dhs : (N, T, H) or None, dh_last : (N, H) or None -> dh0 (N, H), dconstant (N, C) or None.

        Overwrites the gradients of both layers, sets lstm.dh and lstm.dc. Raises ValueError. Where no h0 was given
        and rows were shared, dh0 is None.
        """
        W, (Wx, Wh, _), (dWx, dWh, db) = self.embed.W, self.lstm.params, self.lstm.grads
        dh0, dc0, dconstant = composed.backward(
            self.embed.backend.kernels_for(W, dhs, dh_last), dhs, W, Wx, Wh, self._cache,
            dh_last=dh_last, dW=self.embed.grads[0], dWx=dWx, dWh=dWh, db=db,
        )  # fmt: skip
        set_first_gradients(self.lstm, dh0, dc0)
        return dh0, dconstant

    def read(self, xs: AnyArray, mask: AnyArray | None = None) -> Array:
        """What forward returns, for inference: nothing is kept for backward, the layers' state is not touched."""
        W = self.embed.W
        return composed.forward(self.embed.backend.kernels_for(W, xs, mask), W, xs, *self.lstm.params, mask=mask)[0]

    def encode(self, xs: AnyArray, mask: AnyArray | None = None) -> Array:
        """xs : (N, T) ids, mask : (N, T) bool or None -> the last h (N, H), for inference, as :meth:`read`."""
        W = self.embed.W
        return self.embed.backend.kernels_for(W, xs, mask).lstm_encode(W, xs, *self.lstm.params, mask=mask)

    def of_constant(self, constant: AnyArray) -> Array:
        """Return what a constant (N, C) adds to the gates at every step, (N, 4H), for :meth:`step`."""
        return composed.of_constant(self.embed.backend.kernels_for(constant), constant, self.lstm.params[0])

    def step(
        self, ids: AnyArray, h: AnyArray | None, c: AnyArray | None, row_bias: AnyArray | None = None
    ) -> tuple[Array, Array]:
        """One step for inference: ids (N,), h, c (N, H) or None for zero -> next h, c. Own state untouched.

        row_bias : (N, 4H), what :meth:`of_constant` returned, or None.
        """
        W = self.embed.W
        kernels = self.embed.backend.kernels_for(W, ids, h, c)
        return composed.step(kernels, W, ids, *self.lstm.params, h=h, c=c, row_bias=row_bias)

    def answer(
        self, affine: Any, start_ids: AnyArray, length: int, h: AnyArray, constant: AnyArray | None = None
    ) -> Array:
        """Choose whole answers greedily, with an affine layer on top; inference.

        start_ids : (N,), h : (N, H), constant : (N, C) or None, which the affine layer gets beside the hidden state
        -> the best ids (N, length), -1 where the best score is not finite. Raises ValueError, IndexError.
        """
        W = self.embed.W
        return composed.answer(
            self.embed.backend.kernels_for(W), W, start_ids, length, *self.lstm.params, *affine.params,
            h=h, constant=constant,
        )  # fmt: skip

"""The part of the contract that is an embedding and an LSTM as one, for inference; with attention too.

Letters and rules: :mod:`fasts2s_kernels.contract`.
"""

from typing import Protocol

from fasts2s_kernels.arrays import Array


class EmbeddedLstm(Protocol):
    """The part of the contract that is an embedding and an LSTM as one, for inference."""

    def lstm_encode(
        self, W: Array, ids: Array, Wx: Array, Wh: Array, b: Array | None, *, mask: Array | None = None
    ) -> Array:
        """Read sources with an embedding and an LSTM, for inference; return the last h (N, H).

        W (V, D), ids (N, T) integers -V to V - 1, Wx (D, 4H), Wh (H, 4H), b (4H,) or None; mask (N, T) bool or None
        as for :meth:`lstm_forward`.
        """
        ...

    def lstm_ids_step(
        self, table: Array, ids: Array, Wh: Array, *, h: Array, c: Array, row_bias: Array | None = None
    ) -> tuple[Array, Array]:
        """One step of :meth:`lstm_ids_forward` for inference: return the next h and c, (N, H) each.

        table (V, 4H): what words bring to the gates, W Wx + b; ids (N,) integers -V to V - 1; Wh (H, 4H);
        h, c (N, H); row_bias (N, 4H) or None.
        """
        ...

    def lstm_greedy(
        self,
        W: Array,
        start_ids: Array,
        length: int,
        Wx: Array,
        Wh: Array,
        b: Array | None,
        W_out: Array,
        b_out: Array | None,
        *,
        h: Array,
        c: Array | None = None,
        row_bias: Array | None = None,
        score_bias: Array | None = None,
    ) -> Array:
        """Choose whole answers greedily: at every step the id with the best score, which is the next input.

        Parameters
        ----------
        W : (V, D)
            Embedding.
        start_ids : (N,) integers
            The first inputs, not part of the result.
        length : int
            Steps T.
        Wx : (D, 4H), Wh : (H, 4H), b : (4H,) or None
        W_out : (H, V), b_out : (V,) or None
            ``scores = h W_out + b_out + score_bias``.
        h, c : (N, H)
            State before the first step; c None is zero.
        row_bias : (N, 4H) or None, score_bias : (N, V) or None
            Added at every step: what a decoder sees that does not change over time.

        Returns
        -------
        ids : (N, T) int64
            The first of equal scores; as :meth:`argmax` of every step. -1 where the best score is NaN or infinite:
            nothing was chosen, and what follows in that row means nothing.
        """
        ...

    def attention_greedy(
        self,
        W: Array,
        start_ids: Array,
        length: int,
        Wx: Array,
        Wh: Array,
        b: Array | None,
        W_out: Array,
        b_out: Array | None,
        *,
        h: Array,
        c: Array | None = None,
        hs_enc: Array,
        mask: Array | None = None,
    ) -> Array:
        """Choose whole answers as :meth:`lstm_greedy`, with attention over the steps of an encoder at every step.

        Parameters
        ----------
        W_out : (2H, V), b_out : (V,) or None
            ``scores = (context, h) W_out + b_out``.
        hs_enc : (N, S, H), mask : (N, S) bool or None
            What the attention looks at, as for :meth:`attention_forward`; h is its query.
        W, start_ids, length, Wx, Wh, b, h, c
            As for :meth:`lstm_greedy`.

        Returns
        -------
        ids : (N, T) int64
            As of :meth:`lstm_greedy`.

        Notes
        -----
        Source: the book, section 8.2; Luong et al. 2015.
        """
        ...

"""The part of the contract that draws a text. Letters and rules: :mod:`fasts2s_kernels.contract`."""

from typing import Protocol

from fasts2s_kernels.arrays import Array


class Text(Protocol):
    """The part of the contract that draws a text."""

    def lstm_text(
        self,
        W: Array,
        start_id: int,
        layers: list[Array],
        W_out: Array,
        b_out: Array | None,
        *,
        h: Array,
        c: Array,
        uniforms: Array,
        banned: Array | None = None,
        stop_id: int = -1,
    ) -> tuple[Array, Array, Array, Array]:
        """Draw words one after the other, each from the softmax of the scores of what follows the one before.

        A step is an embedding, LSTMs one on the other, an affine map, and :meth:`sample` of one uniform number.

        Parameters
        ----------
        W : (V, D), V >= 1
            Embedding.
        start_id : int
            The word that the first draw follows, -V to V - 1; else IndexError.
        layers : list of arrays
            Wx (D, 4H), Wh (H, 4H), b (4H,) of the first LSTM, then those of the one on it, and so on; none will do.
        W_out : (H, V), b_out : (V,) or None
            H of the last LSTM, or D.
        h, c : (K,)
            The states of all LSTMs before the first step, side by side: K is the sum of their H.
        uniforms : (T,) float64 in [0, 1)
            One for each step.
        banned : (V,) bool or None
            Words that are not taken: the next draw follows the same word again, with the state as it is by then.
        stop_id : int
            The word that ends the text when it is taken; one that is not 0 to V - 1 never comes.

        Returns
        -------
        ids : (T,) int64
            What was drawn, banned words too. -1: the scores gave no probabilities (NaN, +inf, or -inf alone), which
            ends the text. -2: the text had ended before, also because every word that could follow was banned.
        h, c : (2, K)
            The states before the last step that was made, and after it.
        scores : (V,)
            Of the last step that was made; zeros, where none was.

        Notes
        -----
        Source: the book, section 7.1. With ``uniforms = numpy.random.random_sample(T)`` the ids are those of
        ``numpy.random.choice(V, p=p)`` for every step.
        """
        ...

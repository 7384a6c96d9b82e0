"""The part of the contract that is the embedding layer. Letters and rules: :mod:`fasts2s_kernels.contract`."""

from typing import Protocol

from fasts2s_kernels.arrays import Array


class Embedding(Protocol):
    """The part of the contract that is the embedding layer."""

    def embedding_forward(self, W: Array, ids: Array) -> Array:
        """Rows of W (V, D) for integer ids of any shape: ``ids.shape + (D,)``.

        Ids run from 0 to V - 1; -1 to -V count from the end, as in NumPy. Anything else is an IndexError that
        names the id, its position and V.
        """
        ...

    def embedding_backward(self, dout: Array, ids: Array, *, dW: Array) -> None:
        """Gradient of :meth:`embedding_forward`: dW (V, D) = sum of dout (ids.shape + (D,)) by id, in the
        order of the ids, without atomics: the same bits every time."""
        ...

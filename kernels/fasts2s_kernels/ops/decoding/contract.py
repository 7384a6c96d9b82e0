"""The part of the contract that chooses ids from scores. Letters and rules: :mod:`fasts2s_kernels.contract`."""

from typing import Protocol

from fasts2s_kernels.arrays import Array


class Decoding(Protocol):
    """The part of the contract that chooses ids from scores."""

    def argmax(self, scores: Array) -> Array:
        """Greedy choice: scores (R, V), V >= 1 -> ids (R,) int64, the first of equal maxima."""
        ...

    def sample(self, scores: Array, uniforms: Array) -> Array:
        """Draw one id per row from softmax(scores) by inversion.

        scores (R, V), V >= 1; uniforms (R,) float64 in [0, 1), drawn by the caller -> ids (R,) int64. With
        ``uniforms = numpy.random.random_sample(R)`` the ids are those of ``numpy.random.choice(V, p=p)``.
        A row whose probabilities are not finite, or all zero, is a ValueError.
        """
        ...

    def best(self, scores: Array, k: int, *, mask: Array | None = None) -> tuple[Array, Array]:
        """Choose the k most probable ids of every row, for a search that keeps several.

        scores (R, V), 1 <= k <= V, mask (R, V) bool -> logs (R, k) of softmax(scores), from the largest down, and
        ids (R, k) int64; the first of equals first. An id where mask is False is not among them, though its score
        counts in the softmax. Where nothing is left the id is -1 and its log minus infinity. Where no probability is
        finite all ids of a row are -1 and all logs NaN; that is no error, so nothing waits for a device.
        """
        ...

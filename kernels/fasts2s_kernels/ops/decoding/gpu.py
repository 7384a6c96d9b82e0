"""Choosing the next id from scores."""

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.gpu import inputs
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.launch import contiguous, i32, i64, kernel
from fasts2s_kernels.gpu.specialisations import number
from fasts2s_kernels.ops.decoding import reference
from fasts2s_kernels.ops.decoding.reference import checked_scores, sample_rows


def write_best(scores: Array, bias: Array | None, out: Array, step: int, following: Array | None) -> None:
    """Write the best ids of scores (R, V) + bias into column ``step`` of out (R, T), and into following (R,).

    With ``following``, out gets -1 where the best score is not finite.
    """
    (R, V), T = scores.shape, out.shape[1]
    function = kernel("decoding", "argmax_rows", number(scores.dtype == xp.float64))
    if R:
        function((R,), (256,), (scores, bias, out.ravel()[step:], i64(T), following, i32(V)))


@inputs.entry
def argmax(scores: Array) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.argmax`."""
    inputs.on_device(scores=scores)
    scores = checked_scores(scores)
    out = xp.empty((scores.shape[0], 1), xp.int64)
    write_best(contiguous(scores), None, out, 0, None)
    return out[:, 0]


@inputs.entry
def best(scores: Array, k: int, *, mask: Array | None = None) -> tuple[Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.best`.

    Implementation: array by array, by sorting; it waits for nothing.
    """
    inputs.on_device(scores=scores)
    if mask is not None and getattr(scores, "ndim", 0) == 2:
        mask = inputs.mask("mask", mask, scores.shape, "(R, V)")
    scores, k, mask = reference.checked_best(scores, k, mask)
    return reference.best_of_rows(scores, k, mask, reference.sorted_best)


@inputs.entry
def sample(scores: Array, uniforms: Array) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.sample`.

    Implementation: array by array, and it waits for the device, to see whether there are probabilities. ``uniforms``
    may come from the host, where they are drawn.
    """
    inputs.on_device(scores=scores)
    scores = checked_scores(scores)
    if not inputs.is_device(uniforms):
        drawn = checks.as_float("uniforms", uniforms, np.dtype(np.float64), scores.shape[:1], "(R,)")
        uniforms = xp.asarray(drawn)
    return sample_rows(scores, uniforms)

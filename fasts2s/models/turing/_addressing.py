"""Where the heads of a memory look: content, gate, shift, sharpening, in this order. Source: Graves et al. 2014.

Letters: N batch, K heads, R rows of the memory, M their width. A weighting (N, K, R) is at least 0, and sums to 1
over the rows after every stage.
"""

from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels.arrays import Array

#: Added to squares of lengths, which may be 0, and to weightings before their logarithm.
_LEAST_SQUARE, _LEAST_WEIGHT = 1e-8, 1e-12
#: Shifts: the weight of a row comes from the row after it, itself, the row before it.
SHIFTS = (-1, 0, 1)


class Asked(NamedTuple):
    """What the controller asks of the heads.

    Attributes
    ----------
    key : (N, K, M)
    strength : (N, K, 1), at least 0
    gate : (N, K, 1), from 0 to 1: how much the content decides, not the weighting before
    shift : (N, K, 3), at least 0, sums to 1: of SHIFTS
    sharpness : (N, K, 1), at least 1
    """

    key: Array
    strength: Array
    gate: Array
    shift: Array
    sharpness: Array


class Stages(NamedTuple):
    """Weightings after each stage, (N, K, R), the last of which the heads use."""

    content: Array
    gated: Array
    shifted: Array
    sharpened: Array


class Kept(NamedTuple):
    """What backward needs."""

    memory: Array
    before: Array
    asked: Asked
    stages: Stages
    cosine: Array
    rows_length: Array
    key_length: Array


def softmax(x: Array) -> Array:
    """Return the softmax over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(dy: Array, y: Array) -> Array:
    """Return the gradient of what y is the softmax of."""
    d = dy * y
    return d - y * d.sum(axis=-1, keepdims=True)


def address(memory: Array, before: Array, asked: Asked) -> tuple[Stages, Kept]:
    """memory (N, R, M), weightings before (N, K, R) -> weightings after every stage, cache."""
    rows_length = np.sqrt((memory * memory).sum(axis=2) + _LEAST_SQUARE)[:, None]
    key_length = np.sqrt((asked.key * asked.key).sum(axis=2, keepdims=True) + _LEAST_SQUARE)
    cosine = np.matmul(asked.key, memory.transpose(0, 2, 1)) / (rows_length * key_length)
    content = softmax(asked.strength * cosine)
    gated = asked.gate * content + (1 - asked.gate) * before
    shifted = sum(asked.shift[:, :, j : j + 1] * np.roll(gated, k, axis=2) for j, k in enumerate(SHIFTS))
    sharpened = softmax(asked.sharpness * np.log(shifted + _LEAST_WEIGHT))
    stages = Stages(content, gated, shifted, sharpened)
    return stages, Kept(memory, before, asked, stages, cosine, rows_length, key_length)


def address_backward(dweights: Array, kept: Kept) -> tuple[Array, Array, Asked]:
    """dweights (N, K, R) of the last stage -> gradients of memory, of the weightings before, of what was asked."""
    memory, before, asked, stages, cosine, rows_length, key_length = kept
    total: dict[str, Any] = {"axis": 2, "keepdims": True}
    d = softmax_backward(dweights, stages.sharpened)
    dsharpness = (d * np.log(stages.shifted + _LEAST_WEIGHT)).sum(**total)
    dshifted = asked.sharpness * d / (stages.shifted + _LEAST_WEIGHT)
    parts = [(dshifted * np.roll(stages.gated, k, axis=2)).sum(axis=2) for k in SHIFTS]
    dshift = np.stack(parts, axis=2)
    dgated = sum(asked.shift[:, :, j : j + 1] * np.roll(dshifted, -k, axis=2) for j, k in enumerate(SHIFTS))
    dgate = (dgated * (stages.content - before)).sum(**total)
    d = softmax_backward(asked.gate * dgated, stages.content)
    dstrength = (d * cosine).sum(**total)
    dcosine = asked.strength * d
    along = dcosine / (rows_length * key_length)
    turned = dcosine * cosine
    dkey = np.matmul(along, memory) - turned.sum(**total) * asked.key / key_length**2
    dmemory = np.matmul(along.transpose(0, 2, 1), asked.key)
    dmemory -= (turned.sum(axis=1, keepdims=True) / rows_length**2).transpose(0, 2, 1) * memory
    return dmemory, (1 - asked.gate) * dgated, Asked(dkey, dstrength, dgate, dshift, dsharpness)

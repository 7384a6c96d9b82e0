"""Sources that are only read, not learned from: short ones apart from long ones, so that little padding is read."""

from typing import Any

import numpy as np

from fasts2s.models.encoder_decoder._dropout import Dropper
from fasts2s.models.encoder_decoder._encoder import Encoder, Read
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import is_cupy

#: Rows of a part, at least, and parts, at most: a call of the kernels with few rows does not pay.
_ROWS, _PARTS = 64, 8


def read(encoder: Encoder, xs: Array, mask: Array, dropper: Dropper) -> Read:
    """Return sources as ``encoder.forward(xs, mask, ...)`` reads them; what stands at padding is 0."""
    parts = _parts(mask)
    if len(parts) == 1:
        return encoder.forward(xs, mask, dropper, False)[0]
    S = mask.shape[1]
    whole: Any = None
    for rows, length in parts:
        part = encoder.forward(xs[rows, :length], mask[rows, :length], dropper, False)[0]
        if whole is None:
            whole = _empty(part, mask[:, ::-1] if encoder.settings.reverse else mask)
        # Read backwards, the padding comes first.
        places = slice(S - length, S) if encoder.settings.reverse else slice(length)
        whole.hs[rows, places] = part.hs
        for into, state in zip(whole.states, part.states, strict=True):
            for a, b in zip(into, state, strict=True):
                a[rows] = b
    return whole  # type: ignore[no-any-return]


def _parts(mask: Array) -> list[tuple[Array, int]]:
    """Return rows of like lengths, and the length of the longest of them. On a device, all rows: nothing waits."""
    N, S = mask.shape
    count = min(_PARTS, N // _ROWS)
    if count < 2 or is_cupy(mask):
        return [(np.arange(N), S)]
    lengths = np.where(mask.any(axis=1), S - mask[:, ::-1].argmax(axis=1), 1)
    parts = np.array_split(np.argsort(lengths, kind="stable"), count)
    longest = [int(lengths[rows[-1]]) for rows in parts]
    # Parts whose padding is worth less than a twentieth of all that is read stay together.
    if sum(length * len(rows) for rows, length in zip(parts, longest, strict=True)) > 0.95 * N * S:
        return [(np.arange(N), S)]
    return list(zip(parts, longest, strict=True))


def _empty(part: Read, mask: Array) -> Read:
    """Return room for all sources, those of the mask (N, S), like a part of them."""
    N, hs = len(mask), part.hs
    states: list[Any] = [
        tuple(np.zeros((N, *a.shape[1:]), a.dtype) for a in state if a is not None) for state in part.states
    ]
    return Read(np.zeros((*mask.shape, hs.shape[2]), hs.dtype), mask, states)

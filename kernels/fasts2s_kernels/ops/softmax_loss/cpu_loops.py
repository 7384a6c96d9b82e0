"""Compiled loops of softmax with cross entropy: loss and gradient of a group of rows, each read once."""

from typing import NamedTuple

import numpy as np

from fasts2s_kernels.cpu.gemm import store_first
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.pointer import is_aligned
from fasts2s_kernels.cpu.record import Double, Ids1, Out2, OutDoubles1, Rows2, record
from fasts2s_kernels.cpu.softmax import exponentials, row_max
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import splat
from fasts2s_kernels.cpu.vector_memory import STREAM_FROM, load, stream

_ZERO = np.float32(0)


@record
class Forward(NamedTuple):
    """What a call works on: the loss of a row is log(totals) + tops. In an ignored row these stay what they are."""

    R: Int
    V: Int
    group: Int  # rows of a task
    ignore: Int  # the label of rows that are not read
    xs: Rows2  # (R, V)
    x_row: Int  # its stride, in elements
    ts: Ids1  # (R,)
    tops: OutDoubles1  # (R,)
    totals: OutDoubles1  # (R,)
    dxs: Out2  # (R, V), the gradient of scale times the sum of the losses
    scale: Double
    local: Out2  # (workers, local_size)
    local_size: Int  # V in whole vectors


@inline
def _scaled(dx, y, V, weight, streamed):
    """Store the row y times weight; past the caches where it is to be streamed and begins at a vector."""
    if streamed and is_aligned(dx, LANES):
        for k in range(0, V, LANES):
            stream(dx + k, load(y + k) * weight)
    else:
        for k in range(0, V, LANES):
            store_first(dx + k, load(y + k) * weight, V - k)


@kernel
def softmax_rows(worker: Int, task: Int, a: Forward) -> None:
    """Loss and gradient of a group of rows; an ignored row is not read."""
    R, V, y = a.R, a.V, a.local + a.local_size * worker
    streamed = R * V >= STREAM_FROM and V % LANES == 0
    for r in range(task * a.group, min(R, (task + 1) * a.group)):
        label, x, dx = a.ts[r], a.xs + a.x_row * r, a.dxs + V * r
        if label == a.ignore:
            for k in range(0, V, LANES):
                store_first(dx + k, splat(_ZERO), V - k)
            continue
        top = row_max(x, V)
        total = exponentials(y, x, V, top, x + a.x_row)
        a.tops[r] = np.float64(top) - x[label]
        a.totals[r] = total
        _scaled(dx, y, V, splat(np.float32(a.scale / total)), streamed)
        dx[label] = np.float32(np.float64(dx[label]) - a.scale)


FORWARD = Launch(Forward, softmax_rows)

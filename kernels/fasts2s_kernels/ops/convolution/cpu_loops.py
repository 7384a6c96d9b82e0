"""Compiled loops of the convolution: windows as rows, and sums of such rows. A task is a picture."""

from typing import NamedTuple

from fasts2s_kernels.cpu.jit import kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.record import C2, C4, Out2, Out4, record
from fasts2s_kernels.cpu.vector_memory import zero


@record
class Unfold(NamedTuple):
    """What a call works on."""

    C: Int
    height: Int  # of a picture with its rim
    width: Int
    high: Int  # of a window
    wide: Int
    stride: Int
    rows: Int  # windows below each other
    columns: Int  # and beside each other
    x: C4  # (N, C, height, width)
    out: Out2  # (N rows columns, C high wide)


@record
class Fold(NamedTuple):
    """What a call works on, as :class:`Unfold`."""

    C: Int
    height: Int
    width: Int
    high: Int
    wide: Int
    stride: Int
    rows: Int
    columns: Int
    x: C2  # (N rows columns, C high wide)
    out: Out4  # (N, C, height, width)


@kernel
def unfold_picture(worker: Int, task: Int, a: Unfold) -> None:
    """Write the windows of a picture as rows."""
    C, height, width, high, wide = a.C, a.height, a.width, a.high, a.wide
    picture, k = a.x + C * height * width * task, 0
    out = a.out + a.rows * a.columns * C * high * wide * task
    for r in range(a.rows):
        for s in range(a.columns):
            corner = picture + a.stride * (width * r + s)
            for c in range(C):
                for i in range(high):
                    line = corner + width * (height * c + i)
                    for j in range(wide):
                        out[k + j] = line[j]
                    k += wide


@kernel
def fold_picture(worker: Int, task: Int, a: Fold) -> None:
    """Clear a picture and add to it what its windows bring."""
    C, height, width, high, wide = a.C, a.height, a.width, a.high, a.wide
    picture, k = a.out + C * height * width * task, 0
    rows = a.x + a.rows * a.columns * C * high * wide * task
    zero(picture, C * height * width)
    for r in range(a.rows):
        for s in range(a.columns):
            corner = picture + a.stride * (width * r + s)
            for c in range(C):
                for i in range(high):
                    line = corner + width * (height * c + i)
                    for j in range(wide):
                        line[j] = line[j] + rows[k + j]
                    k += wide


UNFOLD, FOLD = Launch(Unfold, unfold_picture), Launch(Fold, fold_picture)

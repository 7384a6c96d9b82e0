"""Compiled loops over the elements of all parameters: norm, scaling and the update rules.

A table has a row for every parameter: its size, the addresses of p, g and two slots, the number of its first task.
A task is a chunk of fixed size, so sums do not depend on the number of threads. Chunks are whole vectors but for the
last of a parameter, whose rest is loaded and stored in part.
"""

import numpy as np

from fasts2s_kernels.cpu.gemm import ceil_div, load_first, store_first
from fasts2s_kernels.cpu.jit import inline, kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.pointer import address, floats_at
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import add_squares, splat, sqrt, wide_sum, wide_zero
from fasts2s_kernels.ops.optimizers.cpu_records import (
    CHUNK,
    COLUMNS,
    FIRST_TASK,
    SHARED,
    SIZE,
    SLOT1,
    SLOT2,
    Adam,
    G,
    Momentum,
    Nesterov,
    P,
    Parameter,
    Rmsprop,
    Scaling,
    Sgd,
    Squares,
)

# Outside the root, as in the book.
_EPS = np.float32(1e-7)


@inline
def _end(row, column):
    """Return the address behind an array of a row."""
    return address(floats_at(row[column], row[SIZE]) + row[SIZE])


@inline
def _overlap(row, other):
    """Whether one of the arrays that are written in a row shares memory with one in another."""
    for i in (P, SLOT1, SLOT2):
        for j in (P, SLOT1, SLOT2):
            if row[i] and other[j] and row[i] < _end(other, j) and other[j] < _end(row, i):
                return True
    return False


@kernel
def describe_parameter(worker: Int, task: Int, a: Parameter) -> None:
    """Fill row k of a table; those before are filled."""
    row = a.table + COLUMNS * a.k
    row[SIZE], row[P], row[G] = a.size, address(a.p), address(a.g)
    row[SLOT1], row[SLOT2], row[FIRST_TASK], row[SHARED] = address(a.slot1), address(a.slot2), 0, 0
    for k in range(a.k):
        other = a.table + COLUMNS * k
        row[FIRST_TASK] = other[FIRST_TASK] + ceil_div(other[SIZE], CHUNK)
        if _overlap(row, other):
            row[SHARED] = 1


@inline
def _chunk(a, task):
    """Return the first element of a task's chunk, the one after its last, and the places of p, g and the slots."""
    k = 0
    while k + 1 < a.count and a.table[COLUMNS * (k + 1) + FIRST_TASK] <= task:
        k += 1
    row = a.table + COLUMNS * k
    size, start = row[SIZE], (task - row[FIRST_TASK]) * CHUNK
    p, g = floats_at(row[P], size), floats_at(row[G], size)
    return start, min(size, start + CHUNK), p, g, floats_at(row[SLOT1], size), floats_at(row[SLOT2], size)


@kernel
def square_sums(worker: Int, task: Int, a: Squares) -> None:
    """The sum of squares of a chunk, in float64: squares of float32 beyond 1e19 would overflow."""
    start, end, g, _, _, _ = _chunk(a, task)
    total = wide_zero()
    for k in range(start, end, LANES):
        total = add_squares(total, load_first(g + k, end - k))
    a.sums[task] = wide_sum(total)


@kernel
def scale_chunk(worker: Int, task: Int, a: Scaling) -> None:
    """``p = factor p``."""
    start, end, p, _, _, _ = _chunk(a, task)
    factor = splat(a.factor)
    for k in range(start, end, LANES):
        store_first(p + k, factor * load_first(p + k, end - k), end - k)


@kernel
def sgd_chunk(worker: Int, task: Int, a: Sgd) -> None:
    """``p -= lr g``."""
    start, end, p, g, _, _ = _chunk(a, task)
    scale, lr = splat(a.scale), splat(a.lr)
    for k in range(start, end, LANES):
        left = end - k
        store_first(p + k, load_first(p + k, left) - lr * (scale * load_first(g + k, left)), left)


@kernel
def momentum_chunk(worker: Int, task: Int, a: Momentum) -> None:
    """``v = momentum v - lr g; p += v``."""
    start, end, p, g, v, _ = _chunk(a, task)
    scale, lr, momentum = splat(a.scale), splat(a.lr), splat(a.momentum)
    for k in range(start, end, LANES):
        left = end - k
        velocity = momentum * load_first(v + k, left) - lr * (scale * load_first(g + k, left))
        store_first(v + k, velocity, left)
        store_first(p + k, load_first(p + k, left) + velocity, left)


@kernel
def nesterov_chunk(worker: Int, task: Int, a: Nesterov) -> None:
    """``v = momentum v - lr g; p += ahead v - pull g``."""
    start, end, p, g, v, _ = _chunk(a, task)
    scale, lr, momentum = splat(a.scale), splat(a.lr), splat(a.momentum)
    ahead, pull = splat(a.ahead), splat(a.pull)
    for k in range(start, end, LANES):
        left = end - k
        gradient = scale * load_first(g + k, left)
        velocity = momentum * load_first(v + k, left) - lr * gradient
        store_first(v + k, velocity, left)
        store_first(p + k, load_first(p + k, left) + ahead * velocity - pull * gradient, left)


@kernel
def rmsprop_chunk(worker: Int, task: Int, a: Rmsprop) -> None:
    """``h = keep h + new g^2; p -= lr g / (sqrt(h) + eps)``. AdaGrad has keep = new = 1."""
    start, end, p, g, h, _ = _chunk(a, task)
    scale, lr, keep, new = splat(a.scale), splat(a.lr), splat(a.keep), splat(a.new)
    for k in range(start, end, LANES):
        left = end - k
        gradient = scale * load_first(g + k, left)
        squares = keep * load_first(h + k, left) + new * gradient * gradient
        store_first(h + k, squares, left)
        step = lr * gradient / (sqrt(squares) + splat(_EPS))
        store_first(p + k, load_first(p + k, left) - step, left)


@kernel
def adam_chunk(worker: Int, task: Int, a: Adam) -> None:
    """``m += new1 (g - m); v += new2 (g^2 - v); p -= lr m / (sqrt(v) + eps)``."""
    start, end, p, g, m, v = _chunk(a, task)
    scale, lr, new1, new2 = splat(a.scale), splat(a.lr), splat(a.new1), splat(a.new2)
    for k in range(start, end, LANES):
        left = end - k
        gradient = scale * load_first(g + k, left)
        mean, square = load_first(m + k, left), load_first(v + k, left)
        mean = mean + new1 * (gradient - mean)
        square = square + new2 * (gradient * gradient - square)
        store_first(m + k, mean, left)
        store_first(v + k, square, left)
        step = lr * mean / (sqrt(square) + splat(_EPS))
        store_first(p + k, load_first(p + k, left) - step, left)


DESCRIBE = Launch(Parameter, describe_parameter)
SUM_SQUARES, SCALE = Launch(Squares, square_sums), Launch(Scaling, scale_chunk)
SGD, MOMENTUM = Launch(Sgd, sgd_chunk), Launch(Momentum, momentum_chunk)
NESTEROV, RMSPROP = Launch(Nesterov, nesterov_chunk), Launch(Rmsprop, rmsprop_chunk)
ADAM = Launch(Adam, adam_chunk)

"""Compiled loops over the elements of all parameters: norm, scaling and the six update rules.

A table has a row for every parameter: its size, the addresses of p, g and two slots, the number of its first task.
A task is a chunk of fixed size, so sums do not depend on the number of threads. Chunks are whole vectors but for the
last of a parameter, whose rest is loaded and stored in part. Numbers of a rule lie in an array of float32, ``rule``,
behind the factor of all gradients; g in a rule is a gradient times this factor.
"""

import numpy as np

from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu.calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.cpu.gemm import ceil_div, load_first, store_first
from fasts2s_kernels.cpu.jit import entry, inline, kernel
from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.threads import launch
from fasts2s_kernels.cpu.vector import FLOAT, add_squares, splat, sqrt, wide_sum, wide_zero
from fasts2s_kernels.cpu.vector_memory import load_float, load_int, store_double

_launch = launch.external
#: Elements of one task: 64 KB of every array.
CHUNK = 16384
# Outside the root, as in the book.
_EPS = np.float32(1e-7)
#: Columns of a table: size, p, g, two slots, first task, whether it shares memory with a row before.
COLUMNS, FIRST_TASK, SHARED = 7, 5, 6
ROW = 8 * COLUMNS
TABLE = types.Array(types.int64, 2, "C")


@inline
def _chunk(task, args):
    """Return the first element of a task's chunk, the one after its last, and the addresses of p, g and the slots."""
    count, table = unpack_args(args, 2)
    row = table
    while row + ROW < table + ROW * count and load_int(row + ROW + 8 * FIRST_TASK) <= task:
        row += ROW
    start = (task - load_int(row + 8 * FIRST_TASK)) * CHUNK
    end = min(load_int(row), start + CHUNK)
    return start, end, load_int(row + 8), load_int(row + 16), load_int(row + 24), load_int(row + 32)


@inline
def _number(rule, k):
    return splat(load_float(rule + FLOAT * k))


@kernel()
def square_sums(worker, task, args):
    """The sum of squares of a chunk, in float64: squares of float32 beyond 1e19 would overflow."""
    start, end, g, _, _, _ = _chunk(task, args)
    _, _, sums = unpack_args(args, 3)
    total = wide_zero()
    for k in range(start, end, LANES):
        total = add_squares(total, load_first(g + FLOAT * k, end - k))
    store_double(sums + 8 * task, wide_sum(total))


@kernel()
def scale_chunk(worker, task, args):
    """``p = factor p``."""
    start, end, p, _, _, _ = _chunk(task, args)
    _, _, rule = unpack_args(args, 3)
    factor = _number(rule, 0)
    for k in range(start, end, LANES):
        here = FLOAT * k
        store_first(p + here, factor * load_first(p + here, end - k), end - k)


@kernel()
def sgd_chunk(worker, task, args):
    """``p -= lr g``; rule: lr."""
    start, end, p, g, _, _ = _chunk(task, args)
    _, _, rule = unpack_args(args, 3)
    scale = _number(rule, 0)
    lr = _number(rule, 1)
    for k in range(start, end, LANES):
        here, left = FLOAT * k, end - k
        store_first(p + here, load_first(p + here, left) - lr * (scale * load_first(g + here, left)), left)


@kernel()
def momentum_chunk(worker, task, args):
    """``v = momentum v - lr g; p += v``; rule: lr, momentum."""
    start, end, p, g, v, _ = _chunk(task, args)
    _, _, rule = unpack_args(args, 3)
    scale = _number(rule, 0)
    lr, momentum = _number(rule, 1), _number(rule, 2)
    for k in range(start, end, LANES):
        here, left = FLOAT * k, end - k
        velocity = momentum * load_first(v + here, left) - lr * (scale * load_first(g + here, left))
        store_first(v + here, velocity, left)
        store_first(p + here, load_first(p + here, left) + velocity, left)


@kernel()
def nesterov_chunk(worker, task, args):
    """``v = momentum v - lr g; p += momentum^2 v - (1 + momentum) lr g``; rule: lr, momentum, and these products."""
    start, end, p, g, v, _ = _chunk(task, args)
    _, _, rule = unpack_args(args, 3)
    scale = _number(rule, 0)
    lr, momentum = _number(rule, 1), _number(rule, 2)
    ahead, pull = _number(rule, 3), _number(rule, 4)
    for k in range(start, end, LANES):
        here, left = FLOAT * k, end - k
        gradient = scale * load_first(g + here, left)
        velocity = momentum * load_first(v + here, left) - lr * gradient
        store_first(v + here, velocity, left)
        store_first(p + here, load_first(p + here, left) + ahead * velocity - pull * gradient, left)


@kernel()
def rmsprop_chunk(worker, task, args):
    """``h = keep h + new g^2; p -= lr g / (sqrt(h) + eps)``; rule: lr, keep, new. AdaGrad has keep = new = 1."""
    start, end, p, g, h, _ = _chunk(task, args)
    _, _, rule = unpack_args(args, 3)
    scale = _number(rule, 0)
    lr, keep, new = _number(rule, 1), _number(rule, 2), _number(rule, 3)
    for k in range(start, end, LANES):
        here, left = FLOAT * k, end - k
        gradient = scale * load_first(g + here, left)
        squares = keep * load_first(h + here, left) + new * gradient * gradient
        store_first(h + here, squares, left)
        step = lr * gradient / (sqrt(squares) + splat(_EPS))
        store_first(p + here, load_first(p + here, left) - step, left)


@kernel()
def adam_chunk(worker, task, args):
    """``m += new1 (g - m); v += new2 (g^2 - v); p -= lr_t m / (sqrt(v) + eps)``; rule: lr_t, new1, new2."""
    start, end, p, g, m, v = _chunk(task, args)
    _, _, rule = unpack_args(args, 3)
    scale = _number(rule, 0)
    lr, new1, new2 = _number(rule, 1), _number(rule, 2), _number(rule, 3)
    for k in range(start, end, LANES):
        here, left = FLOAT * k, end - k
        gradient = scale * load_first(g + here, left)
        mean, square = load_first(m + here, left), load_first(v + here, left)
        mean = mean + new1 * (gradient - mean)
        square = square + new2 * (gradient * gradient - square)
        store_first(m + here, mean, left)
        store_first(v + here, square, left)
        step = lr * mean / (sqrt(square) + splat(_EPS))
        store_first(p + here, load_first(p + here, left) - step, left)


@inline
def _overlap(row, other):
    """Whether one of the arrays that are written in a row shares memory with one in another."""
    size, others = FLOAT * load_int(row), FLOAT * load_int(other)
    for i in (1, 3, 4):
        for j in (1, 3, 4):
            a, b = load_int(row + 8 * i), load_int(other + 8 * j)
            if a and b and a < b + others and b < a + size:
                return True
    return False


@entry(types.void(TABLE, arr.int_, arr.c1, arr.c1, arr.c1, arr.c1))
def describe(table, k, p, g, a, b):
    """Fill row k of a table; those before are filled."""
    table[k, 0], table[k, 1], table[k, 2] = p.size, address(p), address(g)
    table[k, 3], table[k, 4], table[k, FIRST_TASK], table[k, SHARED] = address(a), address(b), 0, 0
    if k > 0:
        table[k, FIRST_TASK] = table[k - 1, FIRST_TASK] + ceil_div(table[k - 1, 0], CHUNK)
    here = table.ctypes.data
    for other in range(k):
        if _overlap(here + ROW * k, here + ROW * other):
            table[k, SHARED] = 1


@inline
def _update(team, kernel, table, numbers):
    count = table.shape[0]
    tasks = table[count - 1, FIRST_TASK] + ceil_div(table[count - 1, 0], CHUNK)
    _launch(team, kernel, tasks, 0, 0, 0, 0, pack_args((count, table.ctypes.data, numbers)))


@entry(types.void(arr.int_, TABLE, arr.doubles1), needs=(square_sums, launch))
def sum_squares(team, table, sums):
    """Fill sums (tasks,) with the sums of squares of p."""
    _update(team, kernel_address("square_sums"), table, address(sums))


_SIGNATURE = types.void(arr.int_, TABLE, arr.c1)


@entry(_SIGNATURE, needs=(scale_chunk, launch))
def scale(team, table, rule):
    """See :func:`scale_chunk`."""
    _update(team, kernel_address("scale_chunk"), table, address(rule))


@entry(_SIGNATURE, needs=(sgd_chunk, launch))
def sgd(team, table, rule):
    """See :func:`sgd_chunk`."""
    _update(team, kernel_address("sgd_chunk"), table, address(rule))


@entry(_SIGNATURE, needs=(momentum_chunk, launch))
def momentum(team, table, rule):
    """See :func:`momentum_chunk`."""
    _update(team, kernel_address("momentum_chunk"), table, address(rule))


@entry(_SIGNATURE, needs=(nesterov_chunk, launch))
def nesterov(team, table, rule):
    """See :func:`nesterov_chunk`."""
    _update(team, kernel_address("nesterov_chunk"), table, address(rule))


@entry(_SIGNATURE, needs=(rmsprop_chunk, launch))
def rmsprop(team, table, rule):
    """See :func:`rmsprop_chunk`."""
    _update(team, kernel_address("rmsprop_chunk"), table, address(rule))


@entry(_SIGNATURE, needs=(adam_chunk, launch))
def adam(team, table, rule):
    """See :func:`adam_chunk`."""
    _update(team, kernel_address("adam_chunk"), table, address(rule))

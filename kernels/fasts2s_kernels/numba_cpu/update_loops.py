"""Compiled loops over the elements of one parameter: norm, scaling and the six update rules.

A task is a chunk of fixed size, so sums do not depend on the number of threads. Chunks are whole vectors but for the
last, whose rest is loaded and stored in part. Numbers of a rule lie in an array of float32, ``rule``.
"""

import numpy as np

from fasts2s_kernels.numba_cpu import _arrays as arr
from fasts2s_kernels.numba_cpu._calls import address, kernel_address, pack_args, unpack_args
from fasts2s_kernels.numba_cpu._jit import entry, inline, kernel
from fasts2s_kernels.numba_cpu._numba import types
from fasts2s_kernels.numba_cpu._simd import (
    FLOAT,
    add_squares,
    load_float,
    splat,
    sqrt,
    store_double,
    wide_sum,
    wide_zero,
)
from fasts2s_kernels.numba_cpu._target import LANES
from fasts2s_kernels.numba_cpu._threads import launch
from fasts2s_kernels.numba_cpu.gemm import ceil_div, load_first, store_first

_launch = launch.external
#: Elements of one task: 64 KB of every array.
CHUNK = 16384
# Outside the root, as in the book.
_EPS = np.float32(1e-7)


@inline
def _end(task, size):
    return min(size, (task + 1) * CHUNK)


@inline
def _number(rule, k):
    return splat(load_float(rule + FLOAT * k))


@kernel()
def square_sums(worker, task, args):
    """The sum of squares of a chunk, in float64: squares of float32 beyond 1e19 would overflow."""
    size, g, sums = unpack_args(args, 3)
    total, end = wide_zero(), _end(task, size)
    for k in range(task * CHUNK, end, LANES):
        total = add_squares(total, load_first(g + FLOAT * k, end - k))
    store_double(sums + 8 * task, wide_sum(total))


@kernel()
def scale_chunk(worker, task, args):
    """``p = factor p``."""
    size, p, _, _, _, rule = unpack_args(args, 6)
    factor, end = _number(rule, 0), _end(task, size)
    for k in range(task * CHUNK, end, LANES):
        here = FLOAT * k
        store_first(p + here, factor * load_first(p + here, end - k), end - k)


@kernel()
def sgd_chunk(worker, task, args):
    """``p -= lr g``; rule: lr."""
    size, p, g, _, _, rule = unpack_args(args, 6)
    lr, end = _number(rule, 0), _end(task, size)
    for k in range(task * CHUNK, end, LANES):
        here, left = FLOAT * k, end - k
        store_first(p + here, load_first(p + here, left) - lr * load_first(g + here, left), left)


@kernel()
def momentum_chunk(worker, task, args):
    """``v = momentum v - lr g; p += v``; rule: lr, momentum."""
    size, p, g, v, _, rule = unpack_args(args, 6)
    lr, momentum, end = _number(rule, 0), _number(rule, 1), _end(task, size)
    for k in range(task * CHUNK, end, LANES):
        here, left = FLOAT * k, end - k
        velocity = momentum * load_first(v + here, left) - lr * load_first(g + here, left)
        store_first(v + here, velocity, left)
        store_first(p + here, load_first(p + here, left) + velocity, left)


@kernel()
def nesterov_chunk(worker, task, args):
    """``v = momentum v - lr g; p += momentum^2 v - (1 + momentum) lr g``; rule: lr, momentum, and these products."""
    size, p, g, v, _, rule = unpack_args(args, 6)
    lr, momentum, end = _number(rule, 0), _number(rule, 1), _end(task, size)
    ahead, pull = _number(rule, 2), _number(rule, 3)
    for k in range(task * CHUNK, end, LANES):
        here, left = FLOAT * k, end - k
        gradient = load_first(g + here, left)
        velocity = momentum * load_first(v + here, left) - lr * gradient
        store_first(v + here, velocity, left)
        store_first(p + here, load_first(p + here, left) + ahead * velocity - pull * gradient, left)


@kernel()
def rmsprop_chunk(worker, task, args):
    """``h = keep h + new g^2; p -= lr g / (sqrt(h) + eps)``; rule: lr, keep, new. AdaGrad has keep = new = 1."""
    size, p, g, h, _, rule = unpack_args(args, 6)
    lr, keep, new, end = _number(rule, 0), _number(rule, 1), _number(rule, 2), _end(task, size)
    for k in range(task * CHUNK, end, LANES):
        here, left = FLOAT * k, end - k
        gradient = load_first(g + here, left)
        squares = keep * load_first(h + here, left) + new * gradient * gradient
        store_first(h + here, squares, left)
        step = lr * gradient / (sqrt(squares) + splat(_EPS))
        store_first(p + here, load_first(p + here, left) - step, left)


@kernel()
def adam_chunk(worker, task, args):
    """``m += new1 (g - m); v += new2 (g^2 - v); p -= lr_t m / (sqrt(v) + eps)``; rule: lr_t, new1, new2."""
    size, p, g, m, v, rule = unpack_args(args, 6)
    lr, new1, new2, end = _number(rule, 0), _number(rule, 1), _number(rule, 2), _end(task, size)
    for k in range(task * CHUNK, end, LANES):
        here, left = FLOAT * k, end - k
        gradient, mean, square = load_first(g + here, left), load_first(m + here, left), load_first(v + here, left)
        mean = mean + new1 * (gradient - mean)
        square = square + new2 * (gradient * gradient - square)
        store_first(m + here, mean, left)
        store_first(v + here, square, left)
        step = lr * mean / (sqrt(square) + splat(_EPS))
        store_first(p + here, load_first(p + here, left) - step, left)


@entry(types.void(arr.int_, arr.c1, arr.doubles1), needs=(square_sums, launch))
def sum_squares(team, g, sums):
    """Fill sums (chunks,) with the sums of squares of g."""
    args = pack_args((g.size, address(g), address(sums)))
    _launch(team, kernel_address("square_sums"), ceil_div(g.size, CHUNK), 0, 0, 0, 0, args)


_SIGNATURE = types.void(arr.int_, arr.out1, arr.c1, arr.out1, arr.out1, arr.c1)


@inline
def _update(team, kernel, p, g, a, b, rule):
    args = pack_args((p.size, address(p), address(g), address(a), address(b), address(rule)))
    _launch(team, kernel, ceil_div(p.size, CHUNK), 0, 0, 0, 0, args)


@entry(_SIGNATURE, needs=(scale_chunk, launch))
def scale(team, p, g, a, b, rule):
    """See :func:`scale_chunk`."""
    _update(team, kernel_address("scale_chunk"), p, g, a, b, rule)


@entry(_SIGNATURE, needs=(sgd_chunk, launch))
def sgd(team, p, g, a, b, rule):
    """See :func:`sgd_chunk`."""
    _update(team, kernel_address("sgd_chunk"), p, g, a, b, rule)


@entry(_SIGNATURE, needs=(momentum_chunk, launch))
def momentum(team, p, g, a, b, rule):
    """See :func:`momentum_chunk`."""
    _update(team, kernel_address("momentum_chunk"), p, g, a, b, rule)


@entry(_SIGNATURE, needs=(nesterov_chunk, launch))
def nesterov(team, p, g, a, b, rule):
    """See :func:`nesterov_chunk`."""
    _update(team, kernel_address("nesterov_chunk"), p, g, a, b, rule)


@entry(_SIGNATURE, needs=(rmsprop_chunk, launch))
def rmsprop(team, p, g, a, b, rule):
    """See :func:`rmsprop_chunk`."""
    _update(team, kernel_address("rmsprop_chunk"), p, g, a, b, rule)


@entry(_SIGNATURE, needs=(adam_chunk, launch))
def adam(team, p, g, a, b, rule):
    """See :func:`adam_chunk`."""
    _update(team, kernel_address("adam_chunk"), p, g, a, b, rule)

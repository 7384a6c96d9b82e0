"""Vectors in memory, for kernels: loads, stores, and what the caches are told.

Single numbers are read as ``p[k]``. Nothing is checked in compiled code: the Python entries have checked every array.
"""

import numpy as np
from llvmlite import ir

from fasts2s_kernels.cpu.kinds import INT, NONE, floats, vector
from fasts2s_kernels.cpu.later import cgutils
from fasts2s_kernels.cpu.pointer import const, further
from fasts2s_kernels.cpu.primitive import Primitive
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, address_of, call, first_lanes, load_vector, store_vector

#: Floats from which an array is too large for the caches, and is better written past them.
STREAM_FROM = 1 << 20
#: Floats of a cache line.
LINE = 16

_i8, _i32 = ir.IntType(8), ir.IntType(32)
_vec, _ints = ir.VectorType(ir.FloatType(), LANES), ir.VectorType(_i32, LANES)
_zeros, _align = ir.Constant(_vec, [0.0] * LANES), ir.Constant(_i32, FLOAT)


@Primitive
def load(p):
    """Return the vector at a place."""
    return p.part(0, LANES).copy()


@load.compiled
def _load(typing_context, p):
    def generate(context, builder, signature, args):
        return load_vector(builder, args[0])

    return vector(floats), generate


@Primitive
def store(p, a):
    """Store the vector a."""
    p.part(0, LANES)[:] = a


@store.compiled
def _store(typing_context, p, a):
    def generate(context, builder, signature, args):
        store_vector(builder, *args)
        return context.get_dummy_value()

    return NONE(floats, vector), generate


@Primitive
def stream(p, a):
    """Store the vector a past the caches, at an address that is a multiple of one."""
    p.part(0, LANES)[:] = a


@stream.compiled
def _stream(typing_context, p, a):
    def generate(context, builder, signature, args):
        stored = builder.store(args[1], address_of(builder, args[0], _vec))
        stored.align = VECTOR
        stored.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(_i32, 1)]))
        return context.get_dummy_value()

    return NONE(floats, vector), generate


@Primitive
def prefetch(p):
    """Ask for the cache line at a place, which need not be anybody's, in the second-level cache."""


@prefetch.compiled
def _prefetch(typing_context, p):
    def generate(context, builder, signature, args):
        place = address_of(builder, args[0], _i8)
        call(builder, "llvm.prefetch.p0", ir.VoidType(), place, *(ir.Constant(_i32, n) for n in (0, 2, 1)))
        return context.get_dummy_value()

    return NONE(floats), generate


@Primitive
def load_part(p, count):
    """Return the first count numbers at a place and zeros behind them; nothing behind them is read.

    A count below 1 reads nothing.
    """
    a = np.zeros(LANES, np.float32)
    if count > 0:
        a[:count] = p.part(0, count)
    return a


@load_part.compiled
def _load_part(typing_context, p, count):
    def generate(context, builder, signature, args):
        place = address_of(builder, args[0], _vec)
        return call(
            builder, f"llvm.masked.load.v{LANES}f32.p0", _vec, place, _align, first_lanes(builder, args[1]), _zeros
        )

    return vector(floats, INT), generate


@Primitive
def store_part(p, a, count):
    """Store the first count numbers of a, none where count is below 1; nothing behind them is written."""
    if count > 0:
        p.part(0, count)[:] = a[:count]


@store_part.compiled
def _store_part(typing_context, p, a, count):
    def generate(context, builder, signature, args):
        place, nothing = address_of(builder, args[0], _vec), ir.VoidType()
        mask = first_lanes(builder, args[2])
        call(builder, f"llvm.masked.store.v{LANES}f32.p0", nothing, args[1], place, _align, mask)
        return context.get_dummy_value()

    return NONE(floats, vector, INT), generate


@Primitive
def transpose_block(target, target_row, source, source_row):
    """Copy LANES x LANES numbers, transposed; rows are so many elements apart."""
    for r in range(LANES):
        row = source.part(source_row * r, LANES)
        for k in range(LANES):
            target[target_row * k + r] = row[k]


@transpose_block.compiled
def _transpose_block(typing_context, target, target_row, source, source_row):
    def generate(context, builder, signature, args):
        target, target_row, source, source_row = args
        places = [further(builder, floats, source, builder.mul(source_row, const(k))) for k in range(LANES)]
        rows = [load_vector(builder, place) for place in places]
        half = 1
        while half < LANES:  # swap the off-diagonal quarters of ever larger squares
            low = [k + LANES - half if k & half else k for k in range(LANES)]
            high = [k + LANES if k & half else k + half for k in range(LANES)]
            for k in range(LANES):
                if not k & half:
                    a, b = rows[k], rows[k + half]
                    rows[k] = builder.shuffle_vector(a, b, ir.Constant(_ints, low))
                    rows[k + half] = builder.shuffle_vector(a, b, ir.Constant(_ints, high))
            half *= 2
        for k, row in enumerate(rows):
            store_vector(builder, further(builder, floats, target, builder.mul(target_row, const(k))), row)
        return context.get_dummy_value()

    return NONE(floats, INT, floats, INT), generate


@Primitive
def zero(p, count):
    """Set count numbers to zero, as the C library does it: past the caches where they are many."""
    p.part(0, count)[:] = 0


@zero.compiled
def _zero(typing_context, p, count):
    def generate(context, builder, signature, args):
        size = builder.mul(args[1], const(signature.args[0].size))
        cgutils.memset(builder, address_of(builder, args[0], _i8), size, 0)
        return context.get_dummy_value()

    return NONE(p, INT), generate

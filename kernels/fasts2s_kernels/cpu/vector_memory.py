"""Vectors and single numbers in memory, for compiled kernels: loads, stores, and what the caches are told.

Addresses are plain integers (bytes), and nothing is checked here: the Python entries have checked every array.
"""

from typing import Any

from llvmlite import ir

from fasts2s_kernels.cpu.numba_api import cgutils, intrinsic, types
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector import FLOAT, VECTOR, address_of, call, first_lanes, load_vector, store_vector, vector

#: Floats from which an array is too large for the caches, and is better written past them.
STREAM_FROM = 1 << 20

_i8, _i32, _i64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_vec, _ints = ir.VectorType(ir.FloatType(), LANES), ir.VectorType(_i32, LANES)


def _stream_vector(builder: Any, value: Any, a: Any) -> None:
    stored = builder.store(a, address_of(builder, value, _vec))
    stored.align = VECTOR
    stored.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(_i32, 1)]))


@intrinsic
def load(typing_context, address):
    """Return the vector at an address."""

    def generate(context, builder, signature, args):
        return load_vector(builder, args[0])

    return vector(types.int64), generate


@intrinsic
def store(typing_context, address, a):
    """Store the vector a."""

    def generate(context, builder, signature, args):
        store_vector(builder, *args)
        return context.get_dummy_value()

    return types.none(types.int64, vector), generate


@intrinsic
def stream(typing_context, address, a):
    """Store the vector a at an address that is a multiple of VECTOR, past the caches."""

    def generate(context, builder, signature, args):
        _stream_vector(builder, *args)
        return context.get_dummy_value()

    return types.none(types.int64, vector), generate


@intrinsic
def prefetch(typing_context, address):
    """Ask for the cache line at an address, which need not be anybody's, in the second-level cache."""

    def generate(context, builder, signature, args):
        place = address_of(builder, args[0], _i8)
        call(builder, "llvm.prefetch.p0", ir.VoidType(), place, *(ir.Constant(_i32, n) for n in (0, 2, 1)))
        return context.get_dummy_value()

    return types.none(types.int64), generate


_zeros, _align = ir.Constant(_vec, [0.0] * LANES), ir.Constant(_i32, FLOAT)


@intrinsic
def load_part(typing_context, address, count):
    """Return the first count numbers at an address and zeros behind them; nothing behind them is read."""

    def generate(context, builder, signature, args):
        place = address_of(builder, args[0], _vec)
        return call(
            builder, f"llvm.masked.load.v{LANES}f32.p0", _vec, place, _align, first_lanes(builder, args[1]), _zeros
        )

    return vector(types.int64, types.int64), generate


@intrinsic
def store_part(typing_context, address, a, count):
    """Store the first count numbers of a; nothing behind them is written."""

    def generate(context, builder, signature, args):
        place, nothing = address_of(builder, args[0], _vec), ir.VoidType()
        mask = first_lanes(builder, args[2])
        call(builder, f"llvm.masked.store.v{LANES}f32.p0", nothing, args[1], place, _align, mask)
        return context.get_dummy_value()

    return types.none(types.int64, vector, types.int64), generate


def _scalar_memory(kind: Any, numba_kind: Any, prefix: str) -> tuple[Any, Any]:
    def load_one(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.load(address_of(builder, args[0], kind))

        return numba_kind(types.int64), generate

    def store_one(typing_context: Any, address: Any, a: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.store(args[1], address_of(builder, args[0], kind))
            return context.get_dummy_value()

        return types.none(types.int64, numba_kind), generate

    load_one.__name__, store_one.__name__ = f"load_{prefix}", f"store_{prefix}"
    load_one.__doc__, store_one.__doc__ = f"Return the {prefix} at an address.", f"Store a {prefix}."
    return intrinsic(load_one), intrinsic(store_one)


load_float, store_float = _scalar_memory(ir.FloatType(), types.float32, "float")
load_double, store_double = _scalar_memory(ir.DoubleType(), types.float64, "double")
load_int, store_int = _scalar_memory(_i64, types.int64, "int")


@intrinsic
def transpose_block(typing_context, target, target_row, source, source_row):
    """Copy LANES x LANES numbers, transposed; distances of rows in bytes."""

    def generate(context, builder, signature, args):
        target, target_row, source, source_row = args
        step = [ir.Constant(_i64, k) for k in range(LANES)]
        rows = [load_vector(builder, builder.add(source, builder.mul(source_row, k))) for k in step]
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
        for k, row in zip(step, rows, strict=True):
            store_vector(builder, builder.add(target, builder.mul(target_row, k)), row)
        return context.get_dummy_value()

    return types.none(*[types.int64] * 4), generate


@intrinsic
def load_bool(typing_context, address):
    """Return the element of a bool array at an address."""

    def generate(context, builder, signature, args):
        byte = builder.load(address_of(builder, args[0], _i8))
        return builder.icmp_unsigned("!=", byte, ir.Constant(_i8, 0))

    return types.boolean(types.int64), generate


@intrinsic
def zero_bytes(typing_context, address, count):
    """Set count bytes to zero, as the C library does it: past the caches where they are many."""

    def generate(context, builder, signature, args):
        cgutils.memset(builder, address_of(builder, args[0], _i8), args[1], 0)
        return context.get_dummy_value()

    return types.none(types.int64, types.int64), generate

"""Vectors of float32 inside compiled kernels: explicit SIMD in readable Python.

A kernel writes ``store(p, sigmoid(load(p) + load(q)))`` and gets one instruction per operation, on any processor;
nothing depends on whether a compiler recognises a loop. In the plain twin a vector is an array of LANES numbers.

``+ - * /`` may be contracted into fused multiply-adds, nothing else is relaxed: NaN and infinity propagate.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from fasts2s_kernels.cpu.kinds import DOUBLE, INT, SINGLE, vector, wide
from fasts2s_kernels.cpu.later import cgutils
from fasts2s_kernels.cpu.primitive import Primitive
from fasts2s_kernels.cpu.target import LANES, TARGET

#: Bytes of a number, and of a vector: for the compiler's alignment only.
FLOAT = 4
VECTOR = FLOAT * LANES

_i32 = ir.IntType(32)
_vec, _wide, _ints = (ir.VectorType(t, LANES) for t in (ir.FloatType(), ir.DoubleType(), _i32))


def address_of(builder: Any, value: Any, kind: Any) -> Any:
    """Return the integer value as a pointer to kind."""
    return builder.inttoptr(value, kind.as_pointer())


def load_vector(builder: Any, value: Any) -> Any:
    """Return the vector at an address that is a multiple of four."""
    loaded = builder.load(address_of(builder, value, _vec))
    loaded.align = FLOAT
    return loaded


def store_vector(builder: Any, value: Any, a: Any) -> None:
    """Store a vector at an address that is a multiple of four."""
    builder.store(a, address_of(builder, value, _vec)).align = FLOAT


def splat_vector(builder: Any, scalar: Any) -> Any:
    """Return a vector with the scalar in every lane."""
    undefined = ir.Constant(_vec, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(_i32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(_ints, [0] * LANES))


def call(builder: Any, name: str, result: Any, *args: Any) -> Any:
    """Call an LLVM intrinsic by name; llvmlite's own way of declaring them knows no vectors."""
    kind = ir.FunctionType(result, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def fused(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c: rounded once where the processor does that, else twice, not by a call for every lane."""
    return call(builder, f"llvm.{'fma' if TARGET.fused else 'fmuladd'}.v{LANES}f32", _vec, a, b, c)


def first_lanes(builder: Any, count: Any) -> Any:
    """Return the mask of the first count lanes."""
    lanes, one = ir.Constant(_ints, list(range(LANES))), ir.Constant(_i32, 0)
    n = builder.insert_element(ir.Constant(_ints, ir.Undefined), builder.trunc(count, _i32), one)
    n = builder.shuffle_vector(n, ir.Constant(_ints, ir.Undefined), ir.Constant(_ints, [0] * LANES))
    return builder.icmp_signed("<", lanes, n)


@Primitive
def splat(x):
    """Return a vector with the float32 x in every lane."""
    return np.full(LANES, x, np.float32)


@splat.compiled
def _splat(typing_context, x):
    def generate(context, builder, signature, args):
        return splat_vector(builder, args[0])

    return vector(SINGLE), generate


@Primitive
def fma(a, b, c):
    """Return a b + c, see :func:`fused`. Plain: rounded twice, the first time in float64."""
    return (a.astype(np.float64) * b + c).astype(np.float32)


@fma.compiled
def _fma(typing_context, a, b, c):
    def generate(context, builder, signature, args):
        return fused(builder, *args)

    return vector(vector, vector, vector), generate


@Primitive
def sqrt(a):
    """Return the square root, correctly rounded."""
    return np.sqrt(a)


@sqrt.compiled
def _sqrt(typing_context, a):
    def generate(context, builder, signature, args):
        return call(builder, f"llvm.sqrt.v{LANES}f32", _vec, *args)

    return vector(vector), generate


@Primitive
def where_less(a, b, x, y):
    """Return x where a < b, y elsewhere, also where a or b is NaN."""
    return np.where(a < b, x, y)


@Primitive
def where_greater(a, b, x, y):
    """Return x where a > b, y elsewhere, also where a or b is NaN."""
    return np.where(a > b, x, y)


def _choice(primitive: Primitive, relation: str) -> None:
    @primitive.compiled
    def choice(typing_context: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            a, b, x, y = args
            return builder.select(builder.fcmp_ordered(relation, a, b), x, y)

        return vector(vector, vector, vector, vector), generate


_choice(where_less, "<")
_choice(where_greater, ">")


@Primitive
def exponent_bits(t):
    """Return the number whose exponent field is the last eight bits of t, its other bits zero."""
    return (t.view(np.int32) << 23).view(np.float32)


@exponent_bits.compiled
def _exponent_bits(typing_context, t):
    def generate(context, builder, signature, args):
        bits = builder.bitcast(args[0], _ints)
        return builder.bitcast(builder.shl(bits, ir.Constant(_ints, [23] * LANES)), _vec)

    return vector(vector), generate


def _reduced(builder: Any, a: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """Return all lanes of a combined: halves, halves of the result, and so on. The order is always the same."""
    count = LANES
    while count > 1:
        count //= 2
        parts = [ir.Constant(ir.VectorType(_i32, count), [k + start for k in range(count)]) for start in (0, count)]
        a = combine(*(builder.shuffle_vector(a, ir.Constant(a.type, ir.Undefined), part) for part in parts))
    return builder.extract_element(a, ir.Constant(_i32, 0))


@Primitive
def lane_sum(a):
    """Return the sum of all lanes as a float64, added in float64."""
    return a.astype(np.float64).sum()


@lane_sum.compiled
def _lane_sum(typing_context, a):
    def generate(context, builder, signature, args):
        return _reduced(builder, builder.fpext(args[0], _wide), builder.fadd)

    return DOUBLE(vector), generate


@Primitive
def lane_max(a):
    """Return the largest lane as a float32; a NaN where all are, and maybe where some are."""
    return np.fmax.reduce(a)


@lane_max.compiled
def _lane_max(typing_context, a):
    def generate(context, builder, signature, args):
        return _reduced(builder, args[0], lambda x, y: builder.select(builder.fcmp_ordered(">", x, y), x, y))

    return SINGLE(vector), generate


@Primitive
def merge_lanes(a, b, count):
    """Return the first count lanes of a, the others of b."""
    return np.where(np.arange(LANES) < count, a, b)


@merge_lanes.compiled
def _merge_lanes(typing_context, a, b, count):
    def generate(context, builder, signature, args):
        return builder.select(first_lanes(builder, args[2]), *args[:2])

    return vector(vector, vector, INT), generate


@Primitive
def wide_zero():
    """Return a vector of float64 zeros."""
    return np.zeros(LANES)


@wide_zero.compiled
def _wide_zero(typing_context):
    def generate(context, builder, signature, args):
        return ir.Constant(_wide, [0.0] * LANES)

    return wide(), generate


@Primitive
def add_squares(total, a):
    """Return total plus the squares of a, in float64."""
    return total + a.astype(np.float64) ** 2


@add_squares.compiled
def _add_squares(typing_context, total, a):
    def generate(context, builder, signature, args):
        a = builder.fpext(args[1], _wide)
        return builder.fadd(args[0], builder.fmul(a, a, flags=("contract",)), flags=("contract",))

    return wide(wide, vector), generate


@Primitive
def add_wide(total, a):
    """Return total + a in float64, lane by lane."""
    return total + a


@add_wide.compiled
def _add_wide(typing_context, total, a):
    def generate(context, builder, signature, args):
        return builder.fadd(args[0], builder.fpext(args[1], _wide))

    return wide(wide, vector), generate


@Primitive
def wide_sum(a):
    """Return the sum of all lanes."""
    return a.sum()


@wide_sum.compiled
def _wide_sum(typing_context, a):
    def generate(context, builder, signature, args):
        return _reduced(builder, args[0], builder.fadd)

    return DOUBLE(wide), generate

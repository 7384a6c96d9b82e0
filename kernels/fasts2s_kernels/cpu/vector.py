"""Vectors of float32 inside compiled kernels: explicit SIMD in readable Python.

A kernel writes ``store(p, sigmoid(load(p) + load(q)))`` and gets one instruction per operation, on any processor;
nothing depends on whether a compiler recognises a loop. Addresses are plain integers (bytes), because a kernel walks
through memory of many shapes; the Python entries have checked every one of them.

``+ - * /`` may be contracted into fused multiply-adds, nothing else is relaxed: NaN and infinity propagate.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core.datamodel import models

from fasts2s_kernels.cpu.numba_api import cgutils, intrinsic, lower_builtin, register_model, type_callable, types
from fasts2s_kernels.cpu.target import LANES

# In bytes.
FLOAT = 4
VECTOR = FLOAT * LANES

_i32 = ir.IntType(32)
_vec, _wide, _ints = (ir.VectorType(t, LANES) for t in (ir.FloatType(), ir.DoubleType(), _i32))


class VectorType(types.Type):
    """LANES float32 numbers in a register."""

    def __init__(self) -> None:
        super().__init__(name=f"float32x{LANES}")


vector = VectorType()


class WideType(types.Type):
    """LANES float64 numbers: sums of squares, which overflow in float32."""

    def __init__(self) -> None:
        super().__init__(name=f"float64x{LANES}")


wide = WideType()


@register_model(WideType)
class _WideModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _wide)


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _vec)


def _arithmetic(op: Callable[..., Any], instruction: str) -> None:
    @type_callable(op)
    def _type(context: Any) -> Any:
        def typer(a: Any, b: Any) -> Any:
            return vector if isinstance(a, VectorType) and isinstance(b, VectorType) else None

        return typer

    @lower_builtin(op, VectorType, VectorType)
    def _lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args, flags=("contract",))


for _op, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _arithmetic(_op, _instruction)


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
    """Return a b + c, rounded once."""
    return call(builder, f"llvm.fma.v{LANES}f32", _vec, a, b, c)


def first_lanes(builder: Any, count: Any) -> Any:
    """Return the mask of the first count lanes."""
    lanes, one = ir.Constant(_ints, list(range(LANES))), ir.Constant(_i32, 0)
    n = builder.insert_element(ir.Constant(_ints, ir.Undefined), builder.trunc(count, _i32), one)
    n = builder.shuffle_vector(n, ir.Constant(_ints, ir.Undefined), ir.Constant(_ints, [0] * LANES))
    return builder.icmp_signed("<", lanes, n)


@intrinsic
def splat(typing_context, x):
    """Return a vector with the float32 x in every lane."""

    def generate(context, builder, signature, args):
        return splat_vector(builder, args[0])

    return vector(types.float32), generate


@intrinsic
def fma(typing_context, a, b, c):
    """Return a b + c, rounded once."""

    def generate(context, builder, signature, args):
        return fused(builder, *args)

    return vector(vector, vector, vector), generate


def _unary(name: str, text: str) -> Any:
    def unary(typing_context: Any, a: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return call(builder, f"llvm.{name}.v{LANES}f32", _vec, *args)

        return vector(vector), generate

    unary.__name__, unary.__doc__ = name, text
    return intrinsic(unary)


sqrt = _unary("sqrt", "Return the square root, correctly rounded.")
fabs = _unary("fabs", "Return the absolute value.")


def _choice(name: str, relation: str, text: str) -> Any:
    def choice(typing_context: Any, a: Any, b: Any, x: Any, y: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            a, b, x, y = args
            return builder.select(builder.fcmp_ordered(relation, a, b), x, y)

        return vector(vector, vector, vector, vector), generate

    choice.__name__, choice.__doc__ = name, text
    return intrinsic(choice)


where_less = _choice("where_less", "<", "Return x where a < b, y elsewhere, also where a or b is NaN.")
where_greater = _choice("where_greater", ">", "Return x where a > b, y elsewhere, also where a or b is NaN.")


@intrinsic
def exponent_bits(typing_context, t):
    """Return the number whose exponent field is the last eight bits of t, its other bits zero."""

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


@intrinsic
def lane_sum(typing_context, a):
    """Return the sum of all lanes as a float64, added in float64."""

    def generate(context, builder, signature, args):
        return _reduced(builder, builder.fpext(args[0], _wide), builder.fadd)

    return types.float64(vector), generate


@intrinsic
def lane_max(typing_context, a):
    """Return the largest lane as a float32; a NaN where all are, and maybe where some are."""

    def generate(context, builder, signature, args):
        return _reduced(builder, args[0], lambda x, y: builder.select(builder.fcmp_ordered(">", x, y), x, y))

    return types.float32(vector), generate


@intrinsic
def merge_lanes(typing_context, a, b, count):
    """Return the first count lanes of a, the others of b."""

    def generate(context, builder, signature, args):
        return builder.select(first_lanes(builder, args[2]), *args[:2])

    return vector(vector, vector, types.int64), generate


@intrinsic
def wide_zero(typing_context):
    """Return a vector of float64 zeros."""

    def generate(context, builder, signature, args):
        return ir.Constant(_wide, [0.0] * LANES)

    return wide(), generate


@intrinsic
def add_squares(typing_context, total, a):
    """Return total plus the squares of a, in float64."""

    def generate(context, builder, signature, args):
        a = builder.fpext(args[1], _wide)
        return builder.fadd(args[0], builder.fmul(a, a, flags=("contract",)), flags=("contract",))

    return wide(wide, vector), generate


@intrinsic
def wide_sum(typing_context, a):
    """Return the sum of all lanes."""

    def generate(context, builder, signature, args):
        return _reduced(builder, args[0], builder.fadd)

    return types.float64(wide), generate

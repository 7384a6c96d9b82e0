"""How compiled functions hand one another addresses and arguments."""

from typing import Any

from llvmlite import ir

from fasts2s_kernels.cpu.jit import PREFIX
from fasts2s_kernels.cpu.numba_api import cgutils, intrinsic, types

_i64 = ir.IntType(64)
_task = ir.FunctionType(ir.VoidType(), [_i64] * 3)


def _const(n: int) -> Any:
    return ir.Constant(_i64, n)


@intrinsic
def address(typing_context, array):
    """Return the address of the first element of an array, 0 of an array without elements."""

    def generate(context, builder, signature, args):
        a = context.make_array(signature.args[0])(context, builder, args[0])
        place = builder.ptrtoint(a.data, _i64)
        return builder.select(builder.icmp_signed("==", a.nitems, _const(0)), _const(0), place)

    return types.int64(array), generate


@intrinsic(prefer_literal=True)
def kernel_address(typing_context, name):
    """Return the address of the kernel with a (literal) name."""
    if not isinstance(name, types.StringLiteral):
        return None
    symbol = PREFIX + name.literal_value

    def generate(context, builder, signature, args):
        return builder.ptrtoint(cgutils.get_or_insert_function(builder.module, _task, symbol), _i64)

    return types.int64(name), generate


def _generate_call(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """Call the function at the address that is the first value, with the others."""
    kind = ir.FunctionType(ir.VoidType(), [_i64] * (len(values) - 1))
    builder.call(builder.inttoptr(values[0], kind.as_pointer()), values[1:])
    return context.get_dummy_value()


@intrinsic
def call_task(typing_context, kernel, worker, task, args):
    """Call the kernel at an address, whose signature must be ``_jit.TASK``."""
    return types.none(*[types.int64] * 4), _generate_call


@intrinsic
def call_region(typing_context, region, workers, first, n_first, second, n_second, third, n_third, args):
    """Call ``_threads.parallel_region`` by its address."""
    return types.none(*[types.int64] * 9), _generate_call


@intrinsic
def pack_args(typing_context, values):
    """Return the address of a copy of a tuple of int64, which lives as long as the call of the calling function."""

    def generate(context, builder, signature, args):
        memory = cgutils.alloca_once(builder, _i64, size=len(signature.args[0]))
        for k in range(len(signature.args[0])):
            builder.store(builder.extract_value(args[0], k), builder.gep(memory, [_const(k)]))
        return builder.ptrtoint(memory, _i64)

    return types.int64(values), generate


@intrinsic(prefer_literal=True)
def zeros_on_stack(typing_context, count):
    """Return the address of count (a literal) int64 zeros, which live as long as the call of the calling function."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    kind = ir.ArrayType(_i64, count.literal_value)

    def generate(context, builder, signature, args):
        memory = cgutils.alloca_once(builder, kind)
        builder.store(ir.Constant(kind, None), memory)
        return builder.ptrtoint(memory, _i64)

    return types.int64(count), generate


@intrinsic(prefer_literal=True)
def unpack_args(typing_context, place, count):
    """Return what pack_args stored: a tuple of count (a literal) int64."""
    if not isinstance(count, types.IntegerLiteral):
        return None
    kind = types.UniTuple(types.int64, count.literal_value)

    def generate(context, builder, signature, args):
        memory = builder.inttoptr(args[0], _i64.as_pointer())
        values = [builder.load(builder.gep(memory, [_const(k)])) for k in range(len(kind))]
        return context.make_tuple(builder, kind, values)

    return kind(types.int64, count), generate

"""How compiled functions call one another by address, and what they keep on the stack."""

from typing import Any

import numpy as np
from llvmlite import ir

from fasts2s_kernels.cpu import plain
from fasts2s_kernels.cpu.numba_api import cgutils, types
from fasts2s_kernels.cpu.pointer import i64, ints
from fasts2s_kernels.cpu.primitive import Primitive


def _generate_call(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """Call the function at the address that is the first value, with the others."""
    kind = ir.FunctionType(ir.VoidType(), [i64] * (len(values) - 1))
    builder.call(builder.inttoptr(values[0], kind.as_pointer()), values[1:])
    return context.get_dummy_value()


@Primitive
def call_task(kernel, worker, task, record):
    """Call the kernel at an address for one task; record is the address of what it reads."""
    kernel(worker, task, record)


@call_task.compiled
def _call_task(typing_context, kernel, worker, task, record):
    return types.none(*[types.int64] * 4), _generate_call


@Primitive
def call_region(region, workers, first, n_first, second, n_second, turn, third, n_third, record):
    """Call ``threads.parallel_region`` by its address."""
    region(workers, first, n_first, second, n_second, turn, third, n_third, record)


@call_region.compiled
def _call_region(typing_context, region, workers, first, n_first, second, n_second, turn, third, n_third, record):
    return types.none(*[types.int64] * 10), _generate_call


@Primitive
def zeros_on_stack(count):
    """Return the place of count (a literal) int64 zeros, which live as long as the call of the calling function."""
    return plain.Place(np.zeros(count, np.int64), "zeros_on_stack")


@zeros_on_stack.compiled
def _zeros_on_stack(typing_context, count):
    if not isinstance(count, types.IntegerLiteral):
        return None
    kind = ir.ArrayType(i64, count.literal_value)

    def generate(context, builder, signature, args):
        memory = cgutils.alloca_once(builder, kind)
        builder.store(ir.Constant(kind, None), memory)
        return builder.ptrtoint(memory, i64)

    return ints(count), generate

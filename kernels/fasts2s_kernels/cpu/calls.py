"""How compiled functions call one another by address."""

from llvmlite import ir

from fasts2s_kernels.cpu.kinds import INT, NONE
from fasts2s_kernels.cpu.pointer import i64
from fasts2s_kernels.cpu.primitive import Primitive


@Primitive
def call_task(kernel, worker, task, record):
    """Call the kernel at an address for one task; record is the address of what it reads."""
    kernel(worker, task, record)


@call_task.compiled
def _call_task(typing_context, kernel, worker, task, record):
    def generate(context, builder, signature, args):
        kind = ir.FunctionType(ir.VoidType(), [i64] * 3)
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])
        return context.get_dummy_value()

    return NONE(*[INT] * 4), generate

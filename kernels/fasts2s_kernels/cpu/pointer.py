"""Pointers that compiled kernels walk through memory with: they count elements, and know what these are.

``p + k`` is k elements further, ``p[k]`` one element, ``if p`` asks whether there is anything. To the compiler a
pointer is an address, so the code is that of integers; nothing is checked there, because the Python entries have
checked every array. In the plain twin it is a :class:`fasts2s_kernels.cpu.plain.Place`, which refuses to leave its
array.
"""

import operator
from typing import Annotated, Any, TypeAlias

from llvmlite import ir
from numba.core.datamodel import models

from fasts2s_kernels.cpu import plain
from fasts2s_kernels.cpu.numba_api import lower_builtin, register_model, type_callable, types
from fasts2s_kernels.cpu.primitive import Primitive

i64 = ir.IntType(64)


class PointerType(types.Type):
    """A place in an array of float32, float64, int64 or bool."""

    def __init__(self, element: Any) -> None:
        self.element = element
        #: Bytes of an element.
        self.size = 1 if element is types.boolean else element.bitwidth // 8
        super().__init__(name=f"pointer({element})")


@register_model(PointerType)
class _PointerModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, i64)


floats, doubles = PointerType(types.float32), PointerType(types.float64)
ints, bools = PointerType(types.int64), PointerType(types.boolean)

#: Annotations of kernels' parameters. Type checkers see Any: the kernel language is Numba's to check.
Int: TypeAlias = Annotated[Any, types.int64]
Floats: TypeAlias = Annotated[Any, floats]
Doubles: TypeAlias = Annotated[Any, doubles]
Ints: TypeAlias = Annotated[Any, ints]
Bools: TypeAlias = Annotated[Any, bools]


def const(n: int) -> Any:
    """Return an int64 constant."""
    return ir.Constant(i64, n)


def further(builder: Any, kind: PointerType, place: Any, k: Any) -> Any:
    """Return the address k elements after another one."""
    return builder.add(place, k if kind.size == 1 else builder.mul(k, const(kind.size)))


def _is_pointer(p: Any) -> bool:
    return isinstance(p, PointerType)


@type_callable(operator.add)
def _type_add(context: Any) -> Any:
    return lambda p, k: p if _is_pointer(p) and isinstance(k, types.Integer) else None


@lower_builtin(operator.add, PointerType, types.Integer)
def _lower_add(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return further(builder, sig.args[0], args[0], context.cast(builder, args[1], sig.args[1], types.int64))


@type_callable(operator.getitem)
def _type_getitem(context: Any) -> Any:
    return lambda p, k: p.element if _is_pointer(p) and isinstance(k, types.Integer) else None


def _element(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Return the place ``p[k]`` as a pointer of LLVM."""
    kind = sig.args[0]
    address = _lower_add(context, builder, sig, args)
    stored = ir.IntType(8) if kind is bools else context.get_value_type(kind.element)
    return builder.inttoptr(address, stored.as_pointer())


@lower_builtin(operator.getitem, PointerType, types.Integer)
def _lower_getitem(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    value = builder.load(_element(context, builder, sig, args))
    return builder.icmp_unsigned("!=", value, ir.Constant(value.type, 0)) if sig.args[0] is bools else value


@type_callable(operator.setitem)
def _type_setitem(context: Any) -> Any:
    return lambda p, k, value: types.none if _is_pointer(p) and p is not bools else None


@lower_builtin(operator.setitem, PointerType, types.Integer, types.Any)
def _lower_setitem(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    value = context.cast(builder, args[2], sig.args[2], sig.args[0].element)
    builder.store(value, _element(context, builder, sig, args))
    return context.get_dummy_value()


def _truth(op: Any, relation: str) -> None:
    @type_callable(op)
    def _type(context: Any) -> Any:
        return lambda p: types.boolean if _is_pointer(p) else None

    @lower_builtin(op, PointerType)
    def _lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.icmp_signed(relation, args[0], const(0))


_truth(bool, "!=")
_truth(operator.not_, "==")


@Primitive
def offset(p, k):
    """Return ``p + k``; nothing, where p is nothing."""
    return p + k if p else p


@offset.compiled
def _offset(typing_context, p, k):
    def generate(context, builder, signature, args):
        place, k = args
        moved = further(builder, signature.args[0], place, k)
        return builder.select(builder.icmp_signed("==", place, const(0)), place, moved)

    return p(p, types.int64), generate


@Primitive
def nothing(p):
    """Return the pointer to nothing, of the kind of p: False where it is asked for."""
    return p.nothing()


@nothing.compiled
def _nothing(typing_context, p):
    def generate(context, builder, signature, args):
        return const(0)

    return p(p), generate


@Primitive
def address(p):
    """Return the address of a place, 0 of nothing."""
    return p.elements.ctypes.data + p.elements.itemsize * p.start if p else 0


@address.compiled
def _address(typing_context, p):
    def generate(context, builder, signature, args):
        return args[0]

    return types.int64(p), generate


@Primitive
def floats_at(address, count):
    """Return the place of count float32 at an address; nothing where that is 0."""
    return plain.place_at(address, count)


@floats_at.compiled
def _floats_at(typing_context, address, count):
    def generate(context, builder, signature, args):
        return args[0]

    return floats(types.int64, types.int64), generate


@Primitive
def is_aligned(p, n):
    """Return whether an address is a multiple of n elements. Plain: True, for alignment changes no value."""
    return True


@is_aligned.compiled
def _is_aligned(typing_context, p, n):
    def generate(context, builder, signature, args):
        bytes_ = builder.mul(args[1], const(signature.args[0].size))
        return builder.icmp_signed("==", builder.srem(args[0], bytes_), const(0))

    return types.boolean(p, types.int64), generate


@Primitive
def aligned(p, n):
    """Return the first place from p on whose address is a multiple of n elements. Plain: p."""
    return p


@aligned.compiled
def _aligned(typing_context, p, n):
    def generate(context, builder, signature, args):
        bytes_ = builder.mul(args[1], const(signature.args[0].size))
        end = builder.sub(builder.add(args[0], bytes_), const(1))
        return builder.sub(end, builder.srem(end, bytes_))

    return p(p, types.int64), generate

"""The kinds of the kernel language as types of Numba, and what operators on them compile to.

Imported when something is compiled, and never before.
"""

import operator
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models
from numba.core.registry import cpu_target
from numba.core.typing.templates import AttributeTemplate, signature
from numba.extending import (
    infer_getattr,
    intrinsic,
    lower_builtin,
    lower_getattr_generic,
    register_model,
    type_callable,
)

from fasts2s_kernels.cpu import kinds
from fasts2s_kernels.cpu.pointer import const, further, i64
from fasts2s_kernels.cpu.record import RecordKind
from fasts2s_kernels.cpu.target import LANES

_NUMBERS: dict[Any, Any] = {
    kinds.INT: types.int64,
    kinds.SINGLE: types.float32,
    kinds.DOUBLE: types.float64,
    kinds.BOOL: types.boolean,
    kinds.NONE: types.none,
}


class PointerType(types.Type):
    """A place in an array: an address that counts elements."""

    def __init__(self, pointer: kinds.Pointer) -> None:
        self.pointer, self.element, self.size = pointer, _NUMBERS[pointer.element], pointer.size
        super().__init__(name=repr(pointer))


class VectorType(types.Type):
    """LANES float32 numbers in a register."""


class WideType(types.Type):
    """LANES float64 numbers."""


class RecordType(types.Type):
    """The address of a record."""

    def __init__(self, kind: RecordKind) -> None:
        self.kind = kind
        super().__init__(name=repr(kind))


_VECTOR, _WIDE = VectorType(name=f"float32x{LANES}"), WideType(name=f"float64x{LANES}")


@cache
def of(kind: Any) -> Any:
    """Return the type of Numba that a kind stands for; what is one already is its own."""
    if isinstance(kind, kinds.Pointer):
        return PointerType(kind)
    if isinstance(kind, RecordKind):
        return RecordType(kind)
    return {**_NUMBERS, kinds.vector: _VECTOR, kinds.wide: _WIDE}.get(kind, kind)


def of_primitive(typing: Callable[..., Any]) -> Any:
    """Return the type of a primitive, from what :meth:`Primitive.compiled` took."""

    @wraps(typing)
    def typed(context: Any, *args: Any) -> Any:
        found = typing(context, *args)
        if found is None:
            return None
        wanted, generate = found
        result, arguments = (
            (wanted.result, wanted.arguments)
            if isinstance(wanted, kinds.Signature)
            else (wanted.return_type, wanted.args)
        )
        return signature(of(result), *map(of, arguments)), generate

    context: Any = cpu_target.typing_context
    made: Any = intrinsic(prefer_literal=True)(typed)
    context.refresh()
    return context.resolve_value_type(made)


def _register(kind: Any, held: Any) -> None:
    """Let compiled code hold values of a type as LLVM's."""

    @register_model(kind)
    class _Model(models.PrimitiveModel):
        def __init__(self, manager: Any, numba_type: Any) -> None:
            super().__init__(manager, numba_type, held)


_register(PointerType, i64)
_register(RecordType, i64)
_register(VectorType, ir.VectorType(ir.FloatType(), LANES))
_register(WideType, ir.VectorType(ir.DoubleType(), LANES))


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
    stored = ir.IntType(8) if kind.pointer is kinds.bools else context.get_value_type(kind.element)
    return builder.inttoptr(address, stored.as_pointer())


@lower_builtin(operator.getitem, PointerType, types.Integer)
def _lower_getitem(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    value = builder.load(_element(context, builder, sig, args))
    is_bool = sig.args[0].pointer is kinds.bools
    return builder.icmp_unsigned("!=", value, ir.Constant(value.type, 0)) if is_bool else value


@type_callable(operator.setitem)
def _type_setitem(context: Any) -> Any:
    return lambda p, k, value: types.none if _is_pointer(p) and p.pointer is not kinds.bools else None


@lower_builtin(operator.setitem, PointerType, types.Integer, types.Any)
def _lower_setitem(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    value = context.cast(builder, args[2], sig.args[2], sig.args[0].element)
    builder.store(value, _element(context, builder, sig, args))
    return context.get_dummy_value()


def _truth(op: Any, relation: str, kind: Any) -> None:
    @type_callable(op)
    def _type(context: Any) -> Any:
        return lambda p: types.boolean if isinstance(p, kind) else None

    @lower_builtin(op, kind)
    def _lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.icmp_signed(relation, args[0], const(0))


_truth(bool, "!=", PointerType)
_truth(operator.not_, "==", PointerType)
_truth(bool, "!=", RecordType)


@infer_getattr
class _Fields(AttributeTemplate):
    key = RecordType

    def generic_resolve(self, kind: Any, name: str) -> Any:  # type: ignore[override]
        _, held = kind.kind.slot(name)
        return None if held is None else of(held)


@lower_getattr_generic(RecordType)
def _lower_field(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    number, held = kind.kind.slot(name)
    stored = i64 if isinstance(held, kinds.Pointer) else context.get_value_type(of(held))
    place = builder.inttoptr(builder.add(value, const(8 * number)), stored.as_pointer())
    loaded = builder.load(place)
    # Nobody writes to a record while a kernel runs: it may be read once, or again instead of being kept.
    loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    return loaded


def _arithmetic(op: Callable[..., Any], instruction: str) -> None:
    @type_callable(op)
    def _type(context: Any) -> Any:
        def typer(a: Any, b: Any) -> Any:
            return _VECTOR if isinstance(a, VectorType) and isinstance(b, VectorType) else None

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

"""Records: what the kernels of one launch share, every field with its name and its type.

    @record
    class Forward(NamedTuple):
        H: Int  # units
        Wh: C2  # (H, 4H)
        hs: Out3  # (N, T, H)

Python fills a record by keyword, with numbers and arrays; a kernel reads ``a.H`` and walks from ``a.Wh``. In memory
it is a row of eight-byte slots, a number or an address each.
"""

import functools
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar, cast, get_type_hints

from llvmlite import ir
from numba.core.datamodel import models
from numba.extending import infer_getattr, lower_getattr_generic

from fasts2s_kernels.cpu.numba_api import (
    AttributeTemplate,
    cgutils,
    cpu_target,
    lower_builtin,
    register_model,
    type_callable,
    typeof,
    types,
)
from fasts2s_kernels.cpu.pointer import PointerType, bools, const, doubles, floats, i64, ints
from fasts2s_kernels.cpu.primitive import Primitive

_POINTERS = {types.float32: floats, types.float64: doubles, types.int64: ints, types.boolean: bools}


def _read(element: Any, axes: int) -> Any:
    return types.Array(element, axes, "C", readonly=True)


# Read: a writable array will do too.
C1: TypeAlias = Annotated[Any, _read(types.float32, 1)]
C2: TypeAlias = Annotated[Any, _read(types.float32, 2)]
C3: TypeAlias = Annotated[Any, _read(types.float32, 3)]
C4: TypeAlias = Annotated[Any, _read(types.float32, 4)]
Doubles1: TypeAlias = Annotated[Any, _read(types.float64, 1)]
Ids1: TypeAlias = Annotated[Any, _read(types.int64, 1)]
Ids2: TypeAlias = Annotated[Any, _read(types.int64, 2)]
Bools2: TypeAlias = Annotated[Any, _read(types.boolean, 2)]
# Read; the last axis is contiguous, the others have any strides.
Rows2: TypeAlias = Annotated[Any, types.Array(types.float32, 2, "A", readonly=True)]
BoolRows2: TypeAlias = Annotated[Any, types.Array(types.boolean, 2, "A", readonly=True)]
Rows3: TypeAlias = Annotated[Any, types.Array(types.float32, 3, "A", readonly=True)]
# Written.
Out1: TypeAlias = Annotated[Any, types.Array(types.float32, 1, "C")]
Out2: TypeAlias = Annotated[Any, types.Array(types.float32, 2, "C")]
Out3: TypeAlias = Annotated[Any, types.Array(types.float32, 3, "C")]
Out4: TypeAlias = Annotated[Any, types.Array(types.float32, 4, "C")]
OutDoubles1: TypeAlias = Annotated[Any, types.Array(types.float64, 1, "C")]
OutIds2: TypeAlias = Annotated[Any, types.Array(types.int64, 2, "C")]
# Numbers, beside pointer.Int.
Double: TypeAlias = Annotated[Any, types.float64]
Single: TypeAlias = Annotated[Any, types.float32]


def kind_of(annotation: Any) -> Any:
    """Return the type of Numba that an annotation of the kernel language stands for, or None."""
    if isinstance(getattr(annotation, "kinds", None), dict):
        return RecordType(annotation)
    return next((m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, types.Type)), None)


class RecordType(types.Type):
    """The address of a record, to compiled code."""

    def __init__(self, record: Any) -> None:
        self.record = record
        super().__init__(name=f"record({record.__module__}.{record.__qualname__})")

    def slot(self, name: str) -> tuple[int, Any]:
        """Return the number of a field's slot, and its type to a kernel; (-1, None) where there is no such field."""
        kinds = self.record.kinds
        if name not in kinds:
            return -1, None
        kind = kinds[name]
        return list(kinds).index(name), _POINTERS[kind.dtype] if isinstance(kind, types.Array) else kind


@register_model(RecordType)
class _RecordModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, i64)


@infer_getattr
class _Fields(AttributeTemplate):
    key = RecordType

    def generic_resolve(self, kind: Any, name: str) -> Any:
        return kind.slot(name)[1]


@lower_getattr_generic(RecordType)
def _lower_field(context: Any, builder: Any, kind: Any, value: Any, name: str) -> Any:
    number, held = kind.slot(name)
    stored = i64 if isinstance(held, PointerType) else context.get_value_type(held)
    place = builder.inttoptr(builder.add(value, const(8 * number)), stored.as_pointer())
    loaded = builder.load(place)
    # Nobody writes to a record while a kernel runs: it may be read once, or again instead of being kept.
    loaded.set_metadata("invariant.load", builder.module.add_metadata([]))
    return loaded


@type_callable(bool)
def _type_truth(context: Any) -> Any:
    return lambda kind: types.boolean if isinstance(kind, RecordType) else None


@lower_builtin(bool, RecordType)
def _lower_truth(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return builder.icmp_signed("!=", args[0], const(0))


Some = TypeVar("Some", bound=type)


def record(cls: Some) -> Some:
    """Make a NamedTuple the record of a launch. A field without a type of the kernel language is a TypeError.

    Returned is the function that fills it: it takes a quarter of the time that the class takes with keywords.
    """
    made, hints = cast(Any, cls), get_type_hints(cls, include_extras=True)
    made.kinds = {name: kind_of(hints[name]) for name in made._fields}
    wrong = [name for name, kind in made.kinds.items() if kind is None]
    if wrong:
        raise TypeError(f"{made.__name__}.{wrong[0]} is {hints[wrong[0]]}, expected Int, C2, Out3 or the like")
    fill: Any = functools.partial(made.__new__, made)
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "_fields", "_field_defaults", "kinds"):
        setattr(fill, name, getattr(made, name))
    return cast(Some, fill)


def _fits(value: Any, kind: Any) -> bool:
    found = typeof(value)
    if isinstance(kind, types.Array):
        return cpu_target.typing_context.can_convert(found, kind) is not None
    return isinstance(found, types.Integer if kind == types.int64 else types.Float)


def require_types(fields: Any) -> None:
    """Raise TypeError where a value is not what its field says: compiled code would read it as if it were."""
    for name, kind in fields.kinds.items():
        value = getattr(fields, name)
        if not _fits(value, kind):
            raise TypeError(f"{type(fields).__name__}.{name} is {typeof(value)}, expected {kind}")


def _slot_value(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return eight bytes that stand for a field: the address of an array, 0 without elements, or the number."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        nobody = builder.icmp_signed("==", array.nitems, const(0))
        return builder.select(nobody, const(0), builder.ptrtoint(array.data, i64))
    if kind == types.float32:
        return builder.zext(builder.bitcast(value, ir.IntType(32)), i64)
    return builder.bitcast(value, i64)


@Primitive
def pack(fields):
    """Return the address of a record made from a NamedTuple; it lives as long as the call of the calling function."""
    raise NotImplementedError


@pack.compiled
def _pack(typing_context, fields):
    kinds = list(fields.types)

    def generate(context, builder, signature, args):
        memory = cgutils.alloca_once(builder, i64, size=len(kinds))
        for k, kind in enumerate(kinds):
            value = _slot_value(context, builder, kind, builder.extract_value(args[0], k))
            builder.store(value, builder.gep(memory, [const(k)]))
        return builder.ptrtoint(memory, i64)

    return types.int64(fields), generate


@record
class Team(NamedTuple):
    """Who runs a parallel launch."""

    workers: Annotated[Any, types.int64]
    region: Annotated[Any, types.int64]  # address of threads.parallel_region


@Primitive
def team_at(address):
    """Return the team at an address, nothing where that is 0."""
    raise NotImplementedError


@team_at.compiled
def _team_at(typing_context, address):
    def generate(context, builder, signature, args):
        return args[0]

    return RecordType(Team)(types.int64), generate

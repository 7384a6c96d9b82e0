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
from typing import Annotated, Any, TypeAlias, TypeVar, cast, get_type_hints

from fasts2s_kernels.cpu.kinds import BOOL, DOUBLE, INT, POINTERS, SINGLE, Array, Kind

# Read: a writable array will do too.
C1: TypeAlias = Annotated[Any, Array(SINGLE, 1)]
C2: TypeAlias = Annotated[Any, Array(SINGLE, 2)]
C3: TypeAlias = Annotated[Any, Array(SINGLE, 3)]
C4: TypeAlias = Annotated[Any, Array(SINGLE, 4)]
Doubles1: TypeAlias = Annotated[Any, Array(DOUBLE, 1)]
Ids1: TypeAlias = Annotated[Any, Array(INT, 1)]
Ids2: TypeAlias = Annotated[Any, Array(INT, 2)]
Bools2: TypeAlias = Annotated[Any, Array(BOOL, 2)]
# Read; the last axis is contiguous, the others have any strides.
Rows2: TypeAlias = Annotated[Any, Array(SINGLE, 2, rows=True)]
BoolRows2: TypeAlias = Annotated[Any, Array(BOOL, 2, rows=True)]
Rows3: TypeAlias = Annotated[Any, Array(SINGLE, 3, rows=True)]
# Written.
Out1: TypeAlias = Annotated[Any, Array(SINGLE, 1, written=True)]
Out2: TypeAlias = Annotated[Any, Array(SINGLE, 2, written=True)]
Out3: TypeAlias = Annotated[Any, Array(SINGLE, 3, written=True)]
Out4: TypeAlias = Annotated[Any, Array(SINGLE, 4, written=True)]
OutDoubles1: TypeAlias = Annotated[Any, Array(DOUBLE, 1, written=True)]
OutIds2: TypeAlias = Annotated[Any, Array(INT, 2, written=True)]
# Numbers, beside kinds.Int.
Double: TypeAlias = Annotated[Any, DOUBLE]
Single: TypeAlias = Annotated[Any, SINGLE]


class RecordKind(Kind):
    """The address of a record, to compiled code."""

    def __init__(self, record: Any) -> None:
        self.record = record
        super().__init__(f"record({record.__module__}.{record.__qualname__})")

    def slot(self, name: str) -> tuple[int, Any]:
        """Return the number of a field's slot, and its kind to a kernel; (-1, None) where there is no such field."""
        kinds = self.record.kinds
        if name not in kinds:
            return -1, None
        kind = kinds[name]
        return list(kinds).index(name), POINTERS[kind.element] if isinstance(kind, Array) else kind


def kind_of(annotation: Any) -> Any:
    """Return the kind that an annotation of the kernel language stands for, or None."""
    if isinstance(getattr(annotation, "kinds", None), dict):
        return annotation.kind
    return next((m for m in getattr(annotation, "__metadata__", ()) if isinstance(m, Kind)), None)


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
    made.kind = fill.kind = RecordKind(fill)
    return cast(Some, fill)


def require_types(fields: Any) -> None:
    """Raise TypeError where a value is not what its field says: compiled code would read it as if it were."""
    for name, kind in fields.kinds.items():
        value = getattr(fields, name)
        if not kind.fits(value):
            found = f"{value.dtype} of shape {value.shape}" if hasattr(value, "shape") else type(value).__name__
            raise TypeError(f"{type(fields).__name__}.{name} is {found}, expected {kind}")

"""Kinds of values that kernels work with: what stands in their annotations, and in the signatures of primitives.

They are names only. Numba's types of them are made when something is compiled, see ``numba_types``: who loads what
was compiled before never waits for Numba, whose import takes a quarter of a second.
"""

from typing import Annotated, Any, NamedTuple, TypeAlias

import numpy as np


class Signature(NamedTuple):
    """What a compiled function returns and takes."""

    result: Any
    arguments: tuple[Any, ...]


class Kind:
    """A kind of values; called with others it is the signature of a function that returns it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *arguments: Any) -> Signature:
        """Return a signature; arguments may be types of Numba, too."""
        return Signature(self, arguments)

    def __repr__(self) -> str:
        return self.name


class Number(Kind):
    """Numbers of a type of NumPy."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        super().__init__(self.dtype.name)

    def fits(self, value: Any) -> bool:
        """Whether a value may be given for one: a whole number, or any number."""
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_)
        return whole if self.dtype.kind == "i" else isinstance(value, float | np.floating)


class Pointer(Kind):
    """Places in an array of numbers."""

    def __init__(self, element: Number) -> None:
        self.element = element
        #: Bytes of an element.
        self.size = element.dtype.itemsize
        super().__init__(f"pointer({element})")


class Array(Kind):
    """Arrays that Python hands over.

    Parameters
    ----------
    element : Number
    axes : int
    written : bool
        Whether it must be writable. One that is only read may be.
    rows : bool
        Whether only the last axis must be contiguous, instead of the whole array.
    """

    def __init__(self, element: Number, axes: int, *, written: bool = False, rows: bool = False) -> None:
        self.element, self.axes, self.written, self.rows = element, axes, written, rows
        way = "written" if written else "read"
        super().__init__(f"{'rows' if rows else 'array'} of {element} of {axes} axes that are {way}")

    def fits(self, value: Any) -> bool:
        """Whether a value is such an array."""
        if not isinstance(value, np.ndarray) or value.dtype != self.element.dtype or value.ndim != self.axes:
            return False
        return (self.rows or value.flags.c_contiguous) and (value.flags.writeable or not self.written)


INT, SINGLE, DOUBLE, BOOL = (Number(kind) for kind in (np.int64, np.float32, np.float64, np.bool_))
NONE = Kind("none")
floats, doubles, ints, bools = (Pointer(kind) for kind in (SINGLE, DOUBLE, INT, BOOL))
POINTERS = {pointer.element: pointer for pointer in (floats, doubles, ints, bools)}
#: A register of float32, and as many float64: sums of squares, which overflow in float32.
vector, wide = Kind("vector"), Kind("wide")

#: Annotations of kernels' parameters. Type checkers see Any: the kernel language is Numba's to check.
Int: TypeAlias = Annotated[Any, INT]
Floats: TypeAlias = Annotated[Any, floats]
Doubles: TypeAlias = Annotated[Any, doubles]
Ints: TypeAlias = Annotated[Any, ints]
Bools: TypeAlias = Annotated[Any, bools]

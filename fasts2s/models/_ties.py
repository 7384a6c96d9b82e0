"""Parameters that share memory, such as ``embed_W`` and ``embed_W.T``: they do so in copies and files as well.

Copying and pickling know an array that stands twice in a model, but nothing of views: the copy of a transpose is a
matrix of its own. What shares memory is written down beside the model, and the views are made again.
"""

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from fasts2s._memory import same_memory
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import is_cupy


class Tie(NamedTuple):
    """An array, and where it lies in the memory of another: offset and strides in bytes."""

    array: Array
    base: Array
    offset: int
    strides: tuple[int, ...]

    def again(self) -> Array:
        """Return the view of base that ``array`` was before it was copied."""
        base, shape = self.base, self.array.shape
        if is_cupy(base):
            return base.T
        flat = base.ravel(order="K")
        return np.ndarray(shape, base.dtype, flat, self.offset, self.strides)


def is_transpose(a: Array, b: Array) -> bool:
    """Return whether a is ``b.T``: of the same memory, all of it."""
    return a.shape == b.shape[::-1] and a.strides == b.strides[::-1] and _address(a) == _address(b)


def is_whole(a: Array, b: Array) -> bool:
    """Return whether a is b, or the same view of the same memory."""
    return a.shape == b.shape and a.strides == b.strides and _address(a) == _address(b)


def _address(a: Array) -> int:
    return int(a.data.ptr if is_cupy(a) else a.ctypes.data)


def _base(a: Any) -> Any:
    """Return the array whose memory a views, which may be a."""
    while isinstance(a.base, np.ndarray) or is_cupy(a.base):
        a = a.base
    return a


def ties_of(arrays: list[Any]) -> list[Tie]:
    """Return the views among the arrays whose memory others of them have too."""
    different = list({id(a): a for a in arrays if isinstance(a, np.ndarray) or is_cupy(a)}.values())
    ties = []
    for a in different:
        base = _base(a)
        if a is base or not any(b is not a and same_memory(a, b) for b in different):
            continue
        # On a device only transposes are known again.
        if is_transpose(a, base) if is_cupy(a) else base.flags.forc and base.dtype == a.dtype:
            ties.append(Tie(a, base, _address(a) - _address(base), a.strides))
    return ties


def replace(obj: Any, new: dict[int, Array], seen: set[int]) -> Any:
    """Put other arrays in the place of those with these identities, everywhere in an object; return it, or a copy.

    Lists, dictionaries and attributes are changed in place; a tuple that holds such an array is made anew.
    """
    if id(obj) in new:
        return new[id(obj)]
    if id(obj) in seen or isinstance(obj, type | ModuleType | str | bytes | np.ndarray) or is_cupy(obj):
        return obj
    seen.add(id(obj))
    if isinstance(obj, list):
        obj[:] = [replace(value, new, seen) for value in obj]
    elif isinstance(obj, dict):
        obj.update({key: replace(value, new, seen) for key, value in obj.items()})
    elif isinstance(obj, tuple):
        values = [replace(value, new, seen) for value in obj]
        if any(a is not b for a, b in zip(values, obj, strict=True)):
            return type(obj)(*values) if hasattr(obj, "_fields") else tuple(values)
    elif hasattr(obj, "__dict__"):
        replace(vars(obj), new, seen)
    return obj


def tie_again(model: Any, ties: list[Tie]) -> None:
    """Make the views of a copied model again. Those of a shallow copy still are what they were."""
    lost = {id(tie.array): tie.again() for tie in ties if not same_memory(tie.array, tie.base)}
    if lost:
        replace(model, lost, set())

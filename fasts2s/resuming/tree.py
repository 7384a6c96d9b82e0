"""Values of Python and NumPy as JSON and named arrays, and back to the last bit.

What JSON has is written as it is; all else is an object of one key that says what it is: ``{"array": "model/0"}``.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s.checkpoint import JSON
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import beside, is_cupy
from fasts2s_kernels.checks.scalars import shown


@dataclass
class Packed:
    """A state: JSON that names arrays, and these arrays, which are those of the training, not copies.

    Arrays that cannot be written to are taken never to change (see :func:`frozen`).
    """

    tree: JSON = None
    arrays: dict[str, Array] = field(default_factory=dict)


def frozen(a: Array) -> Array:
    """Return a copy of an array of host or device on the host that nobody can write to."""
    copy = np.array(to_cpu(a))
    copy.setflags(write=False)
    return copy


def pack(value: Any, arrays: dict[str, Array], path: str) -> Any:
    """Return a value as JSON; its arrays go into ``arrays`` under names that begin with path.

    Raises ValueError for what cannot be kept, naming the path.
    """
    if value is None or isinstance(value, bool | str) or type(value) is int:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if type(value) in (list, tuple):
        items = [pack(item, arrays, f"{path}/{i}") for i, item in enumerate(value)]
        return items if type(value) is list else {"tuple": items}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: pack(item, arrays, f"{path}/{key}") for key, item in value.items()}}
    return {_pack_array(value, arrays, path): path}


def _pack_array(value: Any, arrays: dict[str, Array], path: str) -> str:
    """Put an array, or a number of NumPy's, into ``arrays``; return what kind it is."""
    if is_cupy(value):
        arrays[path] = to_cpu(value)
        return "device"
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiub":
        arrays[path] = np.asarray(value)
        return "scalar" if isinstance(value, np.generic) else "array"
    raise ValueError(f"{path} is {shown(value)}, which a checkpoint cannot hold: numbers, texts, lists, arrays only")


def unpack(tree: Any, arrays: dict[str, Array], like: Any = None) -> Any:
    """Return the value that was packed; what lay on a device goes to that of the array ``like``.

    Raises KeyError, TypeError or ValueError for a tree that pack did not make.
    """
    if isinstance(tree, list):
        return [unpack(item, arrays, like) for item in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    if kind == "float":
        return float(content)
    if kind == "tuple":
        return tuple(unpack(content, arrays, like))
    if kind == "dict":
        return {key: unpack(item, arrays, like) for key, item in content.items()}
    return _unpack_array(kind, arrays[content], like)


def _unpack_array(kind: str, array: Array, like: Any) -> Any:
    if kind == "device":
        return beside(like, array)
    if kind not in {"array", "scalar"}:
        raise ValueError(f"a checkpoint says {kind[:40]!r}, which this release does not know")
    return array if kind == "array" else array[()]

"""Validation of lists of arrays, as optimisers take them; see :mod:`fasts2s_kernels.checks`."""

from typing import Any

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.arrays import as_float, buffer, weight


def array_list(name: str, arrays: Any) -> list[Array]:
    """Return a list of float arrays that can be changed in place, or raise ValueError."""
    if not isinstance(arrays, list | tuple):
        raise ValueError(f"{name} is of type {type(arrays).__name__}, expected a list of arrays")
    checked = []
    for i, a in enumerate(arrays):
        part = f"{name}[{i}]"
        a = weight(part, a, "of any shape", None)
        checked.append(buffer(part, a, a, "of any shape"))
    return checked


def update_lists(params: Any, grads: Any, **slots: Any) -> tuple[list[Array], list[Array], dict[str, list[Array]]]:
    """Check the lists of an optimiser: equal lengths, and equal shapes position by position.

    Returns params, grads (in the dtype of the params) and the slots by name.
    """
    params = array_list("params", params)
    for name, arrays in {"grads": grads, **slots}.items():
        if not isinstance(arrays, list | tuple):
            raise ValueError(f"{name} is of type {type(arrays).__name__}, expected a list of arrays")
        if len(arrays) != len(params):
            raise ValueError(f"{name} holds {len(arrays)} arrays, expected {len(params)}, as many as params")
    cast = [
        as_float(f"grads[{i}]", g, p.dtype, p.shape, "its parameter's shape") for i, (g, p) in _pairs(grads, params)
    ]
    held = {
        name: [buffer(f"{name}[{i}]", a, p, "its parameter's shape") for i, (a, p) in _pairs(arrays, params)]
        for name, arrays in slots.items()
    }
    return params, cast, held


def _pairs(arrays: Any, params: list[Array]) -> Any:
    return enumerate(zip(arrays, params, strict=True))

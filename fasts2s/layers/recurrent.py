"""What the recurrent layers share. A single step is a sequence of length one."""

from typing import Any

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import as_array


def one_step(name: str, x: Any) -> Array:
    """Return x (N, D) as a sequence (N, 1, D), or raise ValueError."""
    x = as_array(name, x, "a float array (N, D)")
    if x.ndim != 2:
        raise ValueError(f"{name} has shape {x.shape}, expected (N, D)")
    return x[:, None, :]


def gradient_or_none(d: Any) -> Any:
    """Return None for the plain number 0, with which the book starts its loops over time; else d as it is."""
    return None if isinstance(d, int | float) and d == 0 else d


def with_bias(arrays: list[Array]) -> tuple[Array, Array, Array | None]:
    """Return Wx, Wh and b from the params or grads of a layer; b is None where the layer has none."""
    return (arrays[0], arrays[1], arrays[2]) if len(arrays) == 3 else (arrays[0], arrays[1], None)

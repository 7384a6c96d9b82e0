"""Random arguments for the functions that the ops describe.

Everything comes from the generator that is handed in, so a seed gives the same values everywhere. Weights are scaled
so that sums are of order 1 at every size.
"""

import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cases import Argument, Function, Row
from fasts2s_kernels.letters import Sizes, shape

#: Arguments by name: host arrays, lists of them, numbers. An absent name is an argument left at None.
Values = dict[str, Any]


@dataclass
class Draw:
    """What a value is drawn from.

    Attributes
    ----------
    rng : numpy.random.Generator
    sizes : dict
        Letter -> size.
    dtype : float32 or float64
    scale : float
        Factor on weights and scores.
    plain : bool
        Whether the call is to be one as the book makes it: no negative ids, usual numbers.
    values : dict
        What has been drawn already: numbers come first, then the others in the order of the arguments.
    """

    rng: np.random.Generator
    sizes: Sizes
    dtype: Any = np.float64
    scale: float = 1.0
    plain: bool = False
    values: Values = field(default_factory=dict)

    def normal(self, shape: tuple[int, ...], factor: float = 1.0) -> Array:
        """Return normal numbers times a factor."""
        return np.asarray(self.rng.standard_normal(shape, self.dtype) * self.dtype(factor))

    def odds(self, share: float) -> bool:
        """Return True in a share of the calls; never for a plain call."""
        return not self.plain and bool(self.rng.random() < share)


def values(
    function: Function,
    rng: np.random.Generator,
    sizes: Sizes,
    *,
    dtype: Any = np.float64,
    scale: float = 1.0,
    given: Collection[str] | None = None,
    plain: bool = False,
    lists: str = "",
) -> Values:
    """Return random inputs of a function; for a backward pass those of its forward pass too.

    Parameters
    ----------
    given : collection of str or None
        The optional arguments that there are; None: each with 7 chances of 10.
    lists : str
        Shapes of the arrays of lists, where they differ from the function's.
    """
    d = Draw(rng, sizes, dtype, scale, plain)
    inputs = function.inputs
    for name in sorted(inputs, key=lambda name: inputs[name].kind not in ("number", "size")):
        a = inputs[name]
        kept = not a.optional or (rng.random() < 0.7 if given is None else name in given)
        if kept:
            d.values[name] = _value(d, function, a, lists)
    if function.mend is not None:
        function.mend(d)
    return {name: d.values[name] for name in inputs if name in d.values}


def _value(d: Draw, function: Function, a: Argument, lists: str) -> Any:
    if a.kind == "size" or (a.kind == "number" and (d.plain or a.draw is None)):
        return d.sizes[a.letters] if a.kind == "size" else a.usual
    make = a.draw or (matrix if a.role == "weight" else _BY_KIND[a.kind])
    if a.kind == "list":
        shapes = (lists or function.lists).split(";")
        return [make(d, shape(one, d.sizes)) for one in shapes]
    return make(d, shape(a.letters, d.sizes))


def row_values(function: Function, row: Row) -> Values:
    """Return the inputs of a measured call, float32; always the same ones for the same name."""
    rng = np.random.default_rng(zlib.crc32(function.row_name(row).encode()))
    sizes, given = function.sizes_of(row.sizes), row.given.split()
    found = values(function, rng, sizes, dtype=np.float32, given=given, plain=True, lists=row.lists)
    found |= {name: np.asfortranarray(found[name]) for name in row.turned.split() if name in found}
    return found | row_numbers(function, row)


def row_numbers(function: Function, row: Row) -> Values:
    """Return those inputs of a measured call that are plain numbers."""
    sizes, given = function.sizes_of(row.sizes), row.given.split()
    kept = {name: a for name, a in function.inputs.items() if not a.optional or name in given}
    usual = {name: a.usual for name, a in kept.items() if a.kind == "number"}
    return {**usual, **{name: sizes[a.letters] for name, a in kept.items() if a.kind == "size"}, **row.numbers}


# ---- by kind --------------------------------------------------------------------------------------------


def normal(d: Draw, shape: tuple[int, ...]) -> Array:
    """Return normal numbers."""
    return d.normal(shape)


def scaled(d: Draw, shape: tuple[int, ...]) -> Array:
    """Return normal numbers times the scale: rows of a table."""
    return d.normal(shape, d.scale)


def matrix(d: Draw, shape: tuple[int, ...]) -> Array:
    """Return a weight matrix, now and then in Fortran order, as the transpose of an embedding is."""
    a = d.normal(shape, d.scale / max(shape[0], 1) ** 0.5)
    return np.asfortranarray(a) if d.odds(0.3) else a


def ids(d: Draw, shape: tuple[int, ...]) -> Array:
    """Return ids of a vocabulary of V words, negative ones too, and now and then those at its ends."""
    V = d.sizes["V"]
    if V == 0:
        return np.zeros(shape, np.int64)
    found = d.rng.integers(0 if d.plain else -V, V, shape)
    return np.where(d.rng.random(shape) < 0.1, d.rng.choice([-V, -1, 0, V - 1]), found) if d.odds(0.5) else found


def labels(d: Draw, shape: tuple[int, ...]) -> Array:
    """Return labels of V classes, of which a share is to be ignored."""
    ignored = d.rng.random(shape) < (0.0 if d.plain else d.rng.choice([0, 0.2, 0.7]))
    V = d.sizes["V"]
    return np.where(ignored | (V == 0), d.values["ignore_label"], d.rng.integers(0, max(V, 1), shape))


def mask(d: Draw, shape: tuple[int, ...]) -> Array:
    """Return a mask, see :func:`random_mask`."""
    return random_mask(d.rng, *shape)


def random_mask(rng: np.random.Generator, N: int, T: int) -> Array:
    """Return (N, T) bools: padding on the left, on the right, or anywhere; often a row of padding only, often one
    without any."""
    if N == 0 or T == 0:
        return np.ones((N, T), dtype=bool)
    length, steps = rng.integers(1, T + 1, size=(N, 1)), np.arange(T)
    kind = rng.integers(3)
    found = (steps < length, steps >= T - length, rng.random((N, T)) < 0.6)[kind]
    if rng.random() < 0.5:
        found[rng.integers(N)] = False
    if rng.random() < 0.5:
        found[rng.integers(N)] = True
    return found


_BY_KIND = {"float": normal, "list": normal, "ids": ids, "labels": labels, "mask": mask}


# ---- what is done with values ---------------------------------------------------------------------------


def cast(function: Function, given: Values, dtype: Any) -> Values:
    """Return the values with all floats in another dtype; ids, masks, numbers and doubles stay."""

    def changed(name: str, value: Any) -> Any:
        a = function.inputs[name]
        if a.kind == "list":
            return [one.astype(dtype) for one in value]
        return value.astype(dtype) if a.kind == "float" else value

    return {name: changed(name, value) for name, value in given.items()}

"""Central differences over many random shapes, for kernels, layers and models."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from fasts2s.testing import check_gradients
from fasts2s_kernels.contract import Array

#: Number of random shapes on which every gradient is proved.
SHAPES = 200

#: Arrays up to this size are varied element by element, larger ones along random directions.
SMALL = 6
DIRECTIONS = 3

#: So many elements, of all arrays of a layer or a model, are too many to vary one by one.
MANY = 80


def cases(seed: int, count: int = SHAPES) -> Iterator[tuple[np.random.Generator, bool]]:
    """Yield a generator per random shape, and whether to vary every element of every array: on each tenth."""
    for k in range(count):
        yield np.random.default_rng([seed, k]), k % 10 == 0


def check_shape(
    function: Callable[[], float],
    arrays: Mapping[str, Array],
    gradients: Mapping[str, Array],
    rng: np.random.Generator,
    every_element: bool = False,
    eps: float = 1e-5,
) -> float:
    """Compare gradients with central differences of step eps; return the largest error, or raise AssertionError.

    A wrong element shows along a random direction unless the direction happens to be orthogonal to the error, so
    three of them say as much as all elements at a fraction of the cost.
    """
    assert set(arrays) <= set(gradients), f"no gradient of {set(arrays) - set(gradients)}"
    shapes = " ".join(f"{name}{a.shape}".replace(" ", "") for name, a in arrays.items())
    worst = 0.0
    for name, a in arrays.items():
        rows = np.eye(a.size) if every_element or a.size <= SMALL else _unit_vectors(rng, a.size)
        worst = max(worst, _check_along(function, f"{name} at {shapes}", a, gradients[name], rows, eps))
    return worst


def check_composed(
    function: Callable[[], float],
    arrays: Mapping[str, Array],
    gradients: Mapping[str, Array],
    rng: np.random.Generator,
    thorough: bool,
    eps: float = 1e-5,
) -> float:
    """As check_shape, for layers and models, whose kernels are proved one by one: all arrays are moved at once.

    A random direction through all of them shows an error in any. A thorough check moves each by itself, too, and is
    what names an array whose gradient is wrong.
    """
    if thorough:
        return check_shape(function, arrays, gradients, rng, sum(a.size for a in arrays.values()) < MANY, eps)
    whole = np.concatenate([a.ravel() for a in arrays.values()])
    starts = np.cumsum([0, *(a.size for a in arrays.values())])
    parts = [(a, whole[k : k + a.size].reshape(a.shape)) for a, k in zip(arrays.values(), starts, strict=False)]

    def spread() -> float:
        for a, part in parts:
            a[...] = part
        return function()

    found = np.concatenate([np.ravel(gradients[name]) for name in arrays])
    try:
        return check_shape(spread, {"all arrays": whole}, {"all arrays": found}, rng, eps=eps)
    except AssertionError:
        spread()  # as they were
        check_shape(function, arrays, gradients, rng, eps=eps)
        raise
    finally:
        spread()


def _unit_vectors(rng: np.random.Generator, size: int) -> Array:
    rows = rng.standard_normal((DIRECTIONS, size))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _check_along(
    function: Callable[[], float], name: str, a: Array, gradient: Array, rows: Array, eps: float
) -> float:
    """Check the derivatives of function along each of the rows (k, a.size)."""
    assert np.shape(gradient) == a.shape, f"gradient of {name} has shape {np.shape(gradient)}"
    kept, steps = a.copy(), np.zeros(len(rows))

    def moved() -> float:
        a[...] = kept + (steps @ rows).reshape(a.shape)
        return function()

    worst = check_gradients(moved, {name: steps}, {name: rows @ np.ravel(gradient)}, eps)
    a[...] = kept
    return worst


def two_sizes(rng: np.random.Generator, low: int = 1) -> tuple[int, int]:
    """Draw two different sizes, mostly odd, so that a mix-up of axes cannot pass."""
    first, second = rng.choice([n for n in (1, 2, 3, 5, 7, 11) if n >= low], size=2, replace=False)
    return int(first), int(second)


def batch_and_time(rng: np.random.Generator) -> tuple[int, int]:
    """Draw N and T, both above 1."""
    return int(rng.choice([2, 3, 5])), int(rng.choice([2, 3, 5, 7]))


def random_mask(rng: np.random.Generator, N: int, T: int) -> Array:
    """Padding on the left, on the right, or anywhere; often a row of padding only, often one without any."""
    if N == 0 or T == 0:
        return np.ones((N, T), dtype=bool)
    length, steps = rng.integers(1, T + 1, size=(N, 1)), np.arange(T)
    kind = rng.integers(3)
    mask = (steps < length, steps >= T - length, rng.random((N, T)) < 0.6)[kind]
    if rng.random() < 0.5:
        mask[rng.integers(N)] = False
    if rng.random() < 0.5:
        mask[rng.integers(N)] = True
    return mask

"""What tests of kernels, layers and models share: central differences over random shapes, and judging results."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from fasts2s.testing import TOLERANCES, check_gradients
from fasts2s_kernels import calling, drawing
from fasts2s_kernels.arrays import Array, Kernels
from fasts2s_kernels.cases import functions

#: Number of random shapes on which every gradient is proved.
SHAPES = 200

#: Along how many random directions an array is varied; one that has no more elements, element by element.
DIRECTIONS = 3

#: So many elements, of all arrays of a layer or a model, are too many to vary one by one.
MANY = 80

#: So many numbers are few.
FEW = 4

#: First word of the name of a result -> its tolerance in float32.
CLASSES = {"out": "forward float32", "grad": "gradient float32"}


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
        rows = np.eye(a.size) if every_element or a.size <= DIRECTIONS else _unit_vectors(rng, a.size)
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


def draw(
    name: str, rng: np.random.Generator, *sizes: int, given: Any = None, dtype: Any = np.float64, scale: float = 1.0
) -> drawing.Values:
    """Draw inputs of a function, of the sizes of its letters; all that are optional, or those given."""
    function = functions()[name]
    given = function.inputs if given is None else given
    return drawing.values(function, rng, function.sizes_of(sizes), given=given, dtype=dtype, scale=scale)


def compute(kernels: Kernels, name: str, given: drawing.Values) -> calling.Results:
    """Call a function of the contract with inputs by name; return everything on the host.

    Inputs that it has not are left out; the results of a backward pass are those of its forward pass too.
    """
    function = functions()[name]
    own = {key: value for key, value in given.items() if key in function.inputs}
    return calling.host(kernels, calling.everything(kernels, function, own))


def assert_results(
    text: str, found: Mapping[str, Array], wanted: Mapping[str, Array], limits: Mapping[str, Any] = CLASSES
) -> None:
    """Compare results by name with those of the reference; ids must be equal.

    limits : first word of a name -> a tolerance, relative in the L2 norm. Of numbers whose terms cancel that says
    nothing: the scale of a few numbers, and of those that are small beside the other results, is at least 1.
    """
    assert found.keys() == wanted.keys(), f"{text}: {sorted(found)}, expected {sorted(wanted)}"
    small = 0.01 * max((float(np.abs(a).max(initial=0)) for a in wanted.values()), default=0.0)
    for name, a in wanted.items():
        kind = name.partition("_")[0]
        assert np.shape(found[name]) == a.shape, f"{name} of {text} has shape {np.shape(found[name])}"
        if kind == "ids":
            assert np.array_equal(found[name], a), f"{name} of {text}"
            continue
        limit = TOLERANCES[limits[kind]][0] if isinstance(limits[kind], str) else limits[kind]
        norm = float(np.linalg.norm(a))
        scale = norm if norm > small and a.size > FEW else max(norm, 1.0)
        error = float(np.linalg.norm(np.asarray(found[name], np.float64) - a)) / scale
        assert error <= limit, f"{name} of {text}: error {error:.3g}, expected at most {limit:.3g}"

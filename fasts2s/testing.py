"""Checks for layers and models, for the project's own tests and for those of readers who write their own layers."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import number
from fasts2s_kernels.checks.arguments import called, converted, listed, mapping, one_of, with_methods
from fasts2s_kernels.checks.either import as_array
from fasts2s_kernels.checks.sides import is_cupy

#: Largest accepted errors; each is a relative L2 norm unless its reason says otherwise.
TOLERANCES: dict[str, tuple[float, str]] = {
    "forward float32": (2e-6, "rounding of a float32 LSTM over 35 steps is 1.5e-7 to 3e-7, at weights times 4 1e-6"),
    "gradient float32": (1e-5, "the same, backward, with sums over N T rows"),
    "book": (1e-5, "one step of the book's own code, which sums in another order"),
    "central difference": (
        1e-7,
        "float64, eps 1e-5: truncation eps^2 and rounding 1e-16/eps, relative to the largest",
    ),
    "padding": (1e-6, "float32; padded columns add zeros, but the matrix product may group its sums anew"),
}

_IN_DOUBLE = 'make weights and inputs float64, and the layers inside "with use_backend("numpy", dtype="float64"):"'


def relative_error(actual: Array, desired: Array) -> float:
    """Return the L2 norm of the difference over that of desired (over 1 if desired is zero)."""
    actual, desired = (_numbers(name, a) for name, a in (("actual", actual), ("desired", desired)))
    if actual.shape != desired.shape:
        raise ValueError(f"actual has shape {actual.shape}, expected that of desired, {desired.shape}")
    norm = float(np.linalg.norm(desired))
    return float(np.linalg.norm(actual - desired)) / (norm if norm > 0 else 1.0)


def assert_close(name: str, actual: Array, desired: Array, tolerance: str | float = "forward float32") -> None:
    """Raise AssertionError if shapes differ or the relative L2 error is over the tolerance (a key or a number)."""
    is_key = isinstance(tolerance, str)
    limit = TOLERANCES[one_of("tolerance", tolerance, TOLERANCES)][0] if is_key else number("tolerance", tolerance)
    actual, desired = _numbers("actual", actual), _numbers("desired", desired)
    if np.shape(actual) != np.shape(desired):
        raise AssertionError(f"{name} has shape {np.shape(actual)}, expected {np.shape(desired)}")
    error = relative_error(actual, desired)
    if not error <= limit:
        raise AssertionError(f"{name}: relative error {error:.3g}, expected at most {limit:.3g}")


def numerical_gradient(function: Callable[[], float], x: Array, eps: float = 1e-5) -> Array:
    """Return the gradient of a function of no argument with respect to x by central differences.

    x is changed in place, one element after the other, and put back. x : any shape, float64; else ValueError.
    """
    _require_double("x", x)
    called("function", function)
    if not 0 < (eps := number("eps", eps)) < np.inf:
        raise ValueError(f"eps is {eps}, expected a finite number above 0")
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index].copy()  # on a device it would be a view
        x[index] = kept + eps
        upper = function()
        x[index] = kept - eps
        lower = function()
        x[index] = kept
        gradient[index] = (upper - lower) / (2 * eps)
    return gradient


def gradient_error(analytic: Array, numeric: Array) -> float:
    """Return the largest absolute difference, relative to the largest element of either (at least 1e-3).

    Raises AssertionError where shapes differ.
    """
    analytic, numeric = _numbers("analytic", analytic), _numbers("numeric", numeric)
    if np.shape(analytic) != np.shape(numeric):
        raise AssertionError(f"gradient has shape {np.shape(analytic)}, expected {np.shape(numeric)}")
    if np.size(numeric) == 0:
        return 0.0
    scale = max(float(np.abs(analytic).max()), float(np.abs(numeric).max()), 1e-3)
    return float(np.abs(analytic - numeric).max()) / scale


def check_gradients(
    function: Callable[[], float], arrays: Mapping[str, Array], gradients: Mapping[str, Array], eps: float = 1e-5
) -> float:
    """Compare gradients with central differences; return the largest :func:`gradient_error`.

    Parameters
    ----------
    function : callable
        Computes the scalar anew from the arrays, which it reads at every call. Everything in float64.
    arrays, gradients : mappings with the same names
        What to vary, and what the code under test says of it.

    Raises
    ------
    AssertionError
        An error is over the tolerance "central difference"; the message names the array.
    ValueError
        There is no telling: an array is not float64, or the function rounds to float32, as layers do whose outputs
        the book makes float32 (``TimeLSTM``). The message says how to build them for a check.
    """
    limit, worst = TOLERANCES["central difference"][0], 0.0
    gradients = mapping("gradients", gradients)
    for name, x in mapping("arrays", arrays).items():
        _require_double(name, x)
        if name not in gradients:
            raise ValueError(f"gradients has nothing named {name!r}, expected one for each of arrays")
        numeric = numerical_gradient(function, x, eps)
        error = gradient_error(gradients[name], numeric)
        if not error <= limit:
            if _rounds(function, x, numeric):
                raise ValueError(
                    f"the function rounds to float32 on its way from {name}, so differences cannot tell whether the "
                    f"gradient is right: {_IN_DOUBLE}"
                )
            raise AssertionError(f"gradient of {name} is off by {error:.3g}, expected at most {limit:.3g}")
        worst = max(worst, error)
    return worst


def _numbers(name: str, a: Any) -> Array:
    return converted(name, to_cpu(a), "numbers").astype(np.float64)


def _require_double(name: str, x: Any) -> None:
    x = as_array(name, x, "a float64 array")
    if x.dtype != np.float64:
        raise ValueError(
            f"{name} is {x.dtype}, expected float64, in which differences are exact enough: {_IN_DOUBLE}"
        )


def _rounds(function: Callable[[], float], x: Array, numeric: Array) -> bool:
    """Whether the function jumps as float32 numbers do, seen by its third differences along the gradient.

    A smooth function has next to none over steps of 1e-6; a kink shows in four of them, rounding in most.
    """
    kept, direction, values = x.copy(), np.where(numeric < 0, -1e-6, 1e-6), []
    for k in range(16):
        x[...] = kept + (k + 10) * direction  # beside x, where a kink may lie
        values.append(float(to_cpu(function())))
    x[...] = kept
    jumps = np.abs(np.diff(values, 3))
    return bool(np.median(jumps) > 1e-11 * max(1.0, float(np.abs(values).max())))


def check_layer(layer: Any, inputs: Sequence[Array], dout: Array) -> None:
    """Check that a layer keeps the rules of this package's layers.

    forward and backward must leave their inputs as they are, return fresh arrays, write gradients into the arrays
    that ``grads`` held from the beginning (and overwrite, not add), give the same again when repeated, and raise
    ValueError where backward comes before forward. A stateful layer must be reset by the caller.

    Parameters
    ----------
    layer
        Fresh from its constructor, without random behaviour.
    inputs : arrays of forward
    dout : gradient of its output, for backward

    Raises
    ------
    AssertionError
        The message names the rule.
    """
    with_methods("layer", layer, "forward", "backward")
    inputs = _inputs_of(layer.forward, listed("inputs", inputs, "arrays"))
    given = [*inputs, dout]
    held, before = list(layer.grads), _copies(given)
    _check_backward_first(layer, dout)
    first = _parts(layer.forward(*inputs))
    kept = _copies(first)
    second = _parts(layer.forward(*inputs))
    _rule(not _any_shared(first, [*second, *inputs]), "forward returns a fresh array each time")
    _rule(_all_equal(kept, second), "forward twice gives the same")
    dfirst = _parts(layer.backward(dout))
    dkept, grads = _copies(dfirst), _copies(layer.grads)
    for g in layer.grads:
        g[...] = 7  # backward overwrites: what stood there before must not matter
    dsecond = _parts(layer.backward(dout))
    same_objects = len(held) == len(layer.grads) and all(a is b for a, b in zip(held, layer.grads, strict=True))
    _rule(same_objects, "grads are the same array objects for life")
    _rule(_all_equal(before, given), "inputs are never written to")
    _rule(not _any_shared(dfirst, [*dsecond, *given]), "backward returns fresh arrays each time")
    _rule(_all_equal(dkept, dsecond), "backward twice gives the same")
    _rule(_all_equal(grads, layer.grads), "backward overwrites the gradients")


def _inputs_of(forward: Any, inputs: list[Any]) -> list[Any]:
    """Return the inputs, if they are as many as forward takes."""
    signature = inspect.signature(forward)
    try:
        signature.bind(*inputs)
    except TypeError as error:
        raise ValueError(
            f"inputs holds {len(inputs)} arrays, expected those of forward{signature}: {error}"
        ) from None
    return inputs


def _check_backward_first(layer: Any, dout: Array) -> None:
    text = "a layer must raise ValueError where backward comes before forward"
    try:
        layer.backward(dout)
    except ValueError:
        return
    except Exception as error:
        raise AssertionError(f"{text}, not {type(error).__name__}") from error
    raise AssertionError(text)


def _rule(kept: bool, text: str) -> None:
    if not kept:
        raise AssertionError(f"rule broken: {text}")


def _parts(result: Any) -> list[Array]:
    return [p for p in (result if isinstance(result, tuple) else (result,)) if p is not None]


def _copies(arrays: Sequence[Array]) -> list[Array]:
    return [np.array(to_cpu(a), copy=True) for a in arrays]


def _all_equal(a: Sequence[Array], b: Sequence[Array]) -> bool:
    return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))


def _equal(a: Array, b: Array) -> bool:
    return np.array_equal(to_cpu(a), to_cpu(b), equal_nan=True)


def _any_shared(a: Sequence[Array], b: Sequence[Array]) -> bool:
    arrays = [x for x in a if (isinstance(x, np.ndarray) or is_cupy(x)) and np.ndim(x) > 0]
    return any(np.may_share_memory(x, y) for x in arrays for y in b if is_cupy(x) == is_cupy(y))

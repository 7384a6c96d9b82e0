"""What of a model, an optimiser and NumPy changes in a training step, taken and given back."""

import random
from collections.abc import Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from fasts2s._memory import stored_once
from fasts2s.backend import Backend
from fasts2s.resuming.tree import pack, unpack
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import beside, is_cupy

#: Not looked into: what does not change, or is code.
_CLOSED = (str, bytes, int, float, np.ndarray, np.generic, Backend, type, FunctionType, MethodType, ModuleType)
_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)


def take_model(model: Any, arrays: dict[str, Array]) -> Any:
    """Return the parameters of a model, the state of its layers and of its generators as JSON and arrays."""
    params = {str(i): model.params[i] for i in stored_once(model.params)}
    return {
        "params": pack(params, arrays, "model"),
        "rest": {path: pack(value, arrays, f"layers/{path}") for path, _, _, value in _changing(model)},
    }


def give_model(model: Any, tree: Any, arrays: dict[str, Array]) -> None:
    """Put back what take_model returned, parameters in place. ValueError if the model is another one."""
    like = model.params[0] if model.params else None
    params = unpack(tree["params"], arrays, like)
    wanted = {str(i): model.params[i].shape for i in stored_once(model.params)}
    came = {i: a.shape for i, a in params.items()}
    places = {path: (owner, name) for path, owner, name, _ in _changing(model)}
    if came != wanted or set(places) != set(tree["rest"]):
        raise ValueError(
            f"parameters of shapes {[*came.values()]}, expected those of this model, {[*wanted.values()]}"
        )
    for i, a in params.items():
        param = model.params[int(i)]
        param[...] = a if is_cupy(a) == is_cupy(param) else beside(param, a)
    for path, (owner, name) in places.items():
        _put(owner, name, unpack(tree["rest"][path], arrays, like))


def take_object(owner: Any, arrays: dict[str, Array], path: str) -> Any:
    """Return the attributes of an object, such as an optimiser, as JSON and arrays; code and backends are left out.

    Raises ValueError for an attribute that cannot be kept.
    """
    found: dict[str, Any] = {}
    for name, value in vars(owner).items():
        where = f"{path}/{name}"
        if isinstance(value, _GENERATORS):
            found[name] = {"generator": pack(_state_of(value), arrays, where)}
        elif isinstance(value, Backend | type | FunctionType | MethodType | ModuleType):
            continue
        elif hasattr(value, "__dict__") and not isinstance(value, dict | np.ndarray | np.generic):
            found[name] = {"object": take_object(value, arrays, where)}
        else:
            found[name] = pack(value, arrays, where)
    return found


def give_object(owner: Any, tree: Any, arrays: dict[str, Array], like: Any) -> None:
    """Put back what take_object returned, into an object made in the same way."""
    for name, value in tree.items():
        match value:
            case {"object": inner}:
                give_object(getattr(owner, name), inner, arrays, like)
            case {"generator": state}:
                _set_state_of(getattr(owner, name), unpack(state, arrays))
            case _:
                setattr(owner, name, unpack(value, arrays, like))


def global_random(arrays: dict[str, Array]) -> Any:
    """Return the state of ``numpy.random`` as JSON and arrays."""
    return pack(np.random.get_state(legacy=False), arrays, "numpy.random")


def set_global_random(tree: Any, arrays: dict[str, Array]) -> None:
    """Put back what global_random returned."""
    np.random.set_state(unpack(tree, arrays))


def _changing(model: Any) -> Iterator[tuple[str, Any, str, Any]]:
    """Yield (path, owner, attribute, value) of all that changes in forward beside caches."""
    for path, owner in _owners(model, "", set()):
        held = vars(owner)
        for name, value in held.items():
            if isinstance(value, _GENERATORS):
                yield f"{path}{name}", owner, name, _state_of(value)
        names: tuple[str, ...] = ("h", "c") if held.get("stateful") else ()
        names += ("running_mean", "running_var") if "running_mean" in held else ()
        for name in names:
            if name in held:
                yield f"{path}{name}", owner, name, held[name]


def _owners(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield (path, object) for all objects with attributes that can be reached, each once."""
    if value is None or isinstance(value, (*_CLOSED, *_GENERATORS)) or id(value) in seen or is_cupy(value):
        return
    seen.add(id(value))
    if isinstance(value, list | tuple):
        items: Any = enumerate(value)
    elif isinstance(value, dict):
        items = list(value.items())
    else:
        held = getattr(value, "__dict__", None)
        if held is None:
            return
        yield path, value
        # What forward leaves for backward may hold anything, and is made anew.
        items = [(name, item) for name, item in held.items() if name not in {"_cache", "params", "grads"}]
    for name, item in items:
        yield from _owners(item, f"{path}{name}.", seen)


def _put(owner: Any, name: str, value: Any) -> None:
    present = getattr(owner, name)
    if isinstance(present, _GENERATORS):
        _set_state_of(present, value)
    else:
        setattr(owner, name, value)


def _state_of(generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.RandomState):
        return generator.get_state(legacy=False)
    return generator.bit_generator.state


def _set_state_of(generator: Any, state: Any) -> None:
    if isinstance(generator, random.Random):
        generator.setstate(state)
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.bit_generator.state = state

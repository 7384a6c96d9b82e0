"""What does not run in the book's GPU mode, repaired in its classes and functions: NumPy and CuPy arrays that meet.

The book's own methods are repaired, which run where ours refuse a call, and beside classes that were edited. Ours
take ids and labels from the host themselves, and look at them there; what else comes from there is moved for them.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import signature
from types import FunctionType
from typing import Any

import numpy as np

from fasts2s.dropin.gpu import mode as gpu_mode
from fasts2s.dropin.gpu.proxy import on_host
from fasts2s.dropin.replace import originals
from fasts2s.dropin.replace.targets import LAYERS, TIME_ATTENTION
from fasts2s.dropin.run.repairs import say
from fasts2s.dropin.run.report import Entry, Timed, before_first_call
from fasts2s.dropin.run.verify import takes
from fasts2s_kernels.checks import is_cupy

Method = Callable[..., Any]
_MOVED = "ids, labels and inputs that are NumPy arrays (moved to the device of the weights)"
_LAYERS = {target.name for target in LAYERS} | {TIME_ATTENTION.name}
#: Layers of ids and of labels -> which argument of forward these are.
_IDS = {
    "Embedding": 0, "TimeEmbedding": 0, "SoftmaxWithLoss": 1, "TimeSoftmaxWithLoss": 1, "TimeSigmoidWithLoss": 1,
}  # fmt: skip


def _on_device(self: Any, args: tuple[Any, ...]) -> bool:
    """Return whether a layer computes on the device: its weights are there or, of one without, an argument is."""
    weights = getattr(self, "params", None) or [getattr(self, "Wx", None)]  # the Korean TimeGRU has no list
    return is_cupy(weights[0]) or any(map(is_cupy, args))


def _require_range(name: str, self: Any, args: tuple[Any, ...]) -> None:
    """Raise IndexError for ids that NumPy refuses: CuPy takes others in their place and says nothing."""
    place = _IDS.get(name, len(args))
    if place >= len(args) or name == "TimeSigmoidWithLoss":
        return
    ids, size = args[place], args[0].shape[-1] if place else self.params[0].shape[0]
    if place and getattr(ids, "ndim", 0) == args[0].ndim:
        return  # one-hot
    if type(ids) is np.ndarray and ids.dtype.kind in "iu" and ids.size:
        wrong = [i for i in (ids.min(), ids.max()) if not -size <= i < size]
        if wrong:
            raise IndexError(f"index {wrong[0]} is out of bounds for axis 0 with size {size}")


def _moved(self: Any, args: tuple[Any, ...], stays: int | None = None) -> tuple[Any, ...]:
    """Return the arguments of a layer where it computes; the one at ``stays`` as it is."""
    host = [k for k, a in enumerate(args) if type(a) is np.ndarray and k != stays]
    if not host or not _on_device(self, args):
        return args
    say(_MOVED)
    return tuple(gpu_mode.upload(a) if k in host else a for k, a in enumerate(args))


def _by_place(
    function: Method, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call without their names, where they fit."""
    if kwargs and takes(function, self, *args, **kwargs):
        return signature(function).bind(self, *args, **kwargs).args[1:], {}
    return args, kwargs


def _forward(name: str, book: Method) -> Method:
    """Return the book's forward, which takes NumPy arrays, and raises TypeError for a wrong call and nothing else.

    (The book's evaluation takes a TypeError for a model without ``train_flg`` and calls it again.)
    """

    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        while before_first_call:
            before_first_call.pop()()
        args, kwargs = _by_place(book, self, args, kwargs)
        if any(type(a) is np.ndarray for a in args) and _on_device(self, args):
            _require_range(name, self, args)
            args = _moved(self, args)
        try:
            return book(self, *args, **kwargs)
        except TypeError as error:
            if not takes(book, self, *args, **kwargs):
                raise
            raise ValueError(f"{name}.forward: {error}") from error

    return forward


class _HostOnRead(list[Any]):
    """A list of CuPy arrays of one shape that hands out NumPy arrays; in a pickle it is a list of these.

    All come at once, with the first that is read: nothing is moved for who does not look.
    """

    def _fetch(self) -> None:
        held = list(super().__iter__())
        if held and all(map(is_cupy, held)):
            say("attention_weights (handed out as NumPy arrays)")
            self[:] = list(on_host(np.stack(held)))

    def __getitem__(self, index: Any) -> Any:
        self._fetch()
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[Any]:
        self._fetch()
        return super().__iter__()

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Any]]]:
        return list, (list(self),)


def _hands_out_weights(forward: Method) -> Method:
    def attention_forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        out = forward(self, *args, **kwargs)
        if type(self.attention_weights) is list:
            self.attention_weights = _HostOnRead(self.attention_weights)
        return out

    return attention_forward


def _chosen_ids(generate: Method) -> Method:
    """Return a generate whose ids are NumPy's integers, as without a GPU: arrays are no keys of dictionaries."""

    def generate_on_host(self: Any, *args: Any, **kwargs: Any) -> Any:
        ids = generate(self, *args, **kwargs)
        return list(on_host(np.stack(ids))) if ids and all(map(is_cupy, ids)) else ids

    return generate_on_host


def repair_class(name: str, found: type) -> None:
    """Repair the methods of a class that is known to be the book's, if GPU mode is on."""
    held, new = dict(vars(found)), {}
    if gpu_mode.is_on() and name in _LAYERS:
        forward = _forward(name, held["forward"])
        new = {"forward": _hands_out_weights(forward) if name == "TimeAttention" else forward}
    elif gpu_mode.is_on() and name in {"PeekyDecoder", "AttentionDecoder"}:
        new = {"generate": _chosen_ids(held["generate"])}
    for method, repaired in new.items():
        originals.repair(found, method, wraps(held[method])(repaired))


def _get_batch(self: Any, x: Any, t: Any, batch_size: int, time_size: int) -> tuple[Any, Any]:
    """As the book's ``get_batch``, by one gather: the book moves every id by itself, 1400 times a batch."""
    starts = len(x) // batch_size * np.arange(batch_size)[:, None]
    where = (starts + self.time_idx + np.arange(time_size)) % len(x)
    self.time_idx += time_size
    return gpu_mode.upload(x[where].astype("i")), gpu_mode.upload(t[where].astype("i"))


def ours_in_gpu_mode(name: str, method: str, book: Method, ours: Method) -> Method:
    """Return what is put in the place of a method of the book's class, if GPU mode is on."""
    if not gpu_mode.is_on():
        return ours
    if (name, method) == ("RnnlmTrainer", "get_batch") and has_np_of_gpu_mode(book):
        return _get_batch  # a trainer that somebody typed, for NumPy, keeps ours
    if name not in _LAYERS or method != "forward":
        return ours

    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = _by_place(book, self, args, kwargs)
        return ours(self, *_moved(self, args, _IDS.get(name)), **kwargs)

    return _hands_out_weights(forward) if name == "TimeAttention" else forward


def has_np_of_gpu_mode(function: Any) -> bool:
    """Return whether ``np`` is CuPy, repaired, where a function of the book was defined."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return gpu_mode.is_np(function.__globals__.get("np"))


#: Functions of common.util that take numbers one by one, which is slow on a device, or does not run there at all.
_ON_HOST = {
    "preprocess", "cos_similarity", "most_similar", "convert_one_hot", "create_co_matrix", "ppmi",
    "create_contexts_target", "analogy", "eval_perplexity",
}  # fmt: skip


def runs_on_host(home: str, function: FunctionType) -> bool:
    """Return whether this is a function of the book that is better run on the host in GPU mode."""
    return home == "util" and function.__name__ in _ON_HOST and has_np_of_gpu_mode(function)


def host_version(entry: Entry, function: FunctionType) -> Method:
    """Return a function of the book, with NumPy as its ``np``, and its arrays and its result on the host."""
    space = dict(function.__globals__) | {"np": np, "GPU": False}
    for name, other in function.__globals__.items():  # it calls its neighbours
        if isinstance(other, FunctionType) and other.__globals__ is function.__globals__:
            code = originals.of(other).get(name, other.__code__)
            space[name] = FunctionType(code, space, name, other.__defaults__, other.__closure__)

    def on_the_host(*args: Any) -> Any:
        say("functions of common.util that take numbers one by one (run on the host)")
        with Timed(entry):
            return on_host(space[entry.name](*map(on_host, args)))

    return on_the_host

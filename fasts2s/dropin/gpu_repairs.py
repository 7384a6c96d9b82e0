"""What does not run in the book's GPU mode, repaired in its classes and functions: NumPy and CuPy arrays that meet.

These stand around whatever runs in the class, the book's own code or ours: a fallback finds its arrays on the device
as well.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import signature
from types import FunctionType
from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s.dropin import gpu_mode, originals
from fasts2s.dropin.gpu_proxy import on_host
from fasts2s.dropin.repairs import say
from fasts2s.dropin.report import REPLACED, Entry, Timed, before_first_call
from fasts2s.dropin.targets import LAYERS
from fasts2s.models.rnnlm import generate_words
from fasts2s_kernels.checks import is_cupy

Method = Callable[..., Any]
_MOVED = "ids, labels and inputs that are NumPy arrays (moved to the device of the weights)"
_LAYERS = {target.name for target in LAYERS} | {"TimeAttention"}


def _on_device(self: Any, args: tuple[Any, ...]) -> bool:
    """Return whether a layer computes on the device: its weights are there or, of one without, an argument is."""
    weights = getattr(self, "params", None) or [getattr(self, "Wx", None)]  # the Korean TimeGRU has no list
    return is_cupy(weights[0]) or any(map(is_cupy, args))


def _checked_labels(name: str, self: Any, args: tuple[Any, ...]) -> None:
    """Raise IndexError for ids that NumPy refuses: CuPy takes others in their place and says nothing."""
    if name in {"Embedding", "TimeEmbedding"}:
        ids, size = args[0], self.params[0].shape[0]
    elif name in {"SoftmaxWithLoss", "TimeSoftmaxWithLoss"} and len(args) > 1:
        ids, size = args[1], args[0].shape[-1]
        if getattr(ids, "ndim", 0) == args[0].ndim:
            return  # one-hot
    else:
        return
    if type(ids) is np.ndarray and ids.dtype.kind in "iu" and ids.size:
        wrong = [i for i in (ids.min(), ids.max()) if not -size <= i < size]
        if wrong:
            raise IndexError(f"index {wrong[0]} is out of bounds for axis 0 with size {size}")


def _fits(function: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    try:
        signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def _forward(name: str, book: Method, inner: Method) -> Method:
    """Return a forward that takes NumPy arrays, and raises TypeError for a wrong call and for nothing else.

    (The book's evaluation takes a TypeError for a model without ``train_flg`` and calls it again.)
    """

    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        while before_first_call:
            before_first_call.pop()()
        if kwargs and _fits(book, (self, *args), kwargs):
            args, kwargs = signature(book).bind(self, *args, **kwargs).args[1:], {}
        if any(type(a) is np.ndarray for a in args) and _on_device(self, args):
            _checked_labels(name, self, args)
            say(_MOVED)
            args = tuple(gpu_mode.upload(a) if type(a) is np.ndarray else a for a in args)
        try:
            return inner(self, *args, **kwargs)
        except TypeError as error:
            if not _fits(book, (self, *args), kwargs):
                raise
            raise ValueError(f"{name}.forward: {error}") from error

    return forward


class _HostOnRead(list[Any]):
    """A list of CuPy arrays that hands out NumPy arrays; in a pickle it is a list of these."""

    def _host(self, value: Any) -> Any:
        say("attention_weights (handed out as NumPy arrays)")
        return on_host(value)

    def __getitem__(self, index: Any) -> Any:
        return self._host(super().__getitem__(index))

    def __iter__(self) -> Iterator[Any]:
        return map(self._host, super().__iter__())

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Any]]]:
        return list, (list(self),)


def _attention_forward(forward: Method) -> Method:
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
        return [i.get()[()] for i in ids] if ids and all(map(is_cupy, ids)) else ids

    return generate_on_host


class _HostScores:
    """A model whose scores come to the host, where NumPy draws by them."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, ids: Any) -> Any:
        return to_cpu(self._model.predict(ids))


def _generate(self: Any, start_id: Any, skip_ids: Any = None, sample_size: int = 100) -> list[int]:
    """As the book's ``generate``: float32 scores on the host, and NumPy's draw."""
    say("generate (the scores come to the host, where NumPy draws)")
    return generate_words(_HostScores(self), on_host(start_id), skip_ids, sample_size)


def _get_batch(self: Any, x: Any, t: Any, batch_size: int, time_size: int) -> tuple[Any, Any]:
    """As the book's ``get_batch``, by one gather: the book moves every id by itself, 1400 times a batch."""
    starts = len(x) // batch_size * np.arange(batch_size)[:, None]
    where = (starts + self.time_idx + np.arange(time_size)) % len(x)
    self.time_idx += time_size
    return gpu_mode.upload(x[where].astype("i")), gpu_mode.upload(t[where].astype("i"))


def _counted(entry: Entry, call: Method) -> Method:
    def counted(*args: Any, **kwargs: Any) -> Any:
        with Timed(entry):
            return call(*args, **kwargs)

    return counted


#: Class and method -> what is put in its place, with kernels or without. None falls back: the book's cannot run.
_INSTEAD: dict[tuple[str, str], Method] = {
    ("RnnlmGen", "generate"): _generate,
    ("BetterRnnlmGen", "generate"): _generate,
    ("RnnlmTrainer", "get_batch"): _get_batch,
}


def repair_class(entry: Entry, found: type) -> None:
    """Repair a class that is known to be the book's, on top of what has been replaced in it, if GPU mode is on."""
    if not gpu_mode.is_on():
        return
    held = dict(vars(found))
    book = held | originals.of(found)
    if entry.name in _LAYERS:
        forward = _forward(entry.name, book["forward"], held["forward"])
        new = {"forward": _attention_forward(forward) if entry.name == "TimeAttention" else forward}
    elif entry.name in {"PeekyDecoder", "AttentionDecoder"}:
        new = {"generate": _chosen_ids(held["generate"])}
    else:
        new = {method: _counted(entry, ours) for (name, method), ours in _INSTEAD.items() if name == entry.name}
        if "get_batch" in new and not has_np_of_gpu_mode(held["get_batch"]):
            return  # a trainer that somebody typed, for NumPy
        if new:
            entry.status, entry.reason = REPLACED, ""
    for name, method in new.items():
        originals.replace(found, name, wraps(book[name])(method))


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
    """Return a function of the book, with NumPy as its ``np``, and its arrays on the host."""
    space = dict(function.__globals__) | {"np": np, "GPU": False}
    for name, other in function.__globals__.items():  # it calls its neighbours
        if isinstance(other, FunctionType) and other.__globals__ is function.__globals__:
            code = originals.of(other).get(name, other.__code__)
            space[name] = FunctionType(code, space, name, other.__defaults__, other.__closure__)

    def on_the_host(*args: Any) -> Any:
        say("functions of common.util that take numbers one by one (run on the host)")
        with Timed(entry):
            return space[entry.name](*map(on_host, args))

    return on_the_host

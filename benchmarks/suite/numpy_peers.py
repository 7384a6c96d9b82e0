"""The peers with the book's interface: this package and the book's own code. One code path for both."""

import ctypes
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from suite.cases import ANSWER_BLOCK, ANSWER_LENGTH, ASKED_ALONE, QUESTIONS, START_ID, Case
from suite.peer import Arrays, Option, Runnable, UnsupportedError, nothing, numbered, thread_choices, weights_of

MODELS = ("Seq2seq", "PeekySeq2seq", "AttentionSeq2seq", "Rnnlm", "BetterRnnlm")

# Where the book keeps what is compared.
BOOK_MODULES = {
    "Seq2seq": "seq2seq",
    "PeekySeq2seq": "peeky_seq2seq",
    "AttentionSeq2seq": "attention_seq2seq",
    "Rnnlm": "rnnlm",
    "BetterRnnlm": "better_rnnlm",
    "TimeLSTM": "common.time_layers",
    "TimeEmbedding": "common.time_layers",
    "TimeSoftmaxWithLoss": "common.time_layers",
    "SGD": "common.optimizer",
    "Adam": "common.optimizer",
    "remove_duplicate": "common.trainer",
    "clip_grads": "common.util",
}


def _in_turn(clip_grads: Callable[..., Any], optimizer: Any, params: Any, grads: Any, max_norm: float) -> None:
    clip_grads(grads, max_norm)
    optimizer.update(params, grads)


def _folded(optimizer: Any, params: Any, grads: Any, max_norm: float) -> None:
    """What our Trainer does: the clipped gradients are never written."""
    ours = import_module("fasts2s.optimizers")
    optimizer.update(params, grads, scale=ours.clip_rate(ours.clip_grads(grads, None), max_norm))


def book_code(checkout: Path) -> Any:
    """Import the book's classes from a checkout."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    sys.path[:0] = [str(checkout), *(str(checkout / chapter) for chapter in ("ch06", "ch07", "ch08"))]
    found = {name: getattr(import_module(m), name) for name, m in BOOK_MODULES.items()}
    return SimpleNamespace(**found, clip_and_update=partial(_in_turn, found["clip_grads"]))


def our_code() -> Any:
    """Return the same names of this package."""
    places = [import_module(f"fasts2s.{name}") for name in ("models", "layers", "optimizers")]
    found = {name: getattr(p, name) for name in BOOK_MODULES for p in places if hasattr(p, name)}
    return SimpleNamespace(**found, clip_and_update=_folded)


def _openblas_setter() -> Callable[[int], Any] | None:
    """Return what sets the number of threads of the OpenBLAS in NumPy's wheel; None where it is not found."""
    package = Path(np.__file__).parent
    for library in [*(package.parent / "numpy.libs").glob("*openblas*"), *(package / ".dylibs").glob("*openblas*")]:
        opened = ctypes.CDLL(str(library))
        for name in ("scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads"):
            if hasattr(opened, name):
                return getattr(opened, name)
    return None


class _BookInterface:
    """Makes cases ready with classes that have the book's names."""

    code: Any

    def build(self, case: Case, data: Arrays, variant: str, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        if case.group == "step":
            return _step(self.code, case, data)
        makers = {"lstm": _lstm, "softmax": _softmax, "embedding": _embedding}
        return (
            _answers(self.code, case, data, variant) if case.kind == "answers" else makers[case.kind](self.code, data)
        )


class Ours(_BookInterface):
    """This package on its numba backend, with the threads it takes by itself."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.code = our_code()

    def versions(self) -> dict[str, str]:
        """Return the versions, and what the backend says of itself."""
        backend = import_module("fasts2s.backend").get_backend()
        if backend.name != "numba":
            raise ImportError(f"the backend is {backend.name}, expected numba")
        described = import_module("fasts2s_kernels").setup_of("numba").describe()
        found = {name: metadata.version(name) for name in ("fasts2s", "numba", "llvmlite")}
        return {**found, "on": described["processor"], "threads": described["threads"]}

    def options(self, case: Case) -> list[Option]:
        """Return the one way in which it runs."""
        return [{}]


class Book(_BookInterface):
    """The book's own code, with the better number of BLAS threads."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.set_threads = _openblas_setter()
        self.code = book_code(Path(os.environ["FASTS2S_BOOK"]))

    def versions(self) -> dict[str, str]:
        """Return the version of NumPy."""
        return {"numpy": np.__version__}

    def options(self, case: Case) -> list[Option]:
        """Return the numbers of threads to try."""
        if self.set_threads is None:
            return [{}]
        return [{"BLAS threads": n} for n in thread_choices(self.threads)]

    def build(self, case: Case, data: Arrays, variant: str, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        if variant == "batched":
            raise UnsupportedError("the book answers one question at a time")
        made = super().build(case, data, variant, option)
        reset, setter = made.reset, self.set_threads
        if setter is not None and option:
            made.reset = lambda: (setter(option["BLAS threads"]), reset())[1]
        return made


def _lstm(code: Any, data: Arrays) -> Runnable:
    layer = code.TimeLSTM(*weights_of(data))
    xs, dhs = data["xs"], data["dhs"]

    def once() -> None:
        layer.forward(xs)
        layer.backward(dhs)

    def results() -> Arrays:
        hs = layer.forward(xs)
        return {"out_hs": hs, "grad_xs": layer.backward(dhs), **numbered("grad", layer.grads)}

    return Runnable(once, results, nothing)


def _softmax(code: Any, data: Arrays) -> Runnable:
    layer = code.TimeSoftmaxWithLoss()
    xs, ts = data["xs"], data["ts"]

    def once() -> Any:
        loss = layer.forward(xs, ts)
        layer.backward()
        return loss

    return Runnable(once, lambda: {"out_loss": layer.forward(xs, ts), "grad_xs": layer.backward()}, nothing)


def _embedding(code: Any, data: Arrays) -> Runnable:
    layer = code.TimeEmbedding(weights_of(data)[0])
    out = layer.forward(data["xs"])

    def once() -> None:
        layer.backward(data["dout"])

    def results() -> Arrays:
        once()
        return {"out": out, "grad_00": layer.grads[0]}

    return Runnable(once, results, nothing)


def new_model(code: Any, case: Case, weights: list[Any]) -> Any:
    """Return a model with these weights."""
    model = getattr(code, case.kind)(case["V"], case["D"], case["H"])
    for param, weight in zip(model.params, weights, strict=True):
        param[...] = weight
    return model


def fresh_step(code: Any, case: Case, data: Arrays, model: Any = None) -> Callable[..., float]:
    """Return the function that makes one training step of a model, by default a new one, with xs and ts (N, T)."""
    model = model or getattr(code, case.kind)(case["V"], case["D"], case["H"])
    optimizer = code.Adam() if case.adam else code.SGD(20.0)
    xs, ts = data["xs"], data["ts"]

    def once(kept: Arrays | None = None) -> float:
        loss = float(model.forward(xs, ts))
        model.backward()
        params, grads = code.remove_duplicate(model.params, model.grads)
        if kept is not None:
            kept |= numbered("grad", grads)
        code.clip_and_update(optimizer, params, grads, case.max_grad)
        return loss

    return once


def _step(code: Any, case: Case, data: Arrays) -> Runnable:
    weights = weights_of(data)
    model = new_model(code, case, weights)
    once = fresh_step(code, case, data, model)

    def results() -> Arrays:
        np.random.seed(int(data["seed"]))  # of dropout
        kept: Arrays = {}
        loss = once(kept)
        return {"out_loss": loss, **kept, **numbered("param", model.params)}

    def reset() -> None:
        for param, weight in zip(model.params, weights, strict=True):
            param[...] = weight

    return Runnable(once, results, reset)


def _answers(code: Any, case: Case, data: Arrays, variant: str) -> Runnable:
    model = new_model(code, Case("", "step", "Seq2seq", case.sizes), weights_of(data))
    questions = data["xs"]

    def alone(count: int = ASKED_ALONE) -> list[list[int]]:
        return [model.generate(questions[k : k + 1], START_ID, ANSWER_LENGTH) for k in range(count)]

    def batched() -> list[list[int]]:
        blocks = range(0, QUESTIONS, ANSWER_BLOCK)
        answers = [model.generate_batch(questions[k : k + ANSWER_BLOCK], START_ID, ANSWER_LENGTH) for k in blocks]
        return [row for block in answers for row in block]

    if variant == "batched":
        return Runnable(batched, lambda: {"ids": np.array(batched())}, nothing)
    return Runnable(alone, lambda: {"ids": np.array(alone())}, nothing, QUESTIONS / ASKED_ALONE)

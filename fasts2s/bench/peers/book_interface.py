"""The peers with the book's interface, on one code path: the backends of this package, and the book's own code."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from fasts2s import __version__
from fasts2s.backend import BackendName, get_backend, set_backend, to_cpu
from fasts2s.bench import kernel_ops, pipeline
from fasts2s.bench.cases import ANSWER_BLOCK, ANSWER_LENGTH, ASKED_ALONE, QUESTIONS, START_ID, Case
from fasts2s.bench.data import TEXT_SEED
from fasts2s.bench.peer import (
    Arrays,
    Option,
    Runnable,
    UnsupportedError,
    nothing,
    numbered,
    thread_choices,
    weights_of,
)
from fasts2s.bench.peers import blas
from fasts2s.bench.peers.code import book_code, fresh_step, new_model, our_code
from fasts2s_kernels import setup_of
from fasts2s_kernels.installed import library_version


class BookInterface:
    """Makes cases ready with classes that have the book's names.

    Attributes
    ----------
    code
        The classes and functions, see :mod:`fasts2s.bench.peers.code`.
    threads : int
        The most threads.
    set_threads : callable or None
        Sets the number of threads of NumPy's BLAS, where that matters and can be set.
    """

    def __init__(self, code: Any, threads: int, uses_blas: bool) -> None:
        self.code, self.threads = code, threads
        self.set_threads = blas.thread_setter() if uses_blas else None

    def options(self, case: Case) -> list[Option]:
        """Return the numbers of BLAS threads to try, or the one way in which it runs."""
        return [{}] if self.set_threads is None else [{"BLAS threads": n} for n in thread_choices(self.threads)]

    def put(self, a: Any) -> Any:
        """Return an array where the backend computes."""
        return a

    def wait(self) -> None:
        """Return when everything that was started has been computed."""

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        setter = self.set_threads
        if setter is None or not option:
            return self._make(case, data)
        setter(option["BLAS threads"])
        made = self._make(case, data)
        reset = made.reset
        made.reset = lambda: (setter(option["BLAS threads"]), reset())[1]
        return made

    def _make(self, case: Case, data: Arrays) -> Runnable:
        if case.kind == "answers":
            return self._answers(case, data)
        placed = {name: self.put(a) if name in {"xs", "ts", "dhs", "dout"} else a for name, a in data.items()}
        if case.is_step:
            return self._step(case, placed)
        return {"text": self._text, "perplexity": self._perplexity}.get(case.kind, self._layer)(case, placed)

    def _on_host(self, found: Arrays) -> Arrays:
        return {name: np.array(to_cpu(a)) for name, a in found.items()}

    def _layer(self, case: Case, data: Arrays) -> Runnable:
        make = {"lstm": _lstm, "softmax": _softmax, "embedding": _embedding}[case.kind]
        once, results = make(self.code, {n: self.put(a) if n.startswith("weight") else a for n, a in data.items()})

        def timed() -> Any:
            loss = once()
            self.wait()
            return None if loss is None else float(loss)

        return Runnable(timed, lambda: self._on_host(results()), nothing)

    def _step(self, case: Case, data: Arrays) -> Runnable:
        weights = [self.put(w) for w in weights_of(data)]
        model = new_model(self.code, case, weights)
        once = fresh_step(self.code, case, data, model)

        def results() -> Arrays:
            np.random.seed(int(data["seed"]))  # of dropout
            kept: Arrays = {}
            loss = once(lambda grads: kept.update(numbered("grad", [to_cpu(g) for g in grads])))
            return {"out_loss": loss, **kept, **numbered("param", [to_cpu(p) for p in model.params])}

        def reset() -> None:
            for param, weight in zip(model.params, weights, strict=True):
                param[...] = weight

        return Runnable(once, results, reset)

    def _answers(self, case: Case, data: Arrays) -> Runnable:
        model = new_model(self.code, replace(case, kind="Seq2seq"), [self.put(w) for w in weights_of(data)])
        questions = data["xs"]

        def alone() -> Any:
            return [model.generate(questions[k : k + 1], START_ID, ANSWER_LENGTH) for k in range(ASKED_ALONE)]

        def batched() -> Any:
            blocks = range(0, QUESTIONS, ANSWER_BLOCK)
            answers = [model.generate_batch(questions[k : k + ANSWER_BLOCK], START_ID, ANSWER_LENGTH) for k in blocks]
            return [row for block in answers for row in block]

        if case.variant == "batched":
            return Runnable(batched, lambda: {"ids": np.array(batched())}, nothing)
        return Runnable(alone, lambda: {"ids": np.array(alone())}, nothing, QUESTIONS / ASKED_ALONE)

    def _text(self, case: Case, data: Arrays) -> Runnable:
        model = new_model(self.code, replace(case, kind="RnnlmGen"), [self.put(w) for w in weights_of(data)])

        def reset() -> None:
            np.random.seed(TEXT_SEED)
            model.reset_state()

        def once() -> Any:
            return model.generate(START_ID, sample_size=case["T"])

        def results() -> Arrays:
            reset()
            return {"ids": np.array(once())[None]}

        return Runnable(once, results, reset)

    def _perplexity(self, case: Case, data: Arrays) -> Runnable:
        model = new_model(self.code, replace(case, kind="Rnnlm"), [self.put(w) for w in weights_of(data)])

        def once() -> float:
            return float(self.code.eval_perplexity(model, data["corpus"], case["N"], case["T"]))

        def results() -> Arrays:
            model.reset_state()
            return {"out_perplexity": np.array(once())}

        return Runnable(once, results, model.reset_state)


class Book(BookInterface):
    """The book's own code."""

    def __init__(self, threads: int) -> None:
        super().__init__(book_code(), threads, True)

    def versions(self) -> dict[str, str]:
        """Return the version of NumPy."""
        return {"numpy": np.__version__}

    def _make(self, case: Case, data: Arrays) -> Runnable:
        if case.variant == "batched":
            raise UnsupportedError("the book answers one question at a time")
        if case.kind == "text":
            raise UnsupportedError("the book's text generation does not run on current NumPy")
        if case.group == "kernels":
            raise UnsupportedError("the book has layers, not kernels")
        if case.group == "data":
            return self._loading(case, data)
        return super()._make(case, data)

    def _loading(self, case: Case, data: Arrays) -> Runnable:
        if case.kind != "load":
            raise UnsupportedError("the book has no function for it")
        sequence = import_module("dataset.sequence")

        def load(path: str) -> Any:
            sequence.id_to_char.clear()  # the book's vocabulary grows from call to call
            sequence.char_to_id.clear()
            return sequence.load_data(path)

        return pipeline.build(case, data, pipeline.book_loader(load, str(sequence.__file__)))


class Ours(BookInterface):
    """A backend of this package: numpy, the proven reference; numba, with the threads it takes by itself."""

    def __init__(self, name: BackendName, threads: int) -> None:
        set_backend(name)
        self.name, self.kernels = name, get_backend().kernels()
        super().__init__(our_code(), threads, name == "numpy")

    def versions(self) -> dict[str, str]:
        """Return the versions of this package and of the backend's library, and what the backend says of itself."""
        setup = setup_of(self.name)
        described = {} if setup is None else {f"{self.name} {k}": v for k, v in setup.describe().items()}
        described.pop(f"{self.name} cache", None)
        return {"fasts2s": __version__, self.name: library_version(self.name), **described}

    def _make(self, case: Case, data: Arrays) -> Runnable:
        return self._kernel(case, data) if case.group == "kernels" else super()._make(case, data)

    def _kernel(self, case: Case, data: Arrays) -> Runnable:
        call = kernel_ops.build(self.kernels, case, data)

        def once() -> None:
            call()
            self.wait()

        return Runnable(once, lambda: self._on_host(call()), nothing)


class Cupy(Ours):
    """The cupy backend; times are those of the host, until the device is done."""

    def __init__(self, threads: int) -> None:
        super().__init__("cupy", threads)

    def put(self, a: Any) -> Any:
        """Return an array on the device."""
        return self.kernels.asarray(a)

    def wait(self) -> None:
        """Return when the device is done."""
        self.kernels.xp.cuda.get_current_stream().synchronize()


#: What is timed, and what the gate compares.
Made = tuple[Callable[[], Any], Callable[[], Arrays]]


def _lstm(code: Any, data: Arrays) -> Made:
    layer = code.TimeLSTM(*weights_of(data))
    xs, dhs = data["xs"], data["dhs"]

    def once() -> None:
        layer.forward(xs)
        layer.backward(dhs)

    def results() -> Arrays:
        hs = layer.forward(xs)
        return {"out_hs": hs, "grad_xs": layer.backward(dhs), **_named(layer.grads)}

    return once, results


def _softmax(code: Any, data: Arrays) -> Made:
    layer = code.TimeSoftmaxWithLoss()
    xs, ts = data["xs"], data["ts"]

    def once() -> Any:
        loss = layer.forward(xs, ts)
        layer.backward()
        return loss

    return once, lambda: {"out_loss": layer.forward(xs, ts), "grad_xs": layer.backward()}


def _embedding(code: Any, data: Arrays) -> Made:
    layer = code.TimeEmbedding(weights_of(data)[0])
    out = layer.forward(data["xs"])

    def once() -> None:
        layer.backward(data["dout"])

    def results() -> Arrays:
        once()
        return {"out": out, **_named(layer.grads)}

    return once, results


def _named(grads: list[Any]) -> Arrays:
    return {f"grad_{k:02d}": g for k, g in enumerate(grads)}

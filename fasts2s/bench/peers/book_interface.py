"""The peers with the book's interface, on one code path: the backends of this package, and the book's own code."""

import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s import __version__
from fasts2s.backend import BackendName, get_backend, set_backend, to_cpu
from fasts2s.bench import kernel_ops, pipeline
from fasts2s.bench.cases import ANSWER_BLOCK, ANSWER_LENGTH, ASKED_ALONE, QUESTIONS, START_ID, Case
from fasts2s.bench.peer import (
    CURVE,
    Arrays,
    Option,
    Peer,
    Runnable,
    UnsupportedError,
    each,
    numbered,
    thread_choices,
    weights_of,
)
from fasts2s.bench.peers.code import book_code, book_code_on_cupy, fresh_step, new_model, new_optimizer, our_code
from fasts2s_kernels import blas, setup_of
from fasts2s_kernels.installed import library_version

#: Of the words drawn in the case "text".
TEXT_SEED = 11
#: What the backend needs where it computes; the book draws and asks with lists and NumPy arrays.
_NOT_OF_THE_BOOK = {
    "batched": "the book answers one question at a time",
    "text": "the book's text generation does not run on current NumPy",
    "no dropout": "the book's dropout layers want a mask in backward",
}
_PLACED = ("xs", "ts", "dhs", "dout", "weight", "given")


class BookInterface(Peer):
    """Makes cases ready with classes that have the book's names.

    code : the classes and functions, see :mod:`fasts2s.bench.peers.code`; uses_blas : whether the number of threads
    of NumPy's BLAS matters: then the best one is tried out, where it can be set.
    """

    def __init__(self, code: Any, threads: int, uses_blas: bool, *words: str) -> None:
        super().__init__(threads, *words)
        libraries = blas.libraries() if uses_blas else None
        self.code, self.blas = code, libraries.lib_controllers if libraries is not None else []

    def versions(self) -> dict[str, str]:
        """Return the version of NumPy."""
        return {"numpy": np.__version__}

    def options(self, case: Case) -> list[Option]:
        """Return the numbers of BLAS threads to try, or the one way in which it runs."""
        return [{"BLAS threads": n} for n in thread_choices(self.threads)] if self.blas else [{}]

    def use(self, option: Option) -> None:
        """Set the number of BLAS threads."""
        for library in self.blas if option else ():
            library.set_num_threads(option["BLAS threads"])

    def put(self, a: Any) -> Any:
        """Return an array where the backend computes."""
        return a

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        maker = _step if case.is_step else _MAKERS.get(case.kind)
        if maker is None:
            raise UnsupportedError(f"it has nothing for {case.kind}")
        placed = [name for name in data if name.partition("_")[0] in _PLACED]
        if case.kind == "answers":  # questions come from outside
            placed.remove("xs")
        return maker(self.code, case, data | {name: self.put(data[name]) for name in placed})


class Book(BookInterface):
    """The book's own code, by NumPy or by CuPy (``cupy``)."""

    def __init__(self, threads: int, *words: str) -> None:
        self.on_gpu = "cupy" in words
        super().__init__(book_code_on_cupy() if self.on_gpu else book_code(), threads, not self.on_gpu)

    def put(self, a: Any) -> Any:
        """Return an array on the device, where there is one."""
        return import_module("cupy").asarray(a) if self.on_gpu else a

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        if case.variant in _NOT_OF_THE_BOOK or case.kind in _NOT_OF_THE_BOOK:
            raise UnsupportedError(_NOT_OF_THE_BOOK.get(case.variant) or _NOT_OF_THE_BOOK[case.kind])
        if case.group == "data":
            return self._loading(case)
        if self.on_gpu and not case.is_step:
            raise UnsupportedError("on CuPy its steps are measured")
        return super().build(case, data, option)

    def _loading(self, case: Case) -> Runnable:
        if case.kind != "load":
            raise UnsupportedError("the book has no function for it")
        sequence = import_module("dataset.sequence")

        def load(path: str) -> Any:
            sequence.id_to_char.clear()  # the book's vocabulary grows from call to call
            sequence.char_to_id.clear()
            return sequence.load_data(
                os.path.relpath(path, Path(str(sequence.__file__)).parent)
            )  # it looks there alone

        return pipeline.build(case, load)


class Ours(BookInterface):
    """A backend of this package: numpy, the proven reference; numba, with the threads it takes by itself; cupy.

    ``words`` : of cupy, the design of the LSTM if it is not to be the one that is chosen for a size.
    """

    def __init__(self, threads: int, name: BackendName, *words: str) -> None:
        set_backend(name)
        self.name, self.kernels, self.on_gpu = name, get_backend().kernels(), name == "cupy"
        super().__init__(our_code(), threads, name == "numpy", *words)

    def versions(self) -> dict[str, str]:
        """Return the versions of this package and of the backend's library, and what the backend says of itself."""
        setup = setup_of(self.name)
        described = {} if setup is None else {f"{self.name} {k}": v for k, v in setup.describe().items()}
        described.pop(f"{self.name} cache", None)
        return {"fasts2s": __version__, self.name: library_version(self.name), **described}

    def put(self, a: Any) -> Any:
        """Return an array on the backend's side."""
        return self.kernels.asarray(a) if self.on_gpu else a

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        if self.words and case.kind != "lstm":
            raise UnsupportedError("only LSTMs have several designs")
        if case.group == "kernels":
            call = kernel_ops.build(self.kernels, case, kernel_ops.given(case))
            return Runnable(
                call,
                lambda: {name: np.array(to_cpu(a)) for name, a in call().items()},
                info={} if self.on_gpu else {"call": self._empty_call(case)},
            )
        made = super().build(case, data, option)
        if self.on_gpu and case.kind == "lstm":
            import_module("fasts2s.bench.peers.gpu").use_design(made, case, *self.words)
        return made

    def _empty_call(self, case: Case) -> float:
        """Return the least seconds of a call of the case's function with nothing to do: all sizes are 1."""
        smallest = kernel_ops.tiny(case, dict.fromkeys(case.sizes, 1))
        call = kernel_ops.build(self.kernels, smallest, kernel_ops.given(smallest))
        return min(each(call, 100))


def _lstm(code: Any, case: Case, data: Arrays) -> Runnable:
    layer = code.TimeLSTM(*weights_of(data))

    def both() -> tuple[Any, Any]:
        return layer.forward(data["xs"]), layer.backward(data["dhs"])

    def results() -> Arrays:
        hs, dxs = map(to_cpu, both())
        return {"out_hs": hs, "grad_xs": dxs, **numbered("grad", layer.grads)}

    return Runnable(partial(layer.forward, data["xs"]) if case.variant == "forward" else both, results)


def _softmax(code: Any, case: Case, data: Arrays) -> Runnable:
    layer = code.TimeSoftmaxWithLoss()

    def once() -> tuple[Any, Any]:
        return layer.forward(data["xs"], data["ts"]), layer.backward()

    return Runnable(once, lambda: dict(zip(("out_loss", "grad_xs"), map(to_cpu, once()), strict=True)))


def _embedding(code: Any, case: Case, data: Arrays) -> Runnable:
    layer = code.TimeEmbedding(weights_of(data)[0])
    out = np.array(to_cpu(layer.forward(data["xs"])))
    once = partial(layer.backward, data["dout"])

    def results() -> Arrays:
        once()
        return {"out": out, **numbered("grad", layer.grads)}

    return Runnable(once, results)


def _update(code: Any, case: Case, data: Arrays) -> Runnable:
    """Clip and update parameters of zero: nothing hides a wrong gradient."""
    grads = weights_of(data, "given")
    params = [0 * g for g in grads]
    once = partial(code.clip_and_update, new_optimizer(code, case), params, grads, case.max_grad)

    def results() -> Arrays:
        once()
        return numbered("param", params)

    return Runnable(once, results)


def _step(code: Any, case: Case, data: Arrays) -> Runnable:
    weights = weights_of(data)
    model = new_model(code, case, weights)
    once = fresh_step(code, case, data, model)

    def results() -> Arrays:
        np.random.seed(int(data["seed"]))  # of dropout
        kept: Arrays = {}
        loss = float(once(lambda grads: kept.update(numbered("grad", grads))))
        kept |= {"out_loss": loss, **numbered("param", model.params)}
        return {**kept, "curve": [float(once()) for _ in range(CURVE)]}

    def reset() -> None:
        for param, weight in zip(model.params, weights, strict=True):
            param[...] = weight

    return Runnable(once, results, reset)


def _answers(code: Any, case: Case, data: Arrays) -> Runnable:
    model = new_model(code, case, weights_of(data))
    questions = data["xs"]

    def alone() -> Any:
        return [model.generate(questions[k : k + 1], START_ID, ANSWER_LENGTH) for k in range(ASKED_ALONE)]

    def batched() -> Any:
        blocks = range(0, QUESTIONS, ANSWER_BLOCK)
        answers = [model.generate_batch(questions[k : k + ANSWER_BLOCK], START_ID, ANSWER_LENGTH) for k in blocks]
        return [row for block in answers for row in block]

    if case.variant == "batched":
        return Runnable(batched, lambda: {"ids": np.array(batched())})
    return Runnable(alone, lambda: {"ids": np.array(alone())}, units=QUESTIONS / ASKED_ALONE)


def _text(code: Any, case: Case, data: Arrays) -> Runnable:
    model = new_model(code, case, weights_of(data))

    def reset() -> None:
        np.random.seed(TEXT_SEED)
        model.reset_state()

    once = partial(model.generate, START_ID, sample_size=case["T"])
    return Runnable(once, lambda: {"ids": np.array(once())[None]}, reset)


def _perplexity(code: Any, case: Case, data: Arrays) -> Runnable:
    model = new_model(code, case, weights_of(data))
    once = partial(code.eval_perplexity, model, data["corpus"], case["N"], case["T"])
    return Runnable(once, lambda: {"out_perplexity": np.array(once())}, model.reset_state)


_MAKERS: dict[str, Callable[[Any, Case, Arrays], Runnable]] = {
    "lstm": _lstm,
    "softmax": _softmax,
    "embedding": _embedding,
    "update": _update,
    "answers": _answers,
    "text": _text,
    "perplexity": _perplexity,
}

"""The classes of this package and of the book under the same names, and a training step that is made with either."""

import contextlib
import io
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from fasts2s.backend import book_checkout
from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays, UnsupportedError

#: Where the book keeps what is compared.
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
    "eval_perplexity": "common.util",
}


def _in_turn(clip_grads: Callable[..., Any], optimizer: Any, params: Any, grads: Any, max_norm: float) -> None:
    clip_grads(grads, max_norm)
    optimizer.update(params, grads)


def _folded(optimizer: Any, params: Any, grads: Any, max_norm: float) -> None:
    """What our Trainer does: the clipped gradients are never written."""
    ours = import_module("fasts2s.optimizers")
    optimizer.update(params, grads, scale=ours.clip_rate(ours.clip_grads(grads, None), max_norm))


def book_code() -> Any:
    """Import the book's classes from the checkout of FASTS2S_BOOK. Raises ImportError without one."""
    checkout = book_checkout()
    if checkout is None:
        raise ImportError("FASTS2S_BOOK is not set, expected the folder of a checkout of the book's code")
    sys.path[:0] = [str(checkout), *(str(checkout / chapter) for chapter in ("ch06", "ch07", "ch08"))]
    found = {name: getattr(import_module(m), name) for name, m in BOOK_MODULES.items()}
    return SimpleNamespace(**found, clip_and_update=partial(_in_turn, found["clip_grads"]))


def book_code_on_cupy() -> Any:
    """Return the book's classes on CuPy: its own arithmetic, with the drop-in's repairs and without our kernels.

    The book's code alone does not run on today's CuPy. This process has no kernels for cupy afterwards. Raises
    UnsupportedError where the book's GPU mode cannot be had.
    """
    fasts2s, gpu_mode = import_module("fasts2s"), import_module("fasts2s.dropin.gpu.mode")
    backend = fasts2s.get_backend("cupy")
    import_module("fasts2s_kernels").MODULES.pop("cupy")  # the drop-in leaves the book's code where there are none
    fasts2s.patch(backend)
    with contextlib.redirect_stdout(io.StringIO()):  # the book says that it is on the GPU
        code = book_code()
    if not gpu_mode.leaves_the_book() or not gpu_mode.is_np(import_module("common.time_layers").np):
        raise UnsupportedError("the book's own code is not on CuPy: the drop-in has put its kernels there")
    return code


def our_code() -> Any:
    """Return the same names of this package."""
    places = [import_module(f"fasts2s.{name}") for name in ("models", "layers", "optimizers", "evaluation")]
    found = {name: getattr(p, name) for name in (*BOOK_MODULES, "RnnlmGen") for p in places if hasattr(p, name)}
    found["eval_perplexity"] = places[-1].perplexity  # the same, without the book's printed lines
    return SimpleNamespace(**found, clip_and_update=_folded)


def new_model(code: Any, case: Case, weights: list[Any]) -> Any:
    """Return a model with these weights."""
    model = getattr(code, case.model)(case["V"], case["D"], case["H"])
    for param, weight in zip(model.params, weights, strict=True):
        param[...] = weight
    return model


def new_optimizer(code: Any, case: Case) -> Any:
    """Return the optimiser of a step or an update."""
    return code.Adam() if case.adam else code.SGD(20.0)


def fresh_step(code: Any, case: Case, data: Arrays, model: Any = None) -> Callable[..., Any]:
    """Return the function that makes one training step of a model, by default a new one, with xs and ts (N, T).

    It returns the loss. What is given to it as ``look`` is called with the gradients before they are clipped.
    """
    model = model or getattr(code, case.kind)(case["V"], case["D"], case["H"])
    optimizer = new_optimizer(code, case)
    xs, ts = data["xs"], data["ts"]
    options = {"train_flg": False} if case.variant == "no dropout" else {}

    def once(look: Callable[[list[Any]], Any] | None = None) -> Any:
        loss = model.forward(xs, ts, **options)
        model.backward()
        params, grads = code.remove_duplicate(model.params, model.grads)
        if look is not None:
            look(grads)
        code.clip_and_update(optimizer, params, grads, case.max_grad)
        return loss

    return once

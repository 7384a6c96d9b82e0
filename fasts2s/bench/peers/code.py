"""The classes of this package and of the book under the same names, and a training step that is made with either."""

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fasts2s.backend import book_checkout
from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays

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
    "eval_perplexity": "common.util",
}


def _in_turn(clip_grads: Callable[..., Any], optimizer: Any, params: Any, grads: Any, max_norm: float) -> None:
    clip_grads(grads, max_norm)
    optimizer.update(params, grads)


def _folded(optimizer: Any, params: Any, grads: Any, max_norm: float) -> None:
    """What our Trainer does: the clipped gradients are never written."""
    ours = import_module("fasts2s.optimizers")
    optimizer.update(params, grads, scale=ours.clip_rate(ours.clip_grads(grads, None), max_norm))


def book_code(checkout: Path | None = None) -> Any:
    """Import the book's classes from a checkout, by default that of FASTS2S_BOOK. Raises ImportError without one."""
    checkout = checkout or book_checkout()
    if checkout is None:
        raise ImportError("FASTS2S_BOOK is not set, expected the folder of a checkout of the book's code")
    sys.path[:0] = [str(checkout), *(str(checkout / chapter) for chapter in ("ch06", "ch07", "ch08"))]
    found = {name: getattr(import_module(m), name) for name, m in BOOK_MODULES.items()}
    return SimpleNamespace(**found, clip_and_update=partial(_in_turn, found["clip_grads"]))


def our_code() -> Any:
    """Return the same names of this package."""
    places = [import_module(f"fasts2s.{name}") for name in ("models", "layers", "optimizers", "evaluation")]
    found = {name: getattr(p, name) for name in (*BOOK_MODULES, "RnnlmGen") for p in places if hasattr(p, name)}
    return SimpleNamespace(**found, clip_and_update=_folded)


def new_model(code: Any, case: Case, weights: list[Any]) -> Any:
    """Return a model with these weights."""
    model = getattr(code, case.kind)(case["V"], case["D"], case["H"])
    for param, weight in zip(model.params, weights, strict=True):
        param[...] = weight
    return model


def fresh_step(code: Any, case: Case, data: Arrays, model: Any = None) -> Callable[..., float]:
    """Return the function that makes one training step of a model, by default a new one, with xs and ts (N, T).

    What is given to the function as ``look`` is called with the gradients before they are clipped.
    """
    model = model or getattr(code, case.kind)(case["V"], case["D"], case["H"])
    optimizer = code.Adam() if case.adam else code.SGD(20.0)
    xs, ts = data["xs"], data["ts"]

    def once(look: Callable[[list[Any]], Any] | None = None) -> float:
        loss = float(model.forward(xs, ts))
        model.backward()
        params, grads = code.remove_duplicate(model.params, model.grads)
        if look is not None:
            look(grads)
        code.clip_and_update(optimizer, params, grads, case.max_grad)
        return loss

    return once

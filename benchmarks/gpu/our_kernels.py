"""Our side of gpu_kernels.py: layers and optimisers of this package on the backend cupy."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fasts2s import layers, optimizers
from fasts2s.backend import get_backend, to_cpu
from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays, nothing, numbered, weights_of
from fasts2s_kernels.gpu import dispatch
from gpu.kernel_cases import RATE

#: The choice of the dispatch as it is, before anything below replaces it.
_PLANS = {"rows": dispatch.rows, "slices": dispatch.slices}


@dataclass
class Made:
    """A case made ready by somebody.

    Attributes
    ----------
    label, precision : str
        Precision: ours, fp32, tf32 or fp16; see :mod:`gpu.gating`.
    calls : dict of str to callable
        Mode -> one call, which starts everything and waits for nothing.
    results : callable
        Everything that the gate compares, on the host.
    before : callable
        Before results and before every block.
    note : str
    """

    label: str
    precision: str
    calls: dict[str, Callable[[], Any]]
    results: Callable[[], Arrays]
    before: Callable[[], None] = nothing
    note: str = ""


def _fetch(arrays: list[Any]) -> list[Any]:
    return [to_cpu(a) for a in arrays]


def _up(a: Any) -> Any:
    return get_backend("cupy").kernels().asarray(a)


def use_design(design: str) -> None:
    """Leave one design of the LSTM to the dispatch, or its own choice."""
    for name, plan in _PLANS.items():
        setattr(dispatch, name, plan if design in {"chosen", name} else _never)


def _never(*_: Any) -> None:
    return None


def designs(case: Case) -> tuple[str, list[str]]:
    """Return what the dispatch takes forward and backward, and the other designs that could run."""
    device = importlib.import_module("fasts2s_kernels.gpu.device").device()
    N, H = case["N"], case["H"]
    slices = _PLANS["slices"](N, H, device) is not None
    chosen = [
        "rows" if _PLANS["rows"](N, H, device, kernel) else "slices" if slices else "steps"
        for kernel in ("forward", "backward")
    ]
    others = [name for name in (["slices"] if slices else []) + ["steps"] if name not in chosen]
    return "/".join(dict.fromkeys(chosen)), others


def make(case: Case, data: Arrays) -> list[Made]:
    """Return our contestants of a case; the first one is what a user gets."""
    if case.kind == "lstm":
        chosen, others = designs(case)
        first = _lstm(data, "ours", "chosen")
        first.note = f"design: {chosen}"
        return [first, *(_lstm(data, f"ours, {design}", design) for design in others)]
    return [{"softmax": _softmax, "embedding": _embedding}.get(case.kind, _update)(case, data)]


def _lstm(data: Arrays, label: str, design: str) -> Made:
    layer = layers.TimeLSTM(*map(_up, weights_of(data)), backend="cupy")
    xs, dhs = _up(data["xs"]), _up(data["dhs"])

    def both() -> None:
        layer.forward(xs)
        layer.backward(dhs)

    def results() -> Arrays:
        hs = layer.forward(xs)
        dxs = layer.backward(dhs)
        return {"out_hs": to_cpu(hs), "grad_xs": to_cpu(dxs), **numbered("grad", _fetch(layer.grads))}

    def forward() -> None:
        layer.forward(xs)

    return Made(label, "ours", {"forward": forward, "both": both}, results, lambda: use_design(design))


def _softmax(case: Case, data: Arrays) -> Made:
    layer = layers.TimeSoftmaxWithLoss(backend="cupy")
    xs, ts = _up(data["xs"]), _up(data["ts"])

    def both() -> Any:
        loss = layer.forward(xs, ts)
        layer.backward()
        return loss

    def results() -> Arrays:
        loss = layer.forward(xs, ts)
        return {"out_loss": to_cpu(loss), "grad_xs": to_cpu(layer.backward())}

    return Made("ours", "ours", {"both": both}, results)


def _embedding(case: Case, data: Arrays) -> Made:
    layer = layers.TimeEmbedding(_up(weights_of(data)[0]), backend="cupy")
    dout = _up(data["dout"])
    layer.forward(_up(data["xs"]))

    def backward() -> None:
        layer.backward(dout)

    def results() -> Arrays:
        backward()
        return numbered("grad", _fetch(layer.grads))

    return Made("ours", "ours", {"backward": backward}, results)


def _update(case: Case, data: Arrays) -> Made:
    grads = [_up(data[name]) for name in sorted(data)]
    params = [_up(0 * data[name]) for name in sorted(data)]
    kind = getattr(optimizers, case.kind)
    optimizer = kind(RATE[case.kind], backend="cupy")

    def update() -> None:
        # As the Trainer does it: the clipped gradients are never written.
        norm = optimizers.clip_grads(grads, None)
        optimizer.update(params, grads, scale=optimizers.clip_rate(norm, case.max_grad))

    def results() -> Arrays:
        update()
        return numbered("param", _fetch(params))

    return Made("ours", "ours", {"update": update}, results, note="clipping folded into the update")

"""Every kernel operation behind one interface, with random cases of it: sizes, optional arguments and numbers.

Cases hold float32; an operation runs them in any dtype, so that the reference gets the very same numbers in float64.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from fasts2s_kernels.contract import Array, Kernels
from tests.kernels.helpers import random_mask
from tests.kernels.ops import (
    AFFINE,
    ATTENTION,
    EMBEDDING,
    GRU,
    LSTM,
    LSTM_IDS,
    NO_FLOATS,
    RNN,
    SOFTMAX_LOSS,
    Arrays,
    Op,
    host,
    projection,
)

#: Sizes go to 40 and, one time in eight, to these. R rows, S encoder steps, M outputs, the others as in the contract.
MOST = {"N": 80, "S": 80, "D": 140, "H": 140, "M": 300, "V": 300, "R": 300}
MOST_STEPS = 12
SCALES = (0.25, 0.5, 1.0, 1.0, 2.0)

OPTIONAL = ("b", "h0", "c0", "row_bias", "mask", "b_out", "score_bias")
_AS_THEY_ARE = (*NO_FLOATS, "start_ids", "uniforms")


class Case(NamedTuple):
    """Arrays by name, numbers by name, and the outputs whose gradient is None; drawn with sizes, scale and seed."""

    inputs: Arrays
    numbers: dict[str, Any]
    silent: frozenset[str]
    sizes: dict[str, int]
    scale: float
    seed: int

    def __str__(self) -> str:
        given, silent = " ".join(self.inputs), " ".join(sorted(self.silent)) or "none"
        return (
            f"{self.sizes} scale {self.scale} seed {self.seed} {self.numbers} inputs {given}; no gradient: {silent}"
        )


class Results(NamedTuple):
    """What forward gave (updated parameters too), and the gradients."""

    forward: Arrays
    gradients: Arrays


#: (reference, case, ids) -> which ids are not those of float64, and how far each was from being chosen there.
Choices = Callable[[Kernels, Case, Array], tuple[Array, Array]]


class Operation(NamedTuple):
    """inputs(rng, sizes, scale) makes arrays for the sizes of letters; optional ones are left out at random."""

    name: str
    letters: str
    inputs: Callable[..., Arrays]
    run: Callable[[Kernels, Case, Any], Results]
    numbers: dict[str, Any] | None = None  # name -> strategy
    optional: tuple[str, ...] = OPTIONAL
    outputs: tuple[str, ...] = ()  # those with a gradient
    choices: Choices | None = None  # for ids
    nearest: float = 0.0  # an id that was nearer than this to being chosen is as good


def _size(letter: str) -> st.SearchStrategy[int]:
    if letter == "T":
        return st.integers(1, MOST_STEPS)
    return st.integers(0, 7).flatmap(lambda k: st.integers(1, 40 if k else MOST[letter]))


@st.composite
def cases(draw: st.DrawFn, operation: Operation) -> Case:
    """Draw a case."""
    sizes = {letter: draw(_size(letter)) for letter in operation.letters}
    scale, seed = draw(st.sampled_from(SCALES)), draw(st.integers(0, 2**24 - 1))
    inputs = operation.inputs(np.random.default_rng(seed), tuple(sizes.values()), scale)
    kept = {name: a for name, a in inputs.items() if name not in operation.optional or draw(st.booleans())}
    several = len(operation.outputs) > 1
    silent = frozenset(name for name in operation.outputs if several and draw(st.integers(0, 3)) == 0)
    numbers = {name: draw(strategy) for name, strategy in (operation.numbers or {}).items()}
    return Case(_cast(kept, np.float32), numbers, silent, sizes, scale, seed)


def beside(case: Case, units: int, k: int) -> Case:
    """Return the case with every float moved by up to some units in the last place."""
    rng = np.random.default_rng([case.seed, units, k])
    moved = {
        name: np.asarray(a * (1 + rng.integers(-units, units + 1, a.shape) * 2.0**-23), np.float32)
        for name, a in case.inputs.items()
        if name not in _AS_THEY_ARE
    }
    return case._replace(inputs=case.inputs | moved)


def _cast(inputs: Arrays, dtype: Any) -> Arrays:
    return {name: a if name in _AS_THEY_ARE else a.astype(dtype) for name, a in inputs.items()}


# ---- operations with gradients --------------------------------------------------------------------------


def _there_and_back(op: Op, kernels: Kernels, case: Case, dtype: Any) -> Results:
    inputs = _cast(case.inputs, dtype)
    outputs, cache = op.run(kernels, inputs)
    douts = projection(np.random.default_rng(case.seed), op, outputs, np.float32)
    douts = _cast({name: d for name, d in douts.items() if name not in case.silent}, dtype)
    return Results(host(kernels, outputs), host(kernels, op.back(kernels, inputs, cache, douts)))


def _with_gradients(op: Op, letters: str) -> Operation:
    return Operation(op.name, letters, op.case, partial(_there_and_back, op), outputs=op.outputs)


def _attention_inputs(rng: np.random.Generator, sizes: tuple[int, ...], scale: float) -> Arrays:
    return ATTENTION.case(rng, sizes, scale / sizes[-1] ** 0.25)  # scores of one scale for every H


def _loss_inputs(rng: np.random.Generator, sizes: tuple[int, int], scale: float) -> Arrays:
    R, V = sizes
    ignored = rng.random(R) < rng.choice([0, 0.2, 0.7])
    return SOFTMAX_LOSS.case(rng, sizes, scale) | {"ts": np.where(ignored, -1, rng.integers(V, size=R))}


def _loss_run(kernels: Kernels, case: Case, dtype: Any) -> Results:
    label = case.numbers["ignore_label"]
    ts = np.where(case.inputs["ts"] < 0, label, case.inputs["ts"])

    def run(kernels: Kernels, arrays: Arrays) -> tuple[Arrays, Any]:
        loss, cache = kernels.softmax_loss_forward(arrays["xs"], ts, ignore_label=label)
        return {"loss": loss}, cache

    return _there_and_back(SOFTMAX_LOSS._replace(run=run), kernels, case, dtype)


# ---- calls without gradients ----------------------------------------------------------------------------


def _call(name: str, kernels: Kernels, case: Case, dtype: Any, absent: tuple[str, ...] = ("b",)) -> Results:
    """Call with all arguments by name; those named absent are None unless the case has them."""
    arguments = dict.fromkeys(absent) | _cast(case.inputs, dtype) | case.numbers
    found = getattr(kernels, name)(**arguments)
    return Results({f"result {k}": a for k, a in enumerate(found if isinstance(found, tuple) else (found,))}, {})


def _step_inputs(op: Op, rng: np.random.Generator, sizes: tuple[int, int, int], scale: float) -> Arrays:
    N, D, H = sizes
    inputs = op.case(rng, (N, 1, D, H), scale)
    names = {"h0": "h", "c0": "c"}
    kept = {names.get(name, name): a for name, a in inputs.items() if name not in ("xs", "mask")}
    return kept | {"x": inputs["xs"][:, 0]}


def _step(op: Op) -> Operation:
    return Operation(f"{op.name}_step", "NDH", partial(_step_inputs, op), partial(_call, f"{op.name}_step"))


def _weights(rng: np.random.Generator, scale: float, **shapes: tuple[int, ...]) -> Arrays:
    return {name: rng.standard_normal(shape) * scale / shape[0] ** 0.5 for name, shape in shapes.items()}


def _encode_inputs(rng: np.random.Generator, sizes: tuple[int, ...], scale: float) -> Arrays:
    N, T, D, H, V = sizes
    arrays = _weights(rng, scale, W=(V, D), Wx=(D, 4 * H), Wh=(H, 4 * H), b=(4 * H,))
    return arrays | {"ids": rng.integers(-V, V, (N, T)), "mask": random_mask(rng, N, T)}


# ---- ids ------------------------------------------------------------------------------------------------


def _argmax_inputs(rng: np.random.Generator, sizes: tuple[int, int], scale: float) -> Arrays:
    scores = rng.standard_normal(sizes) * 3 * scale
    return {"scores": np.round(scores) if rng.random() < 0.3 else scores}  # rounded ones are often equal


def _argmax_choices(exact: Kernels, case: Case, ids: Array) -> tuple[Array, Array]:
    return ids != exact.argmax(case.inputs["scores"].astype(np.float64)), np.full(ids.shape, np.inf)


def _cumulative(scores: Array) -> Array:
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    return p.cumsum(axis=1) / p.sum(axis=1, keepdims=True)


def _sample_inputs(rng: np.random.Generator, sizes: tuple[int, int], scale: float) -> Arrays:
    """Make scores, and uniforms of which half lie just beside a boundary between two ids."""
    R, V = sizes
    scores = _argmax_inputs(rng, sizes, scale)["scores"].astype(np.float32)
    beside = _cumulative(scores.astype(np.float64))[np.arange(R), rng.integers(V, size=R)]
    beside = np.clip(beside + rng.choice([-2e-6, 2e-6], R), 0, 1 - 1e-9)
    return {"scores": scores, "uniforms": np.where(rng.random(R) < 0.5, beside, rng.random(R))}


def _sample_choices(exact: Kernels, case: Case, ids: Array) -> tuple[Array, Array]:
    scores, uniforms = case.inputs["scores"].astype(np.float64), case.inputs["uniforms"]
    ends = np.pad(_cumulative(scores), ((0, 0), (1, 0)))
    low, high = (np.take_along_axis(ends, ids[:, None] + k, axis=1)[:, 0] for k in (0, 1))
    return ids != exact.sample(scores, uniforms), np.maximum(low - uniforms, uniforms - high)


def _greedy_inputs(rng: np.random.Generator, sizes: tuple[int, ...], scale: float) -> Arrays:
    N, D, H, V = sizes
    arrays = _weights(rng, scale, W=(V, D), Wx=(D, 4 * H), Wh=(H, 4 * H), b=(4 * H,), W_out=(H, V), b_out=(V,))
    states = {"h": (N, H), "c": (N, H), "row_bias": (N, 4 * H), "score_bias": (N, V)}
    arrays |= {name: rng.standard_normal(shape) for name, shape in states.items()}
    return arrays | {"start_ids": rng.integers(0, V, N)}


def _greedy_choices(exact: Kernels, case: Case, ids: Array) -> tuple[Array, Array]:
    """Judge every choice by the scores that follow from the choices before it."""
    a = _cast(case.inputs, np.float64)
    xs = a["W"][np.concatenate((a["start_ids"][:, None], ids[:, :-1]), axis=1)]
    states = {"h0": a["h"], "c0": a.get("c"), "row_bias": a.get("row_bias")}
    scores = exact.lstm_forward(xs, a["Wx"], a["Wh"], a.get("b"), **states)[0] @ a["W_out"] + a.get("b_out", 0.0)
    scores += a["score_bias"][:, None, :] if "score_bias" in a else 0.0
    chosen = np.take_along_axis(scores, ids[:, :, None], axis=2)[:, :, 0]
    return ids != scores.argmax(axis=2), scores.max(axis=2) - chosen


# ---- training -------------------------------------------------------------------------------------------


def _update_inputs(
    groups: tuple[str, ...], squares: bool, rng: np.random.Generator, sizes: tuple[int, int], scale: float
) -> Arrays:
    """Make one to three arrays for each group, squares for the last; slots are often zero, as at the start."""
    shapes = (sizes, sizes[1:], ())[: rng.integers(1, 4)]
    began = float(rng.random() < 0.7)
    arrays = {}
    for group in groups:
        for k, shape in enumerate(shapes):
            a = np.asarray(rng.standard_normal(shape)) * scale
            a = a**2 if squares and group == groups[-1] else a
            arrays[f"{group} {k}"] = np.asarray(a if group in ("params", "grads") else a * began)
    return arrays


def _update_run(name: str, groups: tuple[str, ...], kernels: Kernels, case: Case, dtype: Any) -> Results:
    arrays = {key: a.copy() for key, a in _cast(case.inputs, dtype).items()}
    lists = {group: [a for key, a in arrays.items() if key.split()[0] == group] for group in groups}
    norm = getattr(kernels, name)(**lists, **case.numbers)
    return Results(arrays | ({} if norm is None else {"norm": np.float64(norm)}), {})


def _update(name: str, groups: tuple[str, ...], squares: bool, **numbers: Any) -> Operation:
    inputs, run = partial(_update_inputs, groups, squares), partial(_update_run, name, groups)
    return Operation(name, "RD", inputs, run, numbers)


_LR, _KEEP, _PAIR = st.floats(1e-4, 0.5), st.floats(0.5, 0.999), ("params", "grads")
_SCALE = st.just(1.0) | st.floats(1e-3, 1)
_LABELS = st.sampled_from((-1, 0, -100, 10**6))

OPERATIONS = (
    _with_gradients(LSTM, "NTDH"),
    _with_gradients(LSTM_IDS, "NTVH"),
    _with_gradients(GRU, "NTDH"),
    _with_gradients(RNN, "NTDH"),
    _with_gradients(AFFINE, "RDM"),
    _with_gradients(EMBEDDING, "NTVD"),
    _with_gradients(ATTENTION, "NTSH")._replace(inputs=_attention_inputs),
    Operation("softmax_loss", "RV", _loss_inputs, _loss_run, {"ignore_label": _LABELS}, outputs=SOFTMAX_LOSS.outputs),
    *map(_step, (LSTM, GRU, RNN)),
    Operation("lstm_encode", "NTDHV", _encode_inputs, partial(_call, "lstm_encode")),
    Operation(
        "lstm_greedy",
        "NDHV",
        _greedy_inputs,
        partial(_call, "lstm_greedy", absent=("b", "b_out")),
        {"length": st.integers(1, MOST_STEPS)},
        (*OPTIONAL, "c"),
        choices=_greedy_choices,
        nearest=1e-5,
    ),
    Operation("argmax", "RV", _argmax_inputs, partial(_call, "argmax", absent=()), choices=_argmax_choices),
    Operation(
        "sample", "RV", _sample_inputs, partial(_call, "sample", absent=()), choices=_sample_choices, nearest=1e-6
    ),
    _update("clip_grads", ("grads",), False, max_norm=st.none() | st.floats(0.01, 50)),
    _update("sgd_update", _PAIR, False, lr=_LR, scale=_SCALE),
    _update("momentum_update", (*_PAIR, "v"), False, lr=_LR, scale=_SCALE, momentum=_KEEP),
    _update("nesterov_update", (*_PAIR, "v"), False, lr=_LR, scale=_SCALE, momentum=_KEEP),
    _update("adagrad_update", (*_PAIR, "h"), True, lr=_LR, scale=_SCALE),
    _update("rmsprop_update", (*_PAIR, "h"), True, lr=_LR, scale=_SCALE, decay_rate=_KEEP),
    _update(
        "adam_update",
        (*_PAIR, "m", "v"),
        True,
        lr=_LR,
        scale=_SCALE,
        beta1=_KEEP,
        beta2=_KEEP,
        step=st.integers(1, 1000),
    ),
)

"""How each definition is called, and what of ours it is compared with: layers, optimisers, functions."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from fasts2s import layers, optimizers, trainer
from wild.steps import Size, Steps

#: kind (a reader's class or function, or ours), size, source of random numbers -> what it has answered.
Record = Callable[[Any, Size, np.random.Generator], Steps]


#: What a trainer is made of that is asked for batches only.
_NOBODY = SimpleNamespace(forward=print, backward=print, update=print, params=[], grads=[])


class Probe(NamedTuple):
    """What a definition is compared with, and how both are called."""

    ours: Any
    record: Record


def normal(rng: np.random.Generator, *shape: int) -> Any:
    """Return float32 numbers."""
    return rng.normal(0, 0.7, shape).astype(np.float32)


def _flat(kind: Any, s: Size, rng: np.random.Generator, *, bias: bool) -> Steps:
    b = [normal(rng, s.H)] if bias else []
    steps = Steps(kind(normal(rng, s.D, s.H), *b))
    for N in (s.N, s.N * s.T):
        steps.call("forward", normal(rng, N, s.D))
        steps.call("backward", normal(rng, N, s.H))
    return steps


def _embedding(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps = Steps(kind(normal(rng, s.V, s.D)))
    for n in (s.N, 3 * s.V):  # some ids more than once
        steps.call("forward", rng.integers(0, s.V, n))
        steps.call("backward", normal(rng, n, s.D))
    return steps


def _activation(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps = Steps(kind())
    steps.call("forward", normal(rng, s.N, s.V))
    steps.call("backward", normal(rng, s.N, s.V))
    return steps


def _loss(kind: Any, s: Size, rng: np.random.Generator, *, classes: bool) -> Steps:
    steps = Steps(kind())
    if not classes:
        steps.call("forward", normal(rng, s.N), rng.integers(0, 2, s.N))
        steps.call("backward")
        return steps
    ids = rng.integers(0, s.V, s.N)
    for labels in (ids, np.eye(s.V, dtype=np.int64)[ids]):
        steps.call("forward", normal(rng, s.N, s.V), labels)
        steps.call("backward")
    return steps


def _single_step(kind: Any, s: Size, rng: np.random.Generator, *, gates: int) -> Steps:
    steps = Steps(kind(normal(rng, s.D, gates * s.H), normal(rng, s.H, gates * s.H), normal(rng, gates * s.H)))
    states = 2 if gates == 4 else 1
    steps.call("forward", normal(rng, s.N, s.D), *(normal(rng, s.N, s.H) for _ in range(states)))
    steps.call("backward", *(normal(rng, s.N, s.H) for _ in range(states)))
    return steps


def _recurrent(kind: Any, s: Size, rng: np.random.Generator, *, gates: int) -> Steps:
    weights = normal(rng, s.D, gates * s.H), normal(rng, s.H, gates * s.H), normal(rng, gates * s.H)
    state = ("h", "c") if gates == 4 else ("h",)
    steps = Steps(kind(*weights, True))
    for _ in range(2):  # the second goes on from the first
        steps.call("forward", normal(rng, s.N, s.T, s.D))
        steps.read(*state)
        steps.call("backward", normal(rng, s.N, s.T, s.H))
        steps.read(perhaps=("dh",))
    steps.call("set_state", normal(rng, s.N, s.H))
    steps.call("forward", normal(rng, s.N, s.T, s.D))
    steps.call("reset_state")
    steps.read(*state)
    steps.obj.stateful = False
    for N in (s.N, s.N + 1):
        steps.call("forward", normal(rng, N, s.T, s.D))
        steps.call("backward", normal(rng, N, s.T, s.H))
    return steps


def _time_embedding(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps = Steps(kind(normal(rng, s.V, s.D)))
    for N in (s.N, s.N + 5):
        steps.call("forward", rng.integers(0, s.V, (N, s.T)))
        steps.call("backward", normal(rng, N, s.T, s.D))
    return steps


def _time_affine(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps = Steps(kind(normal(rng, s.H, s.V), normal(rng, s.V)))
    for N in (s.N, s.N + 1):
        steps.call("forward", normal(rng, N, s.T, s.H))
        steps.call("backward", normal(rng, N, s.T, s.V))
    return steps


def _time_loss(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps, ids = Steps(kind()), rng.integers(0, s.V, (s.N, s.T))
    some_left_out = ids.copy()
    some_left_out.flat[1:] = np.where(rng.random(ids.size - 1) < 0.3, -1, ids.flat[1:])
    for labels in (ids, some_left_out, np.eye(s.V, dtype=np.int64)[ids]):
        for scale in (1, 12):  # all but certain ones too, whose logarithms somebody may cut off
            steps.call("forward", np.float32(scale) * normal(rng, s.N, s.T, s.V), labels)
            steps.call("backward")
    return steps


def _time_sigmoid_loss(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps = Steps(kind())
    steps.call("forward", normal(rng, s.N, s.T), rng.integers(0, 2, (s.N, s.T)))
    steps.call("backward")
    return steps


def _attention(kind: Any, s: Size, rng: np.random.Generator, *, given: str, dout: str) -> Steps:
    """Letters: shapes of what is given, such as NTH,NH."""
    shapes = {"NTH": (s.N, s.T, s.H), "NT": (s.N, s.T), "NH": (s.N, s.H), "NSH": (s.N, s.T + 2, s.H)}
    steps = Steps(kind())
    steps.call("forward", *(normal(rng, *shapes[letters]) for letters in given.split(",")))
    steps.read(perhaps=("attention_weight", "attention_weights"))
    steps.call("backward", normal(rng, *shapes[dout]))
    return steps


def _update(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps, params = Steps(kind()), [normal(rng, s.V, s.D), normal(rng, s.H)]
    for _ in range(3):
        # Those of one as small as what keeps a denominator from being zero.
        grads = [np.float32(scale) * normal(rng, *p.shape) for scale, p in zip((1, 1e-7), params, strict=True)]
        steps.obj.update(params, grads)
        steps.note("params", params)
    return steps


def _get_batch(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps, words = Steps(kind(_NOBODY, _NOBODY)), rng.integers(0, s.V, 40)
    steps.obj.time_idx = 0
    for _ in range(3):
        steps.call("get_batch", words[:-1], words[1:], s.N, s.T)
    return steps


def _clip(function: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps, grads = Steps(function), [normal(rng, s.V, s.D), normal(rng, s.H)]
    for most in (1e3, 0.5, 0.25):
        function(grads, most)
        steps.note("grads", grads)
    return steps


def _duplicates(function: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps, W, b = Steps(function), normal(rng, s.V, s.D), normal(rng, s.H)
    params = [W, b, W, normal(rng, s.H, s.H), W.T]
    steps.note("out", function(params, [normal(rng, *p.shape) for p in params]))
    return steps


def _function(function: Any, s: Size, rng: np.random.Generator, *, labels: bool = False) -> Steps:
    steps, x = Steps(function), normal(rng, s.N, s.V)
    if not labels:
        steps.note("rows", function(x.copy()))
        steps.note("row", function(x[0].copy()))
        return steps
    y, ids = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True), rng.integers(0, s.V, s.N)
    steps.note("ids", function(y.copy(), ids))
    steps.note("one-hot", function(y.copy(), np.eye(s.V, dtype=np.int64)[ids]))
    return steps


def _layer(name: str, record: Callable[..., Steps], **more: Any) -> tuple[str, Probe]:
    return name, Probe(getattr(layers, name), partial(record, **more))


LAYERS = dict(
    (
        _layer("TimeRNN", _recurrent, gates=1),
        _layer("TimeLSTM", _recurrent, gates=4),
        _layer("TimeGRU", _recurrent, gates=3),
        _layer("RNN", _single_step, gates=1),
        _layer("LSTM", _single_step, gates=4),
        _layer("GRU", _single_step, gates=3),
        _layer("TimeEmbedding", _time_embedding),
        _layer("TimeAffine", _time_affine),
        _layer("TimeSoftmaxWithLoss", _time_loss),
        _layer("TimeSigmoidWithLoss", _time_sigmoid_loss),
        _layer("WeightSum", _attention, given="NTH,NT", dout="NH"),
        _layer("AttentionWeight", _attention, given="NTH,NH", dout="NT"),
        _layer("Attention", _attention, given="NTH,NH", dout="NH"),
        _layer("TimeAttention", _attention, given="NSH,NTH", dout="NTH"),
        _layer("Affine", _flat, bias=True),
        _layer("MatMul", _flat, bias=False),
        _layer("Embedding", _embedding),
        _layer("SoftmaxWithLoss", _loss, classes=True),
        _layer("SigmoidWithLoss", _loss, classes=False),
        _layer("Softmax", _activation),
        _layer("Sigmoid", _activation),
    )
)
OPTIMIZERS = {ours.__name__: Probe(ours, _update) for ours in optimizers.OPTIMIZERS}
TRAINERS = {"RnnlmTrainer": Probe(trainer.RnnlmTrainer, _get_batch)}
FUNCTIONS = {
    "sigmoid": Probe(layers.sigmoid, _function),
    "relu": Probe(layers.relu, _function),
    "softmax": Probe(layers.softmax, _function),
    "cross_entropy_error": Probe(layers.cross_entropy_error, partial(_function, labels=True)),
    "clip_grads": Probe(optimizers.clip_grads, _clip),
    "remove_duplicate": Probe(optimizers.remove_duplicate, _duplicates),
}

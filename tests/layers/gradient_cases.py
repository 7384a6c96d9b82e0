"""A random case of every layer: what to vary, its outputs, and the gradients it claims."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fasts2s import layers
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.drawing import random_mask
from tests.kernels.helpers import batch_and_time, two_sizes

Arrays = dict[str, Array]


class Case(NamedTuple):
    """outputs() runs forward; backward(douts) gives gradients by the names of arrays, after an outputs()."""

    arrays: Arrays
    outputs: Callable[[], tuple[Any, ...]]
    backward: Callable[[list[Any]], dict[str, Any]]


def _tuple(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def _simple(
    layer: Any, inputs: Arrays, names: str = "", rest: Sequence[Any] = (), before: Callable[[], Any] = lambda: None
) -> Case:
    """Case of a layer whose backward returns the gradients of the inputs in the order of forward.

    names are those of its parameters, rest the arguments of forward without a gradient.
    """

    def outputs() -> tuple[Any, ...]:
        before()
        return _tuple(layer.forward(*inputs.values(), *rest))

    def backward(douts: list[Any]) -> dict[str, Any]:
        result = layer.backward(*douts)
        assert inputs or result is None, "ids have no gradient"
        found = dict(zip(inputs, _tuple(result), strict=True)) if inputs else {}
        return found | dict(zip(names.split(), layer.grads, strict=True))

    return Case(inputs | dict(zip(names.split(), layer.params, strict=True)), outputs, backward)


def _weights(rng: np.random.Generator, gates: int, D: int, H: int, bias: bool = True) -> list[Array]:
    draw = rng.standard_normal
    weights = [draw((D, gates * H)) / D**0.5, draw((H, gates * H)) / H**0.5]
    return weights + ([draw(gates * H)] if bias else [])


def _one_step(cell: Any, gates: int) -> Callable[[np.random.Generator], Case]:
    def build(rng: np.random.Generator) -> Case:
        N, (D, H) = batch_and_time(rng)[0], two_sizes(rng)
        weights = _weights(rng, gates, D, H, cell is not layers.GRU or rng.random() < 0.5)
        inputs = {"x": rng.standard_normal((N, D)), "h": rng.standard_normal((N, H))}
        if cell is layers.LSTM:
            inputs["c"] = rng.standard_normal((N, H))
        return _simple(cell(*weights), inputs, " ".join(("Wx", "Wh", "b")[: len(weights)]))

    return build


def _over_time(cell: Any, gates: int) -> Callable[[np.random.Generator], Case]:
    """Stateful with a state set, or not; with and without mask; the last state has a gradient of its own."""

    def build(rng: np.random.Generator) -> Case:
        (N, T), (D, H) = batch_and_time(rng), two_sizes(rng)
        weights = _weights(rng, gates, D, H, cell is not layers.TimeGRU or rng.random() < 0.5)
        stateful = bool(rng.random() < 0.6)
        layer = cell(*weights, stateful=stateful)
        xs = rng.standard_normal((N, T, D))
        mask = random_mask(rng, N, T) if rng.random() < 0.5 else None
        letters = "hc" if cell is layers.TimeLSTM else "h"
        states = {f"{s}0": rng.standard_normal((N, H)) for s in letters} if stateful else {}

        def outputs() -> tuple[Any, ...]:
            layer.set_state(*states.values() or (None,))
            return layer.forward(xs, mask), *(getattr(layer, s) for s in letters)

        def backward(douts: list[Any]) -> dict[str, Any]:
            found = {"xs": layer.backward(*douts)} | dict(zip(("Wx", "Wh", "b"), layer.grads, strict=False))
            return found | {f"{s}0": getattr(layer, f"d{s}") for s in letters}

        return Case({"xs": xs} | states | dict(zip(("Wx", "Wh", "b"), weights, strict=False)), outputs, backward)

    return build


def _bilstm(rng: np.random.Generator) -> Case:
    (N, T), (D, H) = batch_and_time(rng), two_sizes(rng)
    stateful = bool(rng.random() < 0.5)
    layer = layers.TimeBiLSTM(*_weights(rng, 4, D, H), *_weights(rng, 4, D, H), stateful=stateful)
    both = (layer.forward_lstm, layer.backward_lstm)
    states = {f"{s}0 of {k}": rng.standard_normal((N, H)) for k in (0, 1) for s in "hc"} if stateful else {}
    mask = random_mask(rng, N, T) if rng.random() < 0.6 else None

    def before() -> None:
        for k, lstm in enumerate(both):
            lstm.set_state(states.get(f"h0 of {k}"), states.get(f"c0 of {k}"))

    def backward(douts: list[Any]) -> dict[str, Any]:
        found = case.backward(douts)
        return found | {f"{s}0 of {k}": getattr(lstm, f"d{s}") for k, lstm in enumerate(both) for s in "hc"}

    case = _simple(layer, {"xs": rng.standard_normal((N, T, D))}, "Wx1 Wh1 b1 Wx2 Wh2 b2", (mask,), before)
    return Case(case.arrays | states, case.outputs, backward)


def _affine(rng: np.random.Generator, cell: Any, lead: tuple[int, ...]) -> Case:
    D, M = two_sizes(rng)
    W = rng.standard_normal((M, D)).T if rng.random() < 0.5 else rng.standard_normal((D, M))
    if cell is layers.MatMul:
        return _simple(cell(W), {"x": rng.standard_normal((*lead, D))}, "W")
    return _simple(cell(W, rng.standard_normal(M)), {"x": rng.standard_normal((*lead, D))}, "W b")


def _simple_time_affine(rng: np.random.Generator) -> Case:
    D, M = two_sizes(rng)
    layer = layers.Simple_TimeAffine(rng.standard_normal((D, M)), rng.standard_normal(M))
    xs = rng.standard_normal((*batch_and_time(rng), D))
    arrays = {"xs": xs, "W": layer.W, "b": layer.b}

    def backward(douts: list[Any]) -> dict[str, Any]:
        return {"xs": layer.backward(*douts), "W": layer.dW, "b": layer.db}

    return Case(arrays, lambda: (layer.forward(xs),), backward)


def _embedding(rng: np.random.Generator, cell: Any) -> Case:
    V, D = two_sizes(rng)
    return _simple(cell(rng.standard_normal((V, D))), {}, "W", (rng.integers(-V, V, size=batch_and_time(rng)),))


def _elementwise(rng: np.random.Generator, layer: Any, name: str) -> Case:
    return _simple(layer, {name: rng.standard_normal((batch_and_time(rng)[0], two_sizes(rng)[0]))})


def _dropout(rng: np.random.Generator, cell: Any) -> Case:
    layer, training = cell(float(rng.uniform(0, 0.9))), bool(rng.random() < 0.7)
    seed, shape = int(rng.integers(1000)), (*batch_and_time(rng), 3)
    rest = (training,) if cell is layers.Dropout else ()
    layer.train_flg = training
    return _simple(layer, {"xs": rng.standard_normal(shape)}, "", rest, lambda: np.random.seed(seed))


def _convolution(rng: np.random.Generator) -> Case:
    C, M = two_sizes(rng)
    high, wide, stride = (int(n) for n in rng.choice([1, 2, 3], size=3))
    W, pad = rng.standard_normal((M, C, high, wide)), int(rng.integers(min(high, wide)))
    layer = layers.Convolution(W, rng.standard_normal(M), stride=stride, pad=pad)
    return _simple(layer, {"x": rng.standard_normal((2, C, 4, 5))}, "W b")


def _pooling(rng: np.random.Generator) -> Case:
    """Numbers that are a step apart, so that it does not change which one is the largest."""
    shape = (2, two_sizes(rng)[0], 4, 5)
    x = (rng.permutation(int(np.prod(shape))).reshape(shape) + 0.5) / np.prod(shape)
    return _simple(layers.Pooling(*(int(n) for n in rng.choice([2, 3], size=3)), pad=int(rng.integers(2))), {"x": x})


def _batch_normalization(rng: np.random.Generator) -> Case:
    D, shape = two_sizes(rng)[0], batch_and_time(rng)
    layer = layers.BatchNormalization(*rng.standard_normal((2, D)), running_var=rng.uniform(0.5, 2, D))
    x = rng.standard_normal((shape[0], D, *shape) if rng.random() < 0.5 else (5, D))
    return _simple(layer, {"x": x}, "gamma beta", (bool(rng.random() < 0.7),), _kept_average(layer))


def _kept_average(layer: Any) -> Callable[[], None]:
    """Return what puts the averages back before a forward: in evaluation they decide."""
    before = (layer.running_mean, layer.running_var)

    def put_back() -> None:
        layer.running_mean, layer.running_var = before

    return put_back


def _attention(rng: np.random.Generator, cell: Any) -> Case:
    N, (S, H) = batch_and_time(rng)[0], two_sizes(rng)
    second = {"a": (N, S)} if cell is layers.WeightSum else {"h": (N, H)}
    return _simple(cell(), {name: rng.standard_normal(s) for name, s in {"hs": (N, S, H), **second}.items()})


def _time_attention(rng: np.random.Generator) -> Case:
    (N, T), (S, H) = batch_and_time(rng), two_sizes(rng)
    mask = random_mask(rng, N, S) if rng.random() < 0.6 else None
    inputs = {"hs_enc": rng.standard_normal((N, S, H)), "hs_dec": rng.standard_normal((N, T, H))}
    return _simple(layers.TimeAttention(), inputs, "", (mask,))


def _time_softmax_with_loss(rng: np.random.Generator, cell: Any) -> Case:
    """Ids with and without an ignored label, or one-hot."""
    layer, (N, T), V = cell(), batch_and_time(rng), int(rng.choice([2, 3, 5, 7]))
    ts = rng.integers(0, V, size=(N, T))
    if rng.random() < 0.3:
        ts = np.eye(V, dtype=int)[ts]
    elif cell is layers.TimeSoftmaxWithLoss:
        layer.ignore_label = int(rng.choice([-1, 0, V - 1, V + 9]))
        ts[rng.random((N, T)) < 0.3] = layer.ignore_label
    return _simple(layer, {"xs": rng.standard_normal((N, T, V))}, "", (ts,))


def _exact_loss(layer: Any, inputs: Arrays, ts: Array, loss: Callable[[], float]) -> Case:
    """A layer whose forward adds 1e-7 inside the logarithm: its gradient is that of the loss without it."""

    def outputs() -> tuple[Any, ...]:
        layer.forward(*inputs.values(), ts)
        return (loss(),)

    return Case(inputs, outputs, lambda douts: dict(zip(inputs, _tuple(layer.backward(*douts)), strict=True)))


def _softmax_with_loss(rng: np.random.Generator) -> Case:
    N, V = batch_and_time(rng)[0], int(rng.choice([2, 3, 5, 7]))
    x, t = rng.standard_normal((N, V)), rng.integers(0, V, size=N)
    given = np.eye(V, dtype=int)[t] if rng.random() < 0.5 else t
    return _exact_loss(layers.SoftmaxWithLoss(), {"x": x}, given, lambda: cross_entropy(x, t))


def _sigmoid_with_loss(rng: np.random.Generator, cell: Any) -> Case:
    shape = batch_and_time(rng) if cell is layers.TimeSigmoidWithLoss else batch_and_time(rng)[:1]
    x, t = rng.standard_normal(shape), rng.integers(0, 2, size=shape)
    return _exact_loss(cell(), {"x": x}, t, lambda: binary_cross_entropy(x, t))


def cross_entropy(x: Array, t: Array) -> float:
    """Mean cross entropy of the softmax of x (N, V) for ids t (N,)."""
    return float(np.mean(np.log(np.exp(x).sum(axis=1)) - x[np.arange(len(t)), t]))


def binary_cross_entropy(x: Array, t: Array) -> float:
    """Mean cross entropy of the sigmoid of x for labels t of 0 and 1."""
    return float(np.mean(np.log1p(np.exp(np.where(t == 1, -x, x)))))


BUILDERS: dict[str, Callable[[np.random.Generator], Case]] = {
    "Affine": lambda rng: _affine(rng, layers.Affine, batch_and_time(rng)[:1]),
    "MatMul": lambda rng: _affine(rng, layers.MatMul, batch_and_time(rng)[:1]),
    "TimeAffine": lambda rng: _affine(rng, layers.TimeAffine, batch_and_time(rng)),
    "Simple_TimeAffine": _simple_time_affine,
    "Embedding": lambda rng: _embedding(rng, layers.Embedding),
    "TimeEmbedding": lambda rng: _embedding(rng, layers.TimeEmbedding),
    "RNN": _one_step(layers.RNN, 1),
    "GRU": _one_step(layers.GRU, 3),
    "LSTM": _one_step(layers.LSTM, 4),
    "TimeRNN": _over_time(layers.TimeRNN, 1),
    "TimeGRU": _over_time(layers.TimeGRU, 3),
    "TimeLSTM": _over_time(layers.TimeLSTM, 4),
    "TimeBiLSTM": _bilstm,
    "Softmax": lambda rng: _elementwise(rng, layers.Softmax(), "x"),
    "Sigmoid": lambda rng: _elementwise(rng, layers.Sigmoid(), "x"),
    "Dropout": lambda rng: _dropout(rng, layers.Dropout),
    "TimeDropout": lambda rng: _dropout(rng, layers.TimeDropout),
    "WeightSum": lambda rng: _attention(rng, layers.WeightSum),
    "AttentionWeight": lambda rng: _attention(rng, layers.AttentionWeight),
    "Attention": lambda rng: _attention(rng, layers.Attention),
    "TimeAttention": _time_attention,
    "BatchNormalization": _batch_normalization,
    "Convolution": _convolution,
    "Flatten": lambda rng: _simple(layers.Flatten(), {"x": rng.standard_normal((*batch_and_time(rng), 3))}),
    "Pooling": _pooling,
    "Relu": lambda rng: _elementwise(rng, layers.Relu(), "x"),
    "TimeSoftmaxWithLoss": lambda rng: _time_softmax_with_loss(rng, layers.TimeSoftmaxWithLoss),
    "Simple_TimeSoftmaxWithLoss": lambda rng: _time_softmax_with_loss(rng, layers.Simple_TimeSoftmaxWithLoss),
    "SoftmaxWithLoss": _softmax_with_loss,
    "SigmoidWithLoss": lambda rng: _sigmoid_with_loss(rng, layers.SigmoidWithLoss),
    "TimeSigmoidWithLoss": lambda rng: _sigmoid_with_loss(rng, layers.TimeSigmoidWithLoss),
}

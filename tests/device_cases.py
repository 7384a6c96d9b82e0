"""Layers and models with inputs, on the host or on a device: what the tests of device arrays share."""

import numpy as np

from fasts2s import layers, models
from tests.sides import put

N, T, D, H, V, S = 3, 5, 4, 7, 11, 6


def draw(seed=5):
    rng = np.random.default_rng(seed)
    return lambda *shape: rng.standard_normal(shape).astype(np.float32), rng


def device(a):
    return put("cupy", a)


HOST = lambda a: a


def layers_with_inputs(side):
    """Name -> (a layer whose weights lie on a side, inputs of forward by name, gradient of the output)."""
    f, _ = draw()
    lstm = lambda: (side(f(D, 4 * H)), side(f(H, 4 * H)), side(f(4 * H)))
    gru = lambda: (side(f(D, 3 * H)), side(f(H, 3 * H)), side(f(3 * H)))
    rnn = lambda: (side(f(D, H)), side(f(H, H)), side(f(H)))
    states = {"h_prev": f(N, H)}
    return {
        "Affine": (layers.Affine(side(f(D, V)), side(f(V))), {"x": f(N, D)}, f(N, V)),
        "MatMul": (layers.MatMul(side(f(D, V))), {"x": f(N, D)}, f(N, V)),
        "LSTM": (layers.LSTM(*lstm()), {"x": f(N, D), **states, "c_prev": f(N, H)}, f(N, H)),
        "GRU": (layers.GRU(*gru()), {"x": f(N, D), **states}, f(N, H)),
        "RNN": (layers.RNN(*rnn()), {"x": f(N, D), **states}, f(N, H)),
        "TimeLSTM": (layers.TimeLSTM(*lstm()), {"xs": f(N, T, D)}, f(N, T, H)),
        "TimeGRU": (layers.TimeGRU(*gru()), {"xs": f(N, T, D)}, f(N, T, H)),
        "TimeRNN": (layers.TimeRNN(*rnn()), {"xs": f(N, T, D)}, f(N, T, H)),
        "TimeBiLSTM": (layers.TimeBiLSTM(*lstm(), *lstm()), {"xs": f(N, T, D)}, f(N, T, 2 * H)),
        "TimeAffine": (layers.TimeAffine(side(f(D, V)), side(f(V))), {"x": f(N, T, D)}, f(N, T, V)),
        "TimeDropout": (layers.TimeDropout(), {"xs": f(N, T, D)}, f(N, T, D)),
        "Dropout": (layers.Dropout(), {"x": f(N, D)}, f(N, D)),
        "TimeAttention": (layers.TimeAttention(), {"hs_enc": f(N, S, H), "hs_dec": f(N, T, H)}, f(N, T, H)),
        "Attention": (layers.Attention(), {"hs": f(N, S, H), "h": f(N, H)}, f(N, H)),
        "WeightSum": (layers.WeightSum(), {"hs": f(N, S, H), "a": f(N, S)}, f(N, H)),
        "AttentionWeight": (layers.AttentionWeight(), {"hs": f(N, S, H), "h": f(N, H)}, f(N, S)),
        "Softmax": (layers.Softmax(), {"x": f(N, V)}, f(N, V)),
        "Sigmoid": (layers.Sigmoid(), {"x": f(N, V)}, f(N, V)),
    }


def losses_with_inputs():
    """Name -> (a layer, scores, labels)."""
    f, rng = draw()
    ids = rng.integers(0, V, (N, T))
    return {
        "SoftmaxWithLoss": (layers.SoftmaxWithLoss(), f(N, V), ids[:, 0]),
        "SigmoidWithLoss": (layers.SigmoidWithLoss(), f(N), ids[:, 0] % 2),
        "TimeSoftmaxWithLoss": (layers.TimeSoftmaxWithLoss(), f(N, T, V), ids),
        "Simple_TimeSoftmaxWithLoss": (layers.Simple_TimeSoftmaxWithLoss(), f(N, T, V), ids),
        "TimeSigmoidWithLoss": (layers.TimeSigmoidWithLoss(), f(N, T), ids % 2),
    }


LAYERS = list(layers_with_inputs(HOST))
# The message of a mixture names both libraries and the way across.
BOTH = r"(?si)(?=.*numpy)(?=.*cupy)(?=.*(to_gpu|to_cpu))"

MODELS = {
    "Rnnlm": (models.Rnnlm, (V, D, H), {}),
    "SimpleRnnlm": (models.SimpleRnnlm, (V, D, H), {}),
    "BetterRnnlm": (models.BetterRnnlm, (V, H, H), {}),
    "Seq2seq": (models.Seq2seq, (V, D, H), {}),
    "Seq2seq pad": (models.Seq2seq, (V, D, H), {"pad_id": 0, "reverse": True}),
    "PeekySeq2seq": (models.PeekySeq2seq, (V, D, H), {}),
    "PeekySeq2seq pad": (models.PeekySeq2seq, (V, D, H), {"pad_id": 0}),
    "AttentionSeq2seq": (models.AttentionSeq2seq, (V, D, H), {"reverse": True}),
    "AttentionSeq2seq pad": (models.AttentionSeq2seq, (V, D, H), {"pad_id": 0}),
}
LANGUAGE = {"Rnnlm", "SimpleRnnlm", "BetterRnnlm"}


def model_and_batch(kind, backend, rows=N):
    make, sizes, options = MODELS[kind]
    np.random.seed(20)
    model = make(*sizes, **options, backend=backend)
    rng = np.random.default_rng(3)
    xs, ts = rng.integers(1, V, (rows, T)), rng.integers(1, V, (rows, T + (kind not in LANGUAGE)))
    if options.get("pad_id") is not None:
        xs[0, 3:], ts[0, 4:], xs[1, 4:] = 0, 0, 0
    if kind not in LANGUAGE:
        ts[:, 0] = 1  # the start mark
    return model, xs, ts

"""Small models of every form, and what they score."""

import numpy as np

from fasts2s.models import (
    AttentionSeq2seq,
    BetterRnnlm,
    EncoderDecoder,
    EncoderDecoderSettings,
    PeekySeq2seq,
    Rnnlm,
    Seq2seq,
    SimpleRnnlm,
    StackedRnnlm,
)

V, D, H = 9, 6, 8
XS = np.array([[3, 1, 4, 1], [5, 2, 6, 0], [5, 3, 0, 0]])
TS = np.array([[1, 4, 8, 2, 2], [1, 7, 2, 0, 0], [1, 1, 5, 3, 2]])

LANGUAGE_MODELS = {
    "Rnnlm": lambda: Rnnlm(V, D, H),
    "SimpleRnnlm": lambda: SimpleRnnlm(V, D, H),
    "BetterRnnlm": lambda: BetterRnnlm(V, H, H),
    "gru": lambda: StackedRnnlm(V, D, H, cell="gru", layers=2),
    "tied": lambda: StackedRnnlm(V, H, H, layers=3, tied=True),
}
BOOK = {
    "Seq2seq": lambda: Seq2seq(V, D, H),
    "reversed": lambda: PeekySeq2seq(V, D, H, reverse=True),
    "padded": lambda: AttentionSeq2seq(V, D, H, pad_id=0, reverse=True),
    "AttentionSeq2seq": lambda: AttentionSeq2seq(V, D, H),
}
SETTINGS = [
    {},
    {"attention": "none", "bridge": "h"},
    {"attention": "none", "decoder": "peeky", "cell": "rnn", "reverse": True},
    {"attention": "general", "layers": 2, "residual": True, "bidirectional": True},
    {"attention": "additive", "input_feeding": True, "dropout": 0.3},
    {"attention": "dot", "input_feeding": True, "decoder": "peeky", "layers": 2, "reverse": True},
    {"attention": "dot", "tied": True, "bidirectional": True},
]


def filled(make):
    """Return a model whose weights are of a size at which errors show: biases too."""
    np.random.seed(3)
    model = make()
    for p in model.params:
        p[...] = np.random.randn(*p.shape) * 0.4
    return model


def scores_of(model, ts):
    """Return scores (N, T, V) of the words ts, by the steps of a model that starts at XS."""
    if isinstance(model, EncoderDecoder):
        step, state = model.step, model.start(XS)
    else:
        xs, mask = model._source(XS)
        step, state = model.decoder.step, model.decoder.start(model.encoder.encode(xs, mask), mask)
    found = []
    for ids in ts.T:
        scores, state = step(ids, state)
        found.append(scores)
    return np.stack(found, 1)


def encoder_decoder(settings):
    """Return a filled EncoderDecoder of these settings."""
    size = H if settings.get("tied") else D
    return filled(lambda: EncoderDecoder(EncoderDecoderSettings(V, V + 1, size, H, **settings)))

"""The same for encoders, decoders and whole models: their weights are drawn anew, for both alike."""

from functools import partial
from typing import Any

import numpy as np

from fasts2s import models
from fasts2s.models.seq2seq import Decoder, Encoder
from wild.probes import Probe, normal
from wild.steps import Size, Steps


def _made(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    model = kind(s.V, s.D, s.H)
    for weight in model.params:
        weight[...] = normal(rng, *weight.shape)
    return Steps(model)


def _encoder(kind: Any, s: Size, rng: np.random.Generator, *, whole: bool) -> Steps:
    steps = _made(kind, s, rng)
    for N in (s.N, s.N + 1):
        steps.call("forward", rng.integers(0, s.V, (N, s.T)))
        steps.call("backward", normal(rng, N, s.T, s.H) if whole else normal(rng, N, s.H))
    return steps


def _decoder(kind: Any, s: Size, rng: np.random.Generator, *, whole: bool) -> Steps:
    steps, shape = _made(kind, s, rng), (s.N, s.T + 1, s.H) if whole else (s.N, s.H)
    for _ in range(2):
        steps.call("forward", rng.integers(0, s.V, (s.N, s.T)), normal(rng, *shape))
        steps.call("backward", normal(rng, s.N, s.T, s.V))
    steps.call("generate", normal(rng, 1, *shape[1:]), 1, 4)
    return steps


def _seq2seq(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps = _made(kind, s, rng)
    for T in (s.T + 1, s.T + 2):
        steps.call("forward", rng.integers(0, s.V, (s.N, s.T)), rng.integers(0, s.V, (s.N, T)))
        steps.call("backward")
        steps.note("grads", steps.obj.grads)
    steps.call("generate", rng.integers(0, s.V, (1, s.T)), 1, 4)
    return steps


def _language_model(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps = _made(kind, s, rng)
    for _ in range(2):
        steps.call("forward", rng.integers(0, s.V, (s.N, s.T)), rng.integers(0, s.V, (s.N, s.T)))
        steps.call("backward")
        steps.note("grads", steps.obj.grads)
    steps.call("reset_state")
    return steps


def _generator(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    steps = _made(kind, s, rng)
    np.random.seed(3)
    steps.call("generate", 1, [2], 6)
    return steps


def _square_language_model(kind: Any, s: Size, rng: np.random.Generator) -> Steps:
    """BetterRnnlm: one size for word vectors and states, and dropout, whose random numbers are NumPy's."""
    np.random.seed(5)
    return _language_model(kind, s._replace(D=s.H), rng)


MODELS = {
    "Encoder": Probe(Encoder, partial(_encoder, whole=False)),
    "Decoder": Probe(Decoder, partial(_decoder, whole=False)),
    "PeekyDecoder": Probe(models.PeekyDecoder, partial(_decoder, whole=False)),
    "AttentionEncoder": Probe(models.AttentionEncoder, partial(_encoder, whole=True)),
    "AttentionDecoder": Probe(models.AttentionDecoder, partial(_decoder, whole=True)),
    "Seq2seq": Probe(models.Seq2seq, _seq2seq),
    "PeekySeq2seq": Probe(models.PeekySeq2seq, _seq2seq),
    "AttentionSeq2seq": Probe(models.AttentionSeq2seq, _seq2seq),
    "SimpleRnnlm": Probe(models.SimpleRnnlm, _language_model),
    "Rnnlm": Probe(models.Rnnlm, _language_model),
    "BetterRnnlm": Probe(models.BetterRnnlm, _square_language_model),
    "RnnlmGen": Probe(models.RnnlmGen, _generator),
    "BetterRnnlmGen": Probe(models.BetterRnnlmGen, lambda kind, s, rng: _generator(kind, s._replace(D=s.H), rng)),
}

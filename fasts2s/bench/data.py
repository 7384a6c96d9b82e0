"""Data of a case, the same for all peers, and its reference: this package's NumPy kernels in float64."""

from typing import Any

import numpy as np

from fasts2s import models
from fasts2s.backend import use_backend
from fasts2s.bench import kernel_ops, pipeline
from fasts2s.bench.cases import ANSWER_LENGTH, QUESTIONS, START_ID, Case
from fasts2s.bench.peer import CURVE, Arrays, numbered, weights_of
from fasts2s.bench.peers.book_interface import BookInterface
from fasts2s.bench.peers.code import new_model, our_code

#: Words of the case "perplexity".
CORPUS = 7000
#: Seed of dropout.
DROPOUT_SEED = 7
#: Questions whose two best scores are closer than this at some step are left out: rounding would decide.
CLEAR = 1e-4


def make(case: Case) -> tuple[Arrays, Arrays]:
    """Return the data of a case, but for what every process draws by itself, and the reference."""
    np.random.seed(1)
    rng = np.random.default_rng(2)
    if case.group == "kernels":
        return {}, kernel_ops.reference(case, kernel_ops.given(case))
    if case.group == "data":
        return {}, pipeline.reference(case)
    with use_backend("numpy", dtype="float64"):
        data = _step(case, rng) if case.is_step else _MAKERS[case.kind](case, rng)
        wide = {name: a.astype(np.float64) if a.dtype == np.float32 else a for name, a in data.items()}
        if case.kind == "answers":
            return _clear_answers(case, data, wide)
        made = BookInterface(our_code(), 1, False).build(case, wide, {})
        made.reset()
        return data, made.results()


def _floats(rng: Any, *shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


def _weights(case: Case, spread: float = 1.0) -> Arrays:
    """Return initial weights of the case's model; biases are not zero, so that they are tested too."""
    model = getattr(models, case.model)(case["V"], case["D"], case["H"])
    drawn = [0.1 * np.random.randn(*p.shape) if p.ndim == 1 else p * spread for p in model.params]
    return numbered("weight", [w.astype(np.float32) for w in drawn])


def _lstm(case: Case, rng: Any) -> Arrays:
    N, T, D, H = (case[letter] for letter in "NTDH")
    weights = _floats(rng, D, 4 * H) / D**0.5, _floats(rng, H, 4 * H) / H**0.5, _floats(rng, 4 * H) / 10
    given = {"xs": _floats(rng, N, T, D), "dhs": _floats(rng, N, T, H)}
    return given | numbered("weight", [w.astype(np.float32) for w in weights])


def _softmax(case: Case, rng: Any) -> Arrays:
    N, T, V = (case[letter] for letter in "NTV")
    return {"xs": _floats(rng, N, T, V), "ts": rng.integers(0, V, (N, T))}


def _embedding(case: Case, rng: Any) -> Arrays:
    N, T, V, D = (case[letter] for letter in "NTVD")
    W = _floats(rng, V, D)
    return {"xs": rng.integers(0, V, (N, T)), "dout": _floats(rng, N, T, D), **numbered("weight", [W])}


def _update(case: Case, rng: Any) -> Arrays:
    """Return a gradient for every parameter; tied ones come once."""
    weights = weights_of(_weights(case))
    tied = case.model == "BetterRnnlm"
    return numbered("given", [_floats(rng, *w.shape) for w in (weights[:7] + weights[8:] if tied else weights)])


def _step(case: Case, rng: Any) -> Arrays:
    N, S, T, V = (case[letter] for letter in "NSTV")
    data = {"xs": rng.integers(0, V, (N, S)), "ts": rng.integers(0, V, (N, T)), "seed": np.array(DROPOUT_SEED)}
    if case.kind == "BetterRnnlm" and case.variant != "no dropout":  # for peers that do not draw from NumPy
        draw = np.random.RandomState(DROPOUT_SEED)
        data |= numbered("kept", [draw.rand(N, T, case["H"]) > 0.5 for _ in range(3 * (1 + CURVE))])
    return data | _weights(case)


def _text(case: Case, rng: Any) -> Arrays:
    return _weights(case, 3.0)


def _perplexity(case: Case, rng: Any) -> Arrays:
    return {"corpus": rng.integers(0, case["V"], CORPUS + 1), **_weights(case)}


def _answers(case: Case, rng: Any) -> Arrays:
    # Initial embeddings are so small that all questions have nearly the same answer: spread the weights.
    return {"xs": rng.integers(0, case["V"], (QUESTIONS + QUESTIONS // 10, case["S"])), **_weights(case, 3.0)}


def _clear_answers(case: Case, data: Arrays, wide: Arrays) -> tuple[Arrays, Arrays]:
    """Return the questions whose answers rounding does not decide, and their answers."""
    model = new_model(our_code(), case, weights_of(wide))
    ids, state = np.full(len(data["xs"]), START_ID), model.decoder.start(model.encoder.encode(data["xs"]))
    answers, clear = [], True
    for _ in range(ANSWER_LENGTH):
        scores, state = model.decoder.step(ids, state)
        two = np.sort(scores, axis=1)[:, -2:]
        clear &= two[:, 1] - two[:, 0] > CLEAR
        ids = scores.argmax(axis=1)
        answers.append(ids)
    kept = np.flatnonzero(clear)[:QUESTIONS]
    return {**data, "xs": data["xs"][kept]}, {"ids": np.stack(answers, axis=1)[kept]}


_MAKERS = {
    "lstm": _lstm,
    "softmax": _softmax,
    "embedding": _embedding,
    "update": _update,
    "answers": _answers,
    "text": _text,
    "perplexity": _perplexity,
}

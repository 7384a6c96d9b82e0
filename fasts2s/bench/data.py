"""Data of a case, the same for all peers, and its reference: this package's NumPy kernels in float64."""

from pathlib import Path
from typing import Any

import numpy as np

from fasts2s import layers, models, optimizers
from fasts2s.backend import Backend, get_backend, use_backend
from fasts2s.bench import kernel_ops, pipeline
from fasts2s.bench.cases import ANSWER_LENGTH, QUESTIONS, START_ID, Case, file_name
from fasts2s.bench.peer import Arrays, numbered
from fasts2s.evaluation import perplexity

#: Of the words drawn in the case "text"; words of the case "perplexity".
TEXT_SEED, CORPUS = 11, 7000
#: Questions whose two best scores are closer than this at some step are left out: rounding would decide.
CLEAR = 1e-4


def make(case: Case, folder: Path) -> Arrays:
    """Write the data of a case to the folder; return the reference."""
    np.random.seed(1)
    rng = np.random.default_rng(2)
    backend = get_backend("numpy", dtype="float64")
    data, reference = _made(case, rng, backend)
    np.savez(folder / f"{file_name(case)}.npz", **data)
    return reference


def _made(case: Case, rng: Any, backend: Backend) -> tuple[Arrays, Arrays]:
    if case.group == "kernels":
        inputs = kernel_ops.inputs(case)
        return inputs, kernel_ops.reference(case, inputs)
    if case.group == "data":
        return pipeline.make(case, rng)
    if case.is_step:
        return _step(case, rng, backend)
    maker = {
        "lstm": _lstm,
        "softmax": _softmax,
        "embedding": _embedding,
        "answers": _answers,
        "text": _text,
        "perplexity": _perplexity,
    }[case.kind]
    return maker(case, rng, backend)


def _floats(rng: Any, *shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


def _double(arrays: list[Any]) -> list[Any]:
    return [a.astype(np.float64) for a in arrays]


def _lstm(case: Case, rng: Any, backend: Backend) -> tuple[Arrays, Arrays]:
    N, T, D, H = (case[letter] for letter in "NTDH")
    Wx, Wh = _floats(rng, D, 4 * H) / np.float32(D**0.5), _floats(rng, H, 4 * H) / np.float32(H**0.5)
    weights = [Wx, Wh, _floats(rng, 4 * H) / np.float32(10)]
    data = {"xs": _floats(rng, N, T, D), "dhs": _floats(rng, N, T, H), **numbered("weight", weights)}
    layer = layers.TimeLSTM(*_double(weights), backend=backend)
    hs = layer.forward(data["xs"].astype(np.float64))
    dxs = layer.backward(data["dhs"].astype(np.float64))
    return data, {"out_hs": hs, "grad_xs": dxs, **numbered("grad", layer.grads)}


def _softmax(case: Case, rng: Any, backend: Backend) -> tuple[Arrays, Arrays]:
    N, T, V = (case[letter] for letter in "NTV")
    data = {"xs": _floats(rng, N, T, V), "ts": rng.integers(0, V, (N, T))}
    layer = layers.TimeSoftmaxWithLoss(backend=backend)
    loss = layer.forward(data["xs"].astype(np.float64), data["ts"])
    return data, {"out_loss": loss, "grad_xs": layer.backward()}


def _embedding(case: Case, rng: Any, backend: Backend) -> tuple[Arrays, Arrays]:
    N, T, V, D = (case[letter] for letter in "NTVD")
    W = _floats(rng, V, D)
    data = {"xs": rng.integers(0, V, (N, T)), "dout": _floats(rng, N, T, D), **numbered("weight", [W])}
    layer = layers.TimeEmbedding(W.astype(np.float64), backend=backend)
    out = layer.forward(data["xs"])
    layer.backward(data["dout"].astype(np.float64))
    return data, {"out": out, "grad_00": layer.grads[0]}


def _model(case: Case, backend: Backend, kind: str, spread: float = 1.0) -> tuple[Any, list[Any]]:
    """Return a float64 model and its weights in float32; biases are not zero, so that they are tested too."""
    model = getattr(models, kind)(case["V"], case["D"], case["H"], backend=backend)
    for param in model.params:
        value = 0.1 * np.random.randn(*param.shape) if param.ndim == 1 else param * spread
        param[...] = value.astype(np.float32)
    return model, [p.astype(np.float32) for p in model.params]


def _step(case: Case, rng: Any, backend: Backend) -> tuple[Arrays, Arrays]:
    N, S, T, V = (case[letter] for letter in "NSTV")
    model, weights = _model(case, backend, case.kind)
    data = {"xs": rng.integers(0, V, (N, S)), "ts": rng.integers(0, V, (N, T)), "seed": np.array(7)}
    data |= numbered("weight", weights)
    if case.kind == "BetterRnnlm":  # for peers that do not draw from NumPy
        np.random.seed(7)
        data |= numbered("kept", [np.random.rand(N, T, case["H"]) > 0.5 for _ in range(3)])
    np.random.seed(7)
    optimizer = optimizers.Adam(backend=backend) if case.adam else optimizers.SGD(20.0, backend=backend)
    with use_backend(backend):
        loss = float(model.forward(data["xs"], data["ts"]))
        model.backward()
        params, grads = optimizers.remove_duplicate(model.params, model.grads)
        reference = {"out_loss": loss, **numbered("grad", grads)}
        optimizers.clip_grads(grads, case.max_grad)
        optimizer.update(params, grads)
    return data, {**reference, **numbered("param", model.params)}


def _answers(case: Case, rng: Any, backend: Backend) -> tuple[Arrays, Arrays]:
    # Initial embeddings are so small that all questions have nearly the same answer: spread the weights.
    model, weights = _model(case, backend, "Seq2seq", 3.0)
    questions = rng.integers(0, case["V"], (QUESTIONS + QUESTIONS // 10, case["S"]))
    ids = np.full(len(questions), START_ID)
    state, answers, clear = model.decoder.start(model.encoder.encode(questions)), [], True
    for _ in range(ANSWER_LENGTH):
        scores, state = model.decoder.step(ids, state)
        two = np.sort(scores, axis=1)[:, -2:]
        clear &= two[:, 1] - two[:, 0] > CLEAR
        ids = scores.argmax(axis=1)
        answers.append(ids)
    kept = np.flatnonzero(clear)[:QUESTIONS]
    return {"xs": questions[kept], **numbered("weight", weights)}, {"ids": np.stack(answers, axis=1)[kept]}


def _text(case: Case, rng: Any, backend: Backend) -> tuple[Arrays, Arrays]:
    model, weights = _model(case, backend, "RnnlmGen", 3.0)
    np.random.seed(TEXT_SEED)
    words = model.generate(START_ID, sample_size=case["T"])
    return numbered("weight", weights), {"ids": np.array(words)[None]}


def _perplexity(case: Case, rng: Any, backend: Backend) -> tuple[Arrays, Arrays]:
    model, weights = _model(case, backend, "Rnnlm")
    corpus = rng.integers(0, case["V"], CORPUS + 1)
    value = perplexity(model, corpus, case["N"], case["T"])
    return {"corpus": corpus, **numbered("weight", weights)}, {"out_perplexity": np.array(value)}

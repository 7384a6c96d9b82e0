"""The judge of mutants of word vectors: it trains with them, and calls ``ppmi``, and knows nothing of the product."""

import ast
import contextlib
import io
import sys

import numpy as np

from fasts2s.dropin.recognise.canonical import members

V, H, WINDOW = 14, 5, 2
#: The functions that are known by their text: the mutants are made elsewhere.
_KNOWN = {"remove_duplicate", "clip_grads"}


def known(text):
    """Return the fingerprints of the functions that are known by their text, as of an edition of the book."""
    nodes = [node for node in ast.parse(text).body if getattr(node, "name", "") in _KNOWN]
    return {node.name: [members(node)] for node in nodes}


def behaviour(kind, name):
    """Return what trainings leave, or what the function answers: values, dtypes, errors, lines."""
    found = []
    with np.errstate(all="ignore"):
        if name == "ppmi":
            _counts(kind, found)
            return found
        module = sys.modules[kind.__module__]
        models = (name,) if name in {"CBOW", "SkipGram"} else ("CBOW", "SkipGram")
        for way in range(4):
            for model in models:
                try:
                    _training(module, model, way, found)
                except Exception as error:
                    found.append((type(error).__name__, None))
        if name == "UnigramSampler":
            _draws(kind, found)
        if name in {"SigmoidWithLoss", "EmbeddingDot"}:
            _alone(kind, name, found)
    return found


def _note(value, found, depth=0):
    if isinstance(value, list | tuple):
        for part in value:
            _note(part, found, depth)
    elif isinstance(value, np.ndarray):
        found.append((f"{value.dtype.kind}{value.shape}", value.copy()))
    elif isinstance(value, int | float | np.floating):
        found.append(("a number", np.array(value, "f")))
    elif hasattr(value, "__dict__") and depth < 6:
        for name in sorted(vars(value).keys() - {"model", "optimizer"}):
            found.append((name, None))
            _note(getattr(value, name), found, depth + 1)


def _training(module, name, way, found):
    rng = np.random.default_rng(way)
    corpus = rng.permutation(np.append(np.arange(V), rng.integers(0, V, 60)))
    contexts = np.stack([corpus[k : k + 70] for k in (0, 1, 3, 4)], axis=1)
    target = corpus[2:72].copy()
    np.random.seed(way)
    model = getattr(module, name)(V, H, WINDOW, corpus)
    for p in model.params[:1] + model.params[-1:]:
        p[...] = rng.normal(0, 0.8, p.shape)
    trainer = module.Trainer(model, module.SGD())
    options = ({}, {"max_grad": 0.2}, {"eval_interval": 2}, {"eval_interval": None})[way]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        trainer.fit(contexts, target, 1 + way % 2, 9, **options)
    found.append((f"{said.getvalue().count('epoch')} lines", None))
    _note(trainer, found)
    _note([model, np.random.random_sample(2)], found)
    model.forward(contexts[:4], target[:4])
    model.backward()
    _note([model.grads, np.random.random_sample(2)], found)
    if way == 3:  # what is no id: the model itself has to say so
        with contextlib.redirect_stdout(io.StringIO()):
            trainer.fit(contexts + V, target, 1, 9)


def _alone(kind, name, found):
    """Call a layer by itself: scores that are large, gradients that are not 1."""
    rng = np.random.default_rng(8)
    is_loss = name == "SigmoidWithLoss"
    for scale in (1, 25):
        try:
            layer = kind() if is_loss else kind(rng.normal(size=(V, H)).astype("f"))
            x = scale * rng.normal(size=6 if is_loss else (6, H)).astype("f")
            ids = rng.integers(0, 2 if is_loss else V, 6).astype("i4")
            out = layer.forward(x, ids)
            found.append((type(out).__name__[:5], None))
            _note([out, layer.backward() if is_loss else 0, layer.backward(0.3 if is_loss else out), x, ids], found)
            found.append((f"shares {[np.shares_memory(v, ids) for v in vars(layer).values() if np.ndim(v)]}", None))
            _note(layer, found)
        except Exception as error:
            found.append((type(error).__name__, None))


def _draws(kind, found):
    rng = np.random.default_rng(3)
    for size, dtype in ((1, "i4"), (4, "i8"), (7, "i8"), (3, "f8")):
        words = rng.permutation(np.append(np.arange(V), rng.integers(0, 5, 40)))
        try:
            np.random.seed(size)
            sampler = kind(words, 0.5, size)
            for _ in range(2):
                _note([sampler.get_negative_sample(rng.integers(0, V, 6).astype(dtype)), vars(sampler)], found)
                _note(np.random.random_sample(1), found)
                sampler.word_p[3] *= 2
        except Exception as error:
            found.append((type(error).__name__, None))


def _counts(function, found):
    for seed, size in enumerate((6, 15, 1, 2)):
        rng = np.random.default_rng(seed)
        C = rng.poisson(1.5, (size, size)).astype(np.int32)
        C[size // 2] *= seed % 2
        for rest in ((), (True,), (True, 1e-3), (False, 0.0)):
            with contextlib.redirect_stdout(io.StringIO()) as said:
                try:
                    _note([function(C, *rest), C], found)
                except Exception as error:
                    found.append((type(error).__name__, None))
            found.append((said.getvalue(), None))

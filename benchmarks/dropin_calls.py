"""Microseconds of single calls of the book's layers, plain and replaced: no size may be slower than the book's.

    FASTS2S_BOOK=checkout python benchmarks/dropin_calls.py [--backend numba] [--only PART] [--rows 1x1,5x9]

Columns: the book's code; ours, at this size too; what runs, which at small sizes is the book's code again; and the
first over the last, where above 1 is a gain. The least of many calls counts; on a busy machine the ratios still mean
little. What is slower is listed again at the end.
"""

import argparse
import importlib
import timeit
from collections.abc import Callable, Iterator
from inspect import signature
from typing import Any, NamedTuple

import numpy as np

import fasts2s
from fasts2s.bench.machine import heading
from fasts2s.bench.peers.code import book_code
from fasts2s.dropin.settings import settings

#: Name of a layer, what is called, and the call.
Calls = Iterator[tuple[str, Callable[[], Any]]]


class Size(NamedTuple):
    """Batch, steps, word vector, hidden state, vocabulary."""

    N: int
    T: int
    D: int
    H: int
    V: int


#: Those of the book's scripts: one word at a time, chapters 5, 6, 7, 8; and the smallest.
SIZES = (
    Size(1, 1, 3, 4, 13), Size(1, 1, 16, 128, 13), Size(1, 1, 100, 100, 10000), Size(1, 7, 16, 128, 13),
    Size(5, 9, 16, 32, 59), Size(10, 5, 100, 100, 418), Size(128, 7, 16, 128, 13), Size(128, 29, 16, 256, 59),
    Size(20, 35, 100, 100, 10000),
)  # fmt: skip


def _random(*shape: int) -> Any:
    return np.random.default_rng(1).normal(0, 0.1, shape).astype("f")


def _recurrent(gates: int, s: Size) -> tuple[Any, ...]:
    return _random(s.D, gates * s.H), _random(s.H, gates * s.H), _random(gates * s.H)


def _layer(name: str, layer: Any, *given: Any, dout: Any = None) -> Calls:
    """Yield the calls of a layer; where there is no dout, it is a loss."""
    layer.forward(*given)
    douts = () if dout is None else (dout,)
    yield f"{name}.forward", lambda: layer.forward(*given)
    yield f"{name}.step", lambda: (layer.forward(*given), layer.backward(*douts))


def layers(s: Size) -> Calls:
    """Yield the calls of every layer, made for a size."""
    N, T, D, H, V = s
    steps, flat = importlib.import_module("common.time_layers"), importlib.import_module("common.layers")
    labels = np.arange(N * T) % V
    ids, xs, hs, scores = labels.reshape(N, T), _random(N, T, D), _random(N, T, H), _random(N, T, V)
    rows, row_scores, W, b = hs.reshape(-1, H), scores.reshape(-1, V), _random(H, V), _random(V)
    yield from _layer("MatMul", flat.MatMul(W), rows, dout=row_scores)
    yield from _layer("Affine", flat.Affine(W, b), rows, dout=row_scores)
    yield from _layer("Embedding", flat.Embedding(_random(V, D)), ids[:, 0], dout=xs[:, 0])
    yield from _layer("TimeRNN", steps.TimeRNN(*_recurrent(1, s)), xs, dout=hs)
    yield from _layer("TimeLSTM", steps.TimeLSTM(*_recurrent(4, s)), xs, dout=hs)
    gru = steps.TimeGRU
    weights = _recurrent(3, s)[: len(signature(gru).parameters) - 1]  # in the Korean edition it has no bias
    yield from _layer("TimeGRU", gru(*weights), xs, dout=hs)
    yield from _layer("TimeEmbedding", steps.TimeEmbedding(_random(V, D)), ids, dout=xs)
    yield from _layer("TimeAffine", steps.TimeAffine(W, b), hs, dout=scores)
    yield from _layer("TimeSoftmaxWithLoss", steps.TimeSoftmaxWithLoss(), scores, ids)
    yield from _layer("TimeSigmoidWithLoss", steps.TimeSigmoidWithLoss(), scores[:, :, 0], ids % 2)
    attention = importlib.import_module("attention_layer").TimeAttention()
    yield from _layer("TimeAttention", attention, hs, hs, dout=hs)


def _generator(s: Size) -> Calls:
    """Yield the words of a language model, where the book's own code can make them (NumPy before 2.4)."""
    model = importlib.import_module("rnnlm_gen").RnnlmGen(s.V, s.D, s.H)
    try:
        model.generate(0, [1], 4)
    except TypeError:
        return
    yield "RnnlmGen.generate", lambda: model.generate(0, [1], 4)


def models(s: Size) -> Calls:
    """Yield the calls of encoders and decoders, and of one answer, for vocabularies of letters."""
    ids = np.arange(s.N * s.T).reshape(s.N, s.T) % s.V
    hs, scores = _random(s.N, s.T, s.H), _random(s.N, s.T, s.V)
    yield from _generator(s)
    for name in ("Seq2seq", "PeekySeq2seq", "AttentionSeq2seq") if s.V <= 100 else ():
        file = importlib.import_module(name.replace("Seq2seq", "_seq2seq").lower().strip("_"))
        model = getattr(file, name)(s.V, s.D, s.H)
        state = hs if name.startswith("Attention") else hs[:, -1]
        yield from _layer(type(model.encoder).__name__, model.encoder, ids, dout=state)
        yield from _layer(type(model.decoder).__name__, model.decoder, ids, state, dout=scores)
        yield f"{name}.generate", lambda model=model: model.generate(ids[:1], 1, 4)


def others(s: Size) -> Calls:
    """Yield optimisers and functions, on the weights of a language model of a size."""
    params = [_random(s.V, s.D), *_recurrent(4, s), _random(s.H, s.V), _random(s.V)]
    grads = [1e-3 * p for p in params]
    for name in ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"):
        optimizer = getattr(importlib.import_module("common.optimizer"), name)(1e-6)
        yield f"{name}.update", lambda o=optimizer: o.update(params, grads)
    util, trainer = importlib.import_module("common.util"), importlib.import_module("common.trainer")
    yield "clip_grads", lambda: util.clip_grads(grads, 1e9)
    yield "clip_grads.clips", lambda: util.clip_grads(grads, 1e-9)
    yield "remove_duplicate", lambda: trainer.remove_duplicate(params, grads)
    words, batches = np.arange(1000), trainer.RnnlmTrainer(None, None)
    batches.time_idx = 0
    yield "RnnlmTrainer.get_batch", lambda: batches.get_batch(words, words, s.N, s.T)


def _measured(s: Size, part: str) -> dict[str, float]:
    """Return the least microseconds of one call by name, of those that fit in about 6 ms."""
    found = {}
    for name, call in (pair for kind in (layers, models, others) for pair in kind(s) if part in pair[0]):
        timer = timeit.Timer(call)
        took = timer.timeit(1)
        count = max(1, min(100, int(2e-4 / max(took, 1e-7))))
        repeats = max(1, int(0.006 / max(took * count, 1e-6)))
        found[name] = 1e6 * min(timer.repeat(repeats, count)) / count
    return found


def _least_of_rounds(s: Size, backend: Any, part: str, rounds: int) -> list[dict[str, float]]:
    """Return the least times of plain, ours, runs: taken in turns, because machines change their speed."""
    ways: list[list[dict[str, float]]] = [[], [], []]
    for _ in range(rounds):
        ways[0].append(_measured(s, part))
        for way, settings.all_sizes in ((1, True), (2, False)):
            with fasts2s.patched(backend):
                ways[way].append(_measured(s, part))
    # What only one of them can run is left out.
    names = [name for name in ways[2][0] if name in ways[0][0]]
    return [{name: min(times[name] for times in way) for name in names} for way in ways]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--backend", default="numba", help="%(default)s")
    parser.add_argument("--only", default="", help="only calls with this in their name")
    parser.add_argument("--rows", default="", help="only sizes with these batches and steps, such as 1x1,128x29")
    parser.add_argument("--rounds", type=int, default=9, help="in turn (%(default)s)")
    return parser.parse_args()


def main() -> None:
    """Measure and print, size by size; then what is slower."""
    a = _arguments()
    book_code()
    print(heading("Microseconds of single calls of the book's layers, plain and replaced", "as they come"))
    print(f"{a.backend}, microseconds{'plain':>36} {'ours':>9} {'runs':>9}")
    slower = []
    for s in (s for s in SIZES if not a.rows or f"{s.N}x{s.T}" in a.rows.split(",")):
        said = ", ".join(f"{name} {value}" for name, value in s._asdict().items())
        print(said)
        plain, ours, runs = _least_of_rounds(s, a.backend, a.only, a.rounds)
        for name, took in plain.items():
            ratio = took / runs[name]
            print(f"  {name:36} {took:9.1f} {ours[name]:9.1f} {runs[name]:9.1f} {ratio:6.2f}", flush=True)
            slower += [f"  {ratio:.2f} {name}, {said}"] if ratio < 0.95 else []
    print("slower:", *slower or ["  none"], sep="\n")


if __name__ == "__main__":
    main()

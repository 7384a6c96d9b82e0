"""The drop-in again and again: whatever is done between its steps, numbers are plain Python's, and nothing leaks.

    FASTS2S_BOOK=checkout python benchmarks/dropin_campaign.py [--times 100] [--backend numba] [--json FILE]

Every check runs so many times, each with other numbers, plain and replaced; results may be 1e-5 apart (relative, L2).
Memory is that of the process, and what tracemalloc counts, from the tenth repetition to the middle and from there to
the last: the smaller growth counts, for the kernels keep a block more when two threads first ask for one at once. The
exit code is 1 if anything differs, or grows by more than a kilobyte in a repetition.
"""

import argparse
import copy
import gc
import importlib
import json
import pickle
import resource
import sys
import threading
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import fasts2s
from fasts2s.bench.machine import heading
from fasts2s.bench.peers.code import book_code
from fasts2s.dropin.run.verify import difference
from fasts2s.dropin.settings import settings

MODELS = (("seq2seq", "Seq2seq"), ("peeky_seq2seq", "PeekySeq2seq"), ("attention_seq2seq", "AttentionSeq2seq"))
#: After so many repetitions all caches are filled.
_FILLED = 10


def model(seed: int) -> Any:
    """Return a model of chapters 7 and 8, whose weights are those of this seed."""
    module, name = MODELS[seed % len(MODELS)]
    made, rng = getattr(importlib.import_module(module), name)(13, 6, 8), np.random.default_rng(seed)
    for p in made.params:
        p[...] = rng.normal(0, 0.3, p.shape)
    return made


def steps(made: Any, seed: int, count: int = 2) -> list[Any]:
    """Train for a few steps; return losses, copies of the weights, and an answer."""
    optimizer, rng = importlib.import_module("common.optimizer").Adam(), np.random.default_rng(seed)
    util, found = importlib.import_module("common.util"), []
    for _ in range(count):
        xs, ts = rng.integers(0, 13, (5, 4)), rng.integers(0, 13, (5, 5))
        found.append(float(made.forward(xs, ts)))
        made.backward()
        util.clip_grads(made.grads, 0.5)
        optimizer.update(made.params, made.grads)
    answer = [int(i) for i in made.generate(np.array([[1, 2, 3]]), 1, 4)]
    return [found, [p.copy() for p in made.params], answer]


def trained(seed: int) -> list[Any]:
    """A model is made and trained."""
    return steps(model(seed), seed)


def pickled(seed: int) -> list[Any]:
    """A model goes through a pickle between two steps."""
    first = model(seed)
    before = steps(first, seed)
    return [before, steps(pickle.loads(pickle.dumps(first)), seed + 1)]


def copied(seed: int) -> list[Any]:
    """A copy is made between forward and backward; both go on."""
    first, rng = model(seed), np.random.default_rng(seed)
    first.forward(rng.integers(0, 13, (5, 4)), rng.integers(0, 13, (5, 5)))
    second = copy.deepcopy(first)
    first.backward()
    second.backward()
    return [
        [g.copy() for g in first.grads],
        [g.copy() for g in second.grads],
        steps(second, seed),
        steps(first, seed),
    ]


def in_threads(seed: int) -> list[Any]:
    """Four models are trained at once."""
    found: list[Any] = [None] * 4

    def train(k: int) -> None:
        found[k] = steps(models[k], seed + k)

    models = [model(seed + k) for k in range(4)]
    threads = [threading.Thread(target=train, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def in_turn(seed: int) -> list[Any]:
    """Two models of one class are trained in turn, forward and backward interleaved."""
    pair, rng = (model(seed), model(seed + len(MODELS))), np.random.default_rng(seed)
    found: list[Any] = []
    for _ in range(2):
        for made in pair:
            found.append(float(made.forward(rng.integers(0, 13, (5, 4)), rng.integers(0, 13, (5, 5)))))
        for made in pair:
            made.backward()
            found.append([g.copy() for g in made.grads])
    return [found, *(steps(made, seed) for made in pair)]


def with_other_weights(seed: int) -> list[Any]:
    """The weights of an LSTM and of an affine layer become other arrays between two steps, and between two passes."""
    made, rng = model(seed), np.random.default_rng(seed)
    before = steps(made, seed)
    for layer in (made.encoder.lstm, made.decoder.affine):
        layer.params[:] = [p * 1.1 for p in layer.params]
    loss = float(made.forward(rng.integers(0, 13, (5, 4)), rng.integers(0, 13, (5, 5))))
    made.encoder.lstm.params[:] = [p * 0.9 for p in made.encoder.lstm.params]
    made.backward()
    return [before, loss, [g.copy() for g in made.grads], steps(made, seed)]


def _layers(seed: int, change: Callable[[Any], Any]) -> list[Any]:
    """Run layers whose weights, inputs and gradients were changed."""
    time, rng, found = importlib.import_module("common.time_layers"), np.random.default_rng(seed), []

    def drawn(*shape: int) -> Any:
        return change(rng.normal(0, 0.5, shape).astype("f"))

    for layer in (
        time.TimeLSTM(drawn(6, 28), drawn(7, 28), drawn(28), stateful=True),
        time.TimeAffine(drawn(6, 7), drawn(7)),
    ):
        for _ in range(2):
            found += [layer.forward(drawn(5, 4, 6)), layer.backward(drawn(5, 4, 7)), *(g.copy() for g in layer.grads)]
    return found


def in_fortran_order(seed: int) -> list[Any]:
    """Weights, inputs and gradients lie in memory column by column."""
    return _layers(seed, np.asfortranarray)


def in_float64(seed: int) -> list[Any]:
    """Weights, inputs and gradients are float64."""
    return _layers(seed, np.float64)


CHECKS = (trained, pickled, copied, in_threads, in_turn, with_other_weights, in_fortran_order, in_float64)


def both_ways(seed: int, backend: Any) -> float:
    """Return the largest difference of a model that is pickled in one world, read and trained in the other."""
    plain, expected = pickle.dumps(model(seed)), trained(seed)
    with fasts2s.patched(backend):
        ours = pickle.dumps(model(seed))
        found = steps(pickle.loads(plain), seed)
    return max(difference(found, expected), difference(steps(pickle.loads(ours), seed), expected))


def put_back(seed: int, backend: Any) -> float:
    """Return whether unpatch leaves anything in a class that was not there: 0 or infinity."""
    time = importlib.import_module("common.time_layers")
    classes = [type(model(seed)), time.TimeLSTM, time.TimeAffine, importlib.import_module("common.optimizer").Adam]
    before = [dict(vars(kind)) for kind in classes]
    with fasts2s.patched(backend):
        trained(seed)
    return 0.0 if [dict(vars(kind)) for kind in classes] == before else np.inf


def compared(check: Callable[[int], list[Any]]) -> Callable[[int, Any], float]:
    """Return what compares a check, plain and replaced."""

    def compare(seed: int, backend: Any) -> float:
        expected = check(seed)
        with fasts2s.patched(backend):
            return difference(check(seed), expected)

    return compare


ALL = {check.__name__: compared(check) for check in CHECKS} | {"both_ways": both_ways, "put_back": put_back}


class Row(NamedTuple):
    """One check: repetitions, how many differ, the largest difference, bytes that were not given back in each."""

    check: str
    times: int
    failed: int
    difference: float
    traced: float
    process: float


def run(name: str, times: int, backend: Any) -> Row:
    """Run a check so many times."""
    found: list[float] = []
    traced: list[int] = []
    process: list[int] = []
    tracemalloc.start()
    for k in range(times):
        found.append(ALL[name](k, backend))
        if k + 1 in {_FILLED, (_FILLED + times) // 2, times}:
            gc.collect()
            traced.append(tracemalloc.get_traced_memory()[0])
            process.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    tracemalloc.stop()
    half = max((times - _FILLED) / 2, 1)
    grown = [
        min((b - a) / half for a, b in pairwise(sizes)) if len(sizes) == 3 else 0.0 for sizes in (traced, process)
    ]
    return Row(name, times, sum(not d <= 1e-5 for d in found), max(found), *grown)


def main() -> int:
    """Run all checks; print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=100, help="repetitions of each (%(default)s)")
    parser.add_argument("--backend", default="numba", help="%(default)s")
    parser.add_argument("--only", default="", help="only checks with this in their name")
    parser.add_argument("--json", type=Path, help="write what was found to this file")
    a = parser.parse_args()
    book_code()
    settings.all_sizes = True
    head = heading("The drop-in, again and again", "the library's choice", backend=a.backend)
    print(head)
    print(f"{'check':22} {'times':>6} {'differ':>7} {'largest':>9} {'bytes a time':>13} {'of the process':>15}")
    rows = []
    for name in (name for name in ALL if a.only in name):
        rows.append(run(name, a.times, a.backend))
        print("{:22} {:>6} {:>7} {:>9.1e} {:>13,.0f} {:>15,.0f}".format(*rows[-1]), flush=True)
    if a.json:
        report = {"about": head.splitlines(), "rows": [row._asdict() for row in rows]}
        a.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(any(row.failed or row.traced > 1024 for row in rows))


if __name__ == "__main__":
    sys.exit(main())

"""What a checkpoint every so many steps costs.

    python benchmarks/checkpoint_cost.py --every 50

For each of the book's models: the time that the training stands still for a copy, and the time of a processor that
the thread takes which writes it. Medians over all checkpoints, as shares of the time of the steps between two of
them.
Both bear a busy machine, on which the times of whole trainings, with and without, differ by more than what is sought.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.bench import machine
from fasts2s.distributed.ranks import Ranks
from fasts2s.models import AttentionSeq2seq, BetterRnnlm, PeekySeq2seq
from fasts2s.optimizers import SGD, Adam
from fasts2s.resuming import Keeper, Packed
from fasts2s.trainer import Trainer

MODELS: dict[str, Callable[[], tuple[Any, Any, tuple[int, int, int]]]] = {
    # model, optimiser, (rows, length of x, length of t) of a step
    "addition, peeky": lambda: (PeekySeq2seq(13, 16, 128), Adam(), (128, 7, 5)),
    "date, attention": lambda: (AttentionSeq2seq(59, 16, 256), Adam(), (128, 29, 11)),
    "better rnnlm, H 650": lambda: (BetterRnnlm(10_000), SGD(20.0), (20, 35, 35)),
}


class TimedKeeper(Keeper):
    """Notes the seconds of a processor that every file takes."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.written: list[float] = []

    def _write(self, arrays: Any, tree: Any) -> None:
        began = time.thread_time()
        super()._write(arrays, tree)
        self.written.append(time.thread_time() - began)


def cost(name: str, every: int, count: int, folder: Path) -> str:
    """Measure one model over so many checkpoints; return a line."""
    np.random.seed(1)
    model, optimizer, (N, S, T) = MODELS[name]()
    trainer = Trainer(model, optimizer)
    V = model.params[0].shape[0]
    rng = np.random.default_rng(1)
    xs, ts = rng.integers(0, V, (N, S)), rng.integers(0, V, (N, T))
    path = folder / "checkpoint.npz"

    def take() -> Packed:
        packed = Packed()
        packed.tree = trainer.take_state(packed.arrays)
        return packed

    keeper = TimedKeeper(path, take, steps=every, seconds=None, say=print, fresh=False, ranks=Ranks())
    steps, stops = [], []
    for k in range(1, every * (count + 1) + 1):
        began = time.perf_counter()
        trainer.train_step(xs, ts, 5.0)
        ended = time.perf_counter()
        keeper.step()
        steps.append(ended - began)
        if k % every == 0:
            stops.append(time.perf_counter() - ended)
    keeper.close()
    # The first one compiled kernels, and made the memory of the copies.
    step, stop = statistics.median(steps[every:]), statistics.median(stops[1:])
    # A file is left out while the one before it is still being written: of quick steps there may be one file alone.
    written = statistics.median(keeper.written[1:] or keeper.written)
    return (
        f"{name:<20} {1e3 * step:8.2f} ms a step  checkpoint {path.stat().st_size / 1e6:7.2f} MB  "
        f"stop {1e3 * stop:6.2f} ms ({100 * stop / every / step:.2f} %, longest {1e3 * max(stops[1:]):.2f})  "
        f"thread {1e3 * written:6.2f} ms ({100 * written / every / step:.2f} %)"
    )


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--count", type=int, default=20, help="checkpoints of a model")
    parser.add_argument("--model", choices=MODELS, help="only this one (all)")
    a = parser.parse_args()
    print(machine.heading("What checkpoints cost", "the library's choice"))
    with tempfile.TemporaryDirectory() as folder:
        for name in [a.model] if a.model else MODELS:
            print(cost(name, a.every, a.count, Path(folder)), flush=True)


if __name__ == "__main__":
    main()

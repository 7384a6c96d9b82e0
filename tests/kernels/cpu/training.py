"""Training that is the same every time: what threads, forks and interrupts must not change."""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

import fasts2s
from fasts2s import models
from fasts2s.optimizers import SGD, Adam
from fasts2s.trainer import Trainer
from fasts2s_kernels import setup_of
from fasts2s_kernels.cpu import threads

#: Vocabulary, word vectors, hidden units: odd, and large enough for several tasks of every kernel.
SIZES = (67, 13, 33)
BATCH, SOURCE, TARGET = 19, 7, 5


def kernels() -> Any:
    """Return the kernels, in the cache folder that the environment names."""
    return fasts2s.get_backend("numba").kernels()


def warm_up() -> int:
    """Compile what is not in the cache; return the number of kernels."""
    kernels()
    return setup_of("numba").warmup()


def parallel_always(wanted: int | None = None) -> None:
    """Let every kernel be a parallel region, however small its work."""
    kernels()  # reads the settings of the environment
    threads.SERIAL_BELOW = 0
    threads.POOL.wanted, threads.POOL.most = (
        wanted,
        3,
    )  # more than some machines have cores: then one may have to wait


class Learner:
    """A model, an optimiser, and batches that depend on the seed alone."""

    def __init__(self, name: str, seed: int = 0, plain: bool = False) -> None:
        with fasts2s.use_backend("numba"):
            np.random.seed(seed)
            self.model = getattr(models, name)(*SIZES)
            # SGD has no state of its own: then the parameters say all.
            self.trainer = Trainer(self.model, SGD(0.5) if plain else Adam(0.01))
        self.rng = np.random.default_rng(seed)

    def step(self) -> float:
        """Make one training step; return the loss."""
        source = TARGET if self.model.__class__.__name__.endswith("Rnnlm") else SOURCE
        xs = self.rng.integers(0, SIZES[0], (BATCH, source))
        ts = self.rng.integers(0, SIZES[0], (BATCH, TARGET))
        with fasts2s.use_backend("numba"):  # the choice of a thread is its own
            return self.trainer.train_step(xs, ts, 5.0)

    def steps(self, count: int) -> str:
        """Make several; return a hash of the losses and of the parameters after them."""
        losses = [self.step() for _ in range(count)]
        digest = hashlib.sha256(np.array(losses).tobytes())
        for p in self.model.params:
            digest.update(np.ascontiguousarray(p).tobytes())
        return digest.hexdigest()


def in_threads(calls: list[Callable[[], Any]]) -> list[Any]:
    """Call all at the same time, each in its own thread; return what they return."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - of no use to the other processes

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]

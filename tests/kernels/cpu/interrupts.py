"""Training, and compiling, that a second process interrupts as Ctrl-C does."""

import os
import signal
import struct
import time
from typing import Any

import numpy as np

import fasts2s
from tests.kernels.cpu.cached import IDS, W, work
from tests.kernels.cpu.training import Learner, parallel_always

MODEL = "AttentionSeq2seq"


class Sender:
    """A process that sends SIGINT to this one, some time after it was asked to. To be made before any thread."""

    def __init__(self) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background
        asked, self._ask = os.pipe()
        self._sent, sent = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._ask)
            parent = os.getppid()
            while message := os.read(asked, 8):
                time.sleep(struct.unpack("d", message)[0])
                os.write(sent, struct.pack("d", time.monotonic()))
                os.kill(parent, signal.SIGINT)
            os._exit(0)
        os.close(asked)

    def ask(self, seconds: float) -> None:
        """Have a SIGINT sent after some time."""
        os.write(self._ask, struct.pack("d", seconds))

    def since(self) -> float:
        """Return how many seconds ago it was sent."""
        return time.monotonic() - struct.unpack("d", os.read(self._sent, 8))[0]

    def close(self) -> None:
        os.close(self._ask)
        os.waitpid(self._pid, 0)


def _next_step(learner: Learner, seed: int) -> tuple[float, Any]:
    """Return the loss of a step on given data, and a parameter after it."""
    learner.rng = np.random.default_rng(seed)
    loss = learner.step()
    return loss, np.concatenate([p.ravel() for p in learner.model.params])


def train(count: int, path: str) -> dict[str, Any]:
    """Interrupt training; after each time make one step more, and keep what it came from in a file."""
    sender, rng = Sender(), np.random.default_rng(1)
    parallel_always()
    learner = Learner(MODEL, plain=True)
    began = time.monotonic()
    learner.steps(5)
    length = (time.monotonic() - began) / 5
    waited, losses, kept = [], [], {}
    for k in range(count):
        try:
            sender.ask(float(rng.uniform(0, 3 * length)))
            while True:
                learner.step()
        except KeyboardInterrupt:
            waited.append(sender.since())
        kept[f"before {k}"] = np.concatenate([p.ravel() for p in learner.model.params])
        loss, kept[f"after {k}"] = _next_step(learner, k)
        losses.append(loss)
    sender.close()
    np.savez(path, losses=np.array(losses), **kept)
    return {"waited": waited, "finite": bool(np.isfinite(losses).all())}


def replay(path: str) -> list[bool]:
    """Make the same steps in this process, which nobody interrupted; return which are the same."""
    parallel_always()
    learner, same = Learner(MODEL, plain=True), []
    with np.load(path) as file:
        for k, loss in enumerate(file["losses"]):
            place, numbers = 0, file[f"before {k}"]
            for p in learner.model.params:
                p[...] = numbers[place : place + p.size].reshape(p.shape)
                place += p.size
            found, after = _next_step(learner, k)
            same.append(found == loss and np.array_equal(after, file[f"after {k}"]))
    return same


def compile_kernels(delays: list[float]) -> dict[str, Any]:
    """Interrupt compiling again and again, then let it end."""
    sender, interrupted = Sender(), 0
    for delay in delays:
        try:
            sender.ask(delay)
            right = _small_kernels()
            time.sleep(30)  # it was done before
        except KeyboardInterrupt:
            interrupted += 1
            sender.since()
    sender.close()
    right = _small_kernels()
    return {"interrupted": interrupted, "right": right}


def _small_kernels() -> bool:
    kernels, dW = fasts2s.get_backend("numba").kernels(), np.full_like(W, np.nan)
    right = work()
    kernels.embedding_backward(np.ones((5, 5), np.float32), IDS, dW=dW)
    loss, _ = kernels.softmax_loss_forward(W, np.arange(7) % 5, ignore_label=-1)
    return right and dW.sum() == 25 and bool(np.isfinite(loss))

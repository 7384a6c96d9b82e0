"""A training in which rank 1 has a fault, named by the first argument; the second is a checkpoint, or nothing."""

import os
import signal
import sys
import time

import numpy as np

import fasts2s
from fasts2s import distributed
from fasts2s.models import BetterRnnlm
from fasts2s.optimizers import SGD
from fasts2s.trainer import RnnlmTrainer

STEPS = 0


def main(fault, checkpoint=None):
    """Train; in the tenth step the fault happens."""
    rank = fasts2s.backend.launched()[0]
    if rank == 1 and fault == "version":
        fasts2s.__version__ = "0.0.1"
    with distributed.session("mpi", quiet=True, patience=1.0 if fault == "late" else 60.0) as ranks:
        np.random.seed(7)
        ids = np.random.randint(0, 20, 501)
        model = BetterRnnlm(20, 8, 8)
        trainer = RnnlmTrainer(model, SGD(2.0), on_step=lambda _: on_step(fault, ranks, model))
        data = np.roll(ids, 1) if fault == "data" and rank == 1 else ids
        epochs = 20 if fault == "epochs" and rank == 1 else 10
        every = None if checkpoint is None else 4
        trainer.fit(
            data[:-1], ids[1:], epochs, 5, 20, eval_interval=None, checkpoint=checkpoint, checkpoint_every=every
        )
        if ranks.rank == 0:
            print(distributed.fingerprint_of_weights(model.params), STEPS)  # noqa: T201 - the test reads it


def on_step(fault, ranks, model):
    """Do the worst."""
    global STEPS  # noqa: PLW0603
    STEPS += 1
    if STEPS != 10:
        return
    if fault == "all":
        raise FloatingPointError("all of them fail")
    if fault == "stop" and ranks.rank == 1:
        signal.raise_signal(signal.SIGTERM)
    if ranks.rank != 1:
        return
    if fault == "weights":
        model.params[0][0, 0] += 1e-6
    elif fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "stopped":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif fault == "asleep":
        time.sleep(1000)
    elif fault == "late":
        while True:
            pass
    elif fault == "memory":
        raise MemoryError("no memory for 3 TB")
    elif fault == "exit":
        os._exit(3)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Trains four models on as many ranks as there are; rank 0 writes their parameters to the file that is named."""

import sys

import numpy as np

import fasts2s
from fasts2s import distributed
from fasts2s.models import BetterRnnlm, EncoderDecoder, EncoderDecoderSettings, Seq2seq
from fasts2s.optimizers import SGD, Adam
from fasts2s.trainer import RnnlmTrainer, Trainer

PAIRS = {"source_size": 13, "target_size": 13, "wordvec_size": 8, "hidden_size": 8}


def trained():
    """Yield (name, trainer) of what was trained for 50 steps or so: padded, ragged, stateful, with dropout."""
    x, t = np.random.randint(1, 13, (103, 5)), np.random.randint(1, 13, (103, 4))
    t[:50, 2:] = 0  # so that ranks count unlike numbers of labels
    t[::3, 1:] = 0
    trainer = Trainer(Seq2seq(13, 6, 8, pad_id=0), Adam(0.01))
    trainer.fit(x, t, 4, 8, 1.0, eval_interval=None, partial_batches=True)
    yield "seq2seq", trainer
    trainer = RnnlmTrainer(BetterRnnlm(20, 8, 8), SGD(2.0))
    ids = np.random.randint(0, 20, 501)
    trainer.fit(ids[:-1], ids[1:], 10, 5, 20, 0.25, eval_interval=None)
    yield "language model", trainer
    settings = EncoderDecoderSettings(**PAIRS, dropout=0.3, label_smoothing=0.1, scheduled_sampling=0.2, tied=True)
    trainer = Trainer(EncoderDecoder(settings), Adam(0.01), accumulate=2, average=0.9)
    trainer.fit(x, t, 4, 8, 1.0, eval_interval=None)
    yield "pairs", trainer
    trainer = Trainer(Seq2seq(13, 6, 8), Adam(0.01))
    trainer.fit(x[:2], t[:2], 3, 2, eval_interval=None)  # with three ranks one has no row
    yield "two rows", trainer


def main(dtype, file):
    """Train, compare the replicas, write."""
    with distributed.session("mpi") as ranks:
        fasts2s.set_backend("numpy", dtype=dtype)
        np.random.seed(7 + ranks.rank if ranks.size > 1 else 7)
        ranks.spread([])
        found = {}
        for name, trainer in trained():
            ranks.require_same_weights(trainer.model.params)
            found |= {f"{name}/{i}": p for i, p in enumerate(trainer.model.params)}
        found["drawn"] = np.random.rand(3)
        if ranks.rank == 0:
            np.savez(file, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What the tests of resuming share: small models, what a training ends with."""

from typing import Any

import numpy as np

from fasts2s.models import (
    AttentionSeq2seq,
    BetterRnnlm,
    EncoderDecoder,
    EncoderDecoderSettings,
    Rnnlm,
    Seq2seq,
    StackedRnnlm,
)
from fasts2s.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop
from fasts2s.resuming import take_model, take_object
from fasts2s.schedules import OneCycle, Plateau
from fasts2s.trainer import RnnlmTrainer, Trainer

V = 7
ROWS, STREAM = 10, 61


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.integers(3, V, (ROWS, 4)), rng.integers(3, V, (ROWS, 5))


def stream() -> np.ndarray:
    return np.random.default_rng(2).integers(0, V, STREAM)


def encoder_decoder(**options: Any) -> EncoderDecoder:
    return EncoderDecoder(EncoderDecoderSettings(V, V, 4, 4, dropout=0.3, **options))


#: name -> how the trainer is made; every optimiser and every part of a state is in one of them.
TRAINERS: dict[str, Any] = {
    "seq2seq": lambda: Trainer(Seq2seq(V, 3, 4), Adam(0.01)),
    "attention": lambda: Trainer(AttentionSeq2seq(V, 3, 4), Momentum(0.1)),
    "pairs": lambda: Trainer(encoder_decoder(scheduled_sampling=0.3), AdamW(0.01), schedule=OneCycle(0.02, 15)),
    "variational": lambda: Trainer(encoder_decoder(variational=True), RMSprop(0.01), average=0.9),
    "accumulating": lambda: Trainer(encoder_decoder(tied=True), AdaGrad(0.1), accumulate=2),
    "lm": lambda: RnnlmTrainer(Rnnlm(V, 3, 4), SGD(0.5), schedule=Plateau(0.5)),
    "lm with dropout": lambda: RnnlmTrainer(BetterRnnlm(V, 4, 4), Nesterov(0.1)),
    "gru": lambda: RnnlmTrainer(StackedRnnlm(V, 3, 4, cell="gru", layers=2, dropout_ratio=0.2), Adam(0.01)),
}


def made(name: str, seed: int = 5) -> Any:
    np.random.seed(seed)
    return TRAINERS[name]()


def fit(trainer: Any, epochs: int = 3, **options: Any) -> None:
    """Train: 5 steps in an epoch."""
    if isinstance(trainer, RnnlmTrainer):
        ids = stream()
        trainer.fit(ids[:-1], ids[1:], epochs, 2, 6, 0.25, 2, **options)
    else:
        trainer.fit(*data(), epochs, 2, 1.0, 2, **options)


def end_of(trainer: Any) -> dict[str, Any]:
    """Return all that a training leaves, as bytes and plain values."""
    arrays: dict[str, np.ndarray] = {}
    trees = [take_model(trainer.model, arrays), take_object(trainer.optimizer, arrays, "optimizer")]
    if trainer.average is not None:
        trees.append(take_object(trainer.average, arrays, "average"))
    lists = [
        getattr(trainer, name, None) for name in ("loss_list", "ppl_list", "time_idx", "updates", "current_epoch")
    ]
    random = np.random.get_state()
    return {
        "arrays": {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in arrays.items()},
        "trees": trees,
        "lists": lists,
        "random": (random[1].tobytes(), *random[2:]),
    }

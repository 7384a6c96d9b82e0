"""Teaches the convolutions of a picture encoder to tell single things apart."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.commands.progress import progress_bar
from fasts2s.layers import Affine, Flatten, SoftmaxWithLoss
from fasts2s.models import PictureEncoderDecoder
from fasts2s.optimizers import Adam
from fasts2s.trainer import Trainer
from fasts2s_kernels.arrays import Array

_BATCH, _LR = 64, 0.003
#: From this share of all epochs on the learning rate falls.
_FALLS_FROM = 0.4
#: Pictures that are held out, to count how many are told right.
_HELD_OUT = 1000


class Classifier:
    """The convolutions of a model, and an affine map that tells ``kinds`` things apart: what a trainer needs."""

    def __init__(self, model: PictureEncoderDecoder, kinds: int) -> None:
        encoder, backend = model.encoder, model.backend
        self.backbone, self.flatten, self.loss = encoder.backbone, Flatten(), SoftmaxWithLoss()
        features = encoder.rows * encoder.columns * model.settings.source_size
        self.affine = Affine(*init.affine(features, kinds, backend), backend=backend)
        self.params = self.backbone.params + self.affine.params
        self.grads = self.backbone.grads + self.affine.grads

    def scores(self, x: Array) -> Array:
        """x : pictures (N, C, H, W) -> (N, kinds)."""
        return self.affine.forward(self.flatten.forward(self.backbone.forward(x)))

    def forward(self, x: Array, t: Array) -> Any:
        """Return the loss of a batch with the right kinds t (N,)."""
        return self.loss.forward(self.scores(x), t)

    def backward(self) -> None:
        """Compute all gradients."""
        self.backbone.backward(self.flatten.backward(self.affine.backward(self.loss.backward())))


def _step_done(advance: Callable[[], None], loss: float) -> None:
    advance()


def teach_backbone(
    model: PictureEncoderDecoder, pictures: Array, kinds: Array, count: int, epochs: int, seconds: float
) -> float:
    """Train on pictures (N, C, H, W) of ``count`` kinds (N,).

    Returns the share of some held out that is told right, in percent. No epoch begins after so many seconds.
    """
    held = min(_HELD_OUT, len(pictures) // 5)
    classifier, optimizer = Classifier(model, count), Adam(_LR, backend=model.backend)
    share, started = 0.0, time.perf_counter()
    for epoch in range(epochs):
        optimizer.lr = _LR * (1 - 0.9 * max(0.0, epoch / epochs - _FALLS_FROM) / (1 - _FALLS_FROM))
        began = time.perf_counter()
        with progress_bar((len(pictures) - held) // _BATCH, f"single things {epoch + 1}/{epochs}") as advance:
            trainer = Trainer(classifier, optimizer, on_step=partial(_step_done, advance))
            trainer.fit(pictures[held:], kinds[held:], 1, _BATCH, eval_interval=None)
        share = 100 * float(np.mean(np.asarray(classifier.scores(pictures[:held])).argmax(axis=1) == kinds[:held]))
        print(
            f"single things, epoch {epoch + 1:>2}/{epochs}: {share:.1f} % told right  "
            f"({time.perf_counter() - began:.1f} s)"
        )
        if time.perf_counter() - started > seconds:
            break
    return share

"""An encoder and a decoder for any pairs of sequences, in one class with many options."""

from typing import Any

import numpy as np

from fasts2s._rows import drawn
from fasts2s.backend import BackendLike, get_backend
from fasts2s.layers._transaction import all_or_nothing
from fasts2s.models.base_model import BaseModel, id_matrix
from fasts2s.models.encoder_decoder._decoder import Decoder, DecoderState
from fasts2s.models.encoder_decoder._dropout import Dropper
from fasts2s.models.encoder_decoder._encoder import Encoder, Read
from fasts2s.models.encoder_decoder._loss import SmoothedLoss
from fasts2s.models.encoder_decoder._reading import read
from fasts2s.models.encoder_decoder.settings import PAD, EncoderDecoderSettings
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import flag
from fasts2s_kernels.checks.either import as_integers, beside, saved
from fasts2s_kernels.quiet import quiet

_FIELDS = set(EncoderDecoderSettings.__dataclass_fields__)


class EncoderDecoder(BaseModel):
    """A sequence-to-sequence model whose cell, layers, encoder, bridge, decoder and attention are settings.

    Sources and targets are padded on the right with 0; what is computed for a row does not depend on the others.
    The book's own models are :class:`fasts2s.models.Seq2seq` and its kin.

    Parameters
    ----------
    settings : EncoderDecoderSettings
    """

    #: Whether ``start`` looks at its sources itself: :func:`fasts2s.generation.generate` then hands them on.
    checks_sources = True

    def __init__(self, settings: EncoderDecoderSettings, *, backend: BackendLike | None = None) -> None:
        super().__init__()
        if not isinstance(settings, EncoderDecoderSettings):
            raise ValueError(f"settings is a {type(settings).__name__}, expected EncoderDecoderSettings")
        self.settings, self.backend = settings, get_backend(backend)
        self.encoder, self.decoder = self._encoder(), Decoder(settings, self.backend)
        self.loss_layer = SmoothedLoss(settings.label_smoothing, PAD, self.backend)
        self.params = self.encoder.params + self.decoder.params
        self.grads = self.encoder.grads + self.decoder.grads
        self.config = settings.as_dict()
        self._dropper = Dropper(settings.dropout, settings.variational)
        self._cache: Any = None

    @classmethod
    def of(cls, *, backend: BackendLike | None = None, **settings: Any) -> "EncoderDecoder":
        """Return a model of its ``config``: settings by name, and what the class takes beside them."""
        own = {name: settings.pop(name) for name in set(settings) - _FIELDS}
        return cls(EncoderDecoderSettings(**settings), **own, backend=backend)

    def _encoder(self) -> Any:
        """Return what reads the sources; the rest of the model is the same for all."""
        return Encoder(self.settings, self.backend)

    @quiet
    def forward(self, xs: AnyArray, ts: AnyArray, train_flg: bool = True) -> Any:
        """Return the loss in nats per label that is not padding.

        Parameters
        ----------
        xs : (N, S) ids of the sources, S >= 1
        ts : (N, T) ids of the targets, T >= 2, each beginning with the start mark
        train_flg : bool
            False: nothing is dropped, smoothed or sampled.

        Raises
        ------
        ValueError, IndexError
            Wrong type, dtype or shape; an id out of range.
        """
        (xs, mask), ts, train = self.encoder.checked(xs), self._ids("ts", ts), flag("train_flg", train_flg)
        if len(xs) != len(ts):
            raise ValueError(f"xs and ts have shapes {xs.shape}, {ts.shape}, expected (N, S) and (N, T)")
        parts = [*self.encoder.parts, self.decoder.embed, self.decoder.affine, self.loss_layer, self]
        with all_or_nothing(parts):
            read, reading = self.encoder.forward(xs, mask, self._dropper, train)
            asked = self._inputs(ts, read) if train else ts[:, :-1]
            labels = ts[:, 1:]
            rows = self.decoder.rows(labels, PAD)
            scores, writing = self.decoder.forward(asked, read, self._dropper, train, rows)
            self._cache = (reading, writing)
            wanted = labels if rows is None else labels.reshape(1, -1)[:, rows]
            return self.loss_layer.forward(scores, wanted, None if train else 0.0)

    @quiet
    def backward(self, dout: float = 1) -> None:
        """Compute all gradients of the loss, times dout."""
        reading, writing = saved(self._cache)
        dhs, dstates = self.decoder.backward(self.loss_layer.backward(dout), writing)
        self.encoder.backward(dhs, dstates, reading)

    def _inputs(self, ts: Array, read: Read) -> Array:
        """Return the decoder's inputs (N, T): the labels, some of which are the model's own best words instead."""
        given, share = ts[:, :-1], self.settings.scheduled_sampling
        if share == 0:
            return given
        scores, _ = self.decoder.forward(given, read, self._dropper, False)
        N, T, V = scores.shape
        best = self.backend.kernels_for(scores).argmax(scores.reshape(N * T, V)).reshape(N, T)
        own = np.asarray(drawn(self._dropper.rng.random, (N, T - 1)) < share)
        mixed = beside(best, given).copy()
        mixed[:, 1:] = np.where(beside(best, own) & (mixed[:, 1:] != PAD), best[:, :-1], mixed[:, 1:])
        return mixed

    @quiet
    def start(self, xs: AnyArray) -> DecoderState:
        """xs (N, S) ids of sources -> the state before the first step, for :mod:`fasts2s.generation`."""
        xs, mask = self.encoder.checked(xs)
        return self.decoder.start(read(self.encoder, xs, mask, self._dropper))

    @quiet
    def step(self, ids: AnyArray, state: DecoderState) -> tuple[Array, DecoderState]:
        """ids (N,) of the last words, state -> scores (N, V) of the next, its state. Nothing is kept for backward."""
        if not isinstance(state, DecoderState):
            raise ValueError(f"state is a {type(state).__name__}, expected what start() or the last step() returned")
        ids = as_integers("ids", ids, "(N,)", 1)
        if len(ids) != state.rows:
            raise ValueError(f"ids has shape {ids.shape}, expected (N,) with N = {state.rows} as in the state")
        return self.decoder.step(ids, state)

    def label_count(self, ts: AnyArray) -> int:
        """Return how many labels of ts (N, T) the loss is the mean of: those that are not padding."""
        return int((id_matrix("ts", ts)[:, 1:] != PAD).sum())

    def named_layers(self) -> list[tuple[str, Any]]:
        """Return (name, layer) for every layer with parameters."""
        named: list[tuple[str, Any]] = [*self.encoder.named_layers(), ("decoder TimeEmbedding", self.decoder.embed)]
        kind = self.settings.cell.upper()
        named += [(f"decoder {kind} {k}", layer) for k, layer in enumerate(self.decoder.stack.layers, start=1)]
        if self.decoder.joined is not None:
            named.append((f"decoder attention {self.settings.attention}", self.decoder.joined))
        return [*named, ("decoder TimeAffine", self.decoder.affine)]

    def _ids(self, name: str, ids: AnyArray) -> Array:
        checked = id_matrix(name, ids)
        if checked.shape[1] < 2:
            wanted = "(N, T) with T >= 2: the start mark, and a label"
            raise ValueError(f"{name} has shape {checked.shape}, expected {wanted}")
        return checked

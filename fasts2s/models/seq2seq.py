"""Encoder, decoder and their union. Source: the book, sections 7.2 and 7.3; Sutskever et al. 2014."""

from typing import Any

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.backend import Backend, BackendLike, get_backend
from fasts2s.generation import rows_until
from fasts2s.layers import TimeAffine, TimeEmbedding, TimeLSTM, TimeSoftmaxWithLoss
from fasts2s.layers._embedded_lstm import EmbeddedLSTM
from fasts2s.layers._transaction import all_or_nothing
from fasts2s.models.base_model import BaseModel, id_matrix
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import flag, integer
from fasts2s_kernels.checks.arguments import parts
from fasts2s_kernels.checks.either import beside, weight


def generate_one(decoder: Any, context: AnyArray, start_id: int, sample_size: int) -> list[int]:
    """Return sample_size ids from one encoded source, each the best after the last.

    decoder has ``answer``; context : (1, ...), what its encoder returned. Raises ValueError, IndexError, and
    FloatingPointError where the scores are not finite.
    """
    if context.shape[0] != 1:
        raise ValueError(f"the encoded source has shape {context.shape}, expected one row: use generate_batch")
    answers = decoder.answer(context, np.array([integer("start_id", start_id)]), sample_size)
    return rows_until(answers, None, decoder)[0]


def _padding(pad_id: Any, V: int) -> int | None:
    """Return the id of padding as an int, or raise ValueError for what is no id of the vocabulary."""
    if pad_id is None:
        return None
    pad = integer("pad_id", pad_id)
    if not -V <= pad < V:
        raise ValueError(f"pad_id is {pad}, expected an id of the vocabulary, {-V} to {V - 1}, or None")
    return pad


def require_steps(xs: AnyArray) -> None:
    """Raise ValueError for a source xs (N, T) without a step."""
    if xs.shape[1] == 0:
        raise ValueError(f"xs has shape {xs.shape}, expected (N, T) with T >= 1: nothing to encode")


class Encoder:
    """Embedding and LSTM; the last hidden state is the whole meaning of the source.

    vocab_size V, wordvec_size D, hidden_size H. Parameters: embedding, Wx, Wh, b.
    """

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, *, backend: BackendLike | None = None
    ) -> None:
        V, D, H = init.require_sizes(vocab_size=vocab_size, wordvec_size=wordvec_size, hidden_size=hidden_size)
        be = get_backend(backend)
        self.embed = TimeEmbedding(init.embedding(V, D, be), backend=be)
        self.lstm = TimeLSTM(*init.recurrent(4, D, H, be), stateful=False, backend=be)
        self.params = self.embed.params + self.lstm.params
        self.grads = self.embed.grads + self.lstm.grads
        self.hs: Array | None = None
        self._reader = EmbeddedLSTM(self.embed, self.lstm)

    def forward(self, xs: AnyArray, mask: AnyArray | None = None) -> Array:
        """xs : (N, T) ids, T >= 1; mask : (N, T) bool, False on padding -> last h (N, H). ValueError, IndexError."""
        xs = id_matrix("xs", xs)
        require_steps(xs)
        hs = self._reader.forward(xs, mask)
        self.hs = hs
        return hs[:, -1, :]

    def encode(self, xs: AnyArray, mask: AnyArray | None = None) -> Array:
        """What forward returns, for inference: nothing is kept for backward, the layers' state is not touched."""
        xs = id_matrix("xs", xs)
        require_steps(xs)
        return self._reader.encode(xs, mask)

    def backward(self, dh: AnyArray) -> None:
        """dh : (N, H), the gradient of the last h. Computes all gradients. Raises ValueError."""
        self._reader.backward(None, dh)


class Decoder:
    """A language model that starts from the encoder's h. Parameters: embedding, Wx, Wh, b, affine W, b."""

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, *, backend: BackendLike | None = None
    ) -> None:
        V, D, H = init.require_sizes(vocab_size=vocab_size, wordvec_size=wordvec_size, hidden_size=hidden_size)
        be = get_backend(backend)
        self.backend = be
        self.embed = TimeEmbedding(init.embedding(V, D, be), backend=be)
        self.lstm = TimeLSTM(*init.recurrent(4, D, H, be), stateful=True, backend=be)
        self.affine = TimeAffine(*init.affine(H, V, be), backend=be)
        self.params = self.embed.params + self.lstm.params + self.affine.params
        self.grads = self.embed.grads + self.lstm.grads + self.affine.grads
        self._reader = EmbeddedLSTM(self.embed, self.lstm)

    def forward(self, xs: AnyArray, h: AnyArray, mask: AnyArray | None = None) -> Array:
        """xs : (N, T) ids, h : (N, H) -> scores (N, T, V). mask, of the source, has no part here."""
        with all_or_nothing([self._reader, self.lstm, self.affine]):
            hs = self._reader.forward(xs, h0=weight("h", h, "(N, H)", 2))
            return self.affine.forward(hs)

    def backward(self, dscore: AnyArray) -> Array:
        """dscore : (N, T, V) -> dh (N, H); computes all gradients. Raises ValueError."""
        return self._reader.backward(self.affine.backward(dscore))[0]

    def start(self, h: AnyArray, mask: AnyArray | None = None) -> Any:
        """Return the state before the first step, from h (N, H); for :mod:`fasts2s.generation`."""
        return h, None

    def step(self, ids: AnyArray, state: Any) -> tuple[Array, Any]:
        """One step: ids (N,), state -> scores (N, V), next state. The layers' own state is not touched."""
        h, c = parts("state", state, 2, "start() or the last step()")
        h, c = self._reader.step(ids, h, c)
        return self.affine.step(h)[0], (h, c)

    def answer(self, h: AnyArray, start_ids: AnyArray, length: int, mask: AnyArray | None = None) -> Array:
        """h : (N, H), start_ids : (N,) -> the best ids (N, length), -1 where the best score is not finite."""
        return self._reader.answer(self.affine, start_ids, length, h)

    def generate(self, h: AnyArray, start_id: int, sample_size: int) -> list[int]:
        """h : (1, H) -> sample_size ids, each the best after the last. Raises ValueError, IndexError."""
        return generate_one(self, weight("h", h, "(1, H)", 2), start_id, sample_size)


class Seq2seq(BaseModel):
    """Encoder and decoder trained together.

    Parameters
    ----------
    vocab_size, wordvec_size, hidden_size : int
    pad_id : int or None
        None, as in the book: padding is an ordinary symbol. Else padding with this id is passed over by the encoder,
        gets no attention and does not count in the loss.
    reverse : bool
        Read the source backwards (the book does this to the data).
    """

    encoder: Any
    decoder: Any

    def __init__(
        self,
        vocab_size: int,
        wordvec_size: int,
        hidden_size: int,
        *,
        pad_id: int | None = None,
        reverse: bool = False,
        backend: BackendLike | None = None,
    ) -> None:
        super().__init__()
        V, D, H = init.require_sizes(vocab_size=vocab_size, wordvec_size=wordvec_size, hidden_size=hidden_size)
        be, pad_id = get_backend(backend), _padding(pad_id, V)
        self.backend, self.pad_id, self.reverse = be, pad_id, flag("reverse", reverse)
        self.encoder, self.decoder = self._parts(V, D, H, be)
        self.softmax = TimeSoftmaxWithLoss(backend=be)
        if pad_id is not None:
            self.softmax.ignore_label = pad_id
        self.params = self.encoder.params + self.decoder.params
        self.grads = self.encoder.grads + self.decoder.grads
        self.config = {
            "vocab_size": V,
            "wordvec_size": D,
            "hidden_size": H,
            "pad_id": pad_id,
            "reverse": self.reverse,
        }

    def _parts(self, V: int, D: int, H: int, backend: Backend) -> tuple[Any, Any]:
        return Encoder(V, D, H, backend=backend), Decoder(V, D, H, backend=backend)

    def forward(self, xs: AnyArray, ts: AnyArray) -> Any:
        """Return the loss in nats per counted label.

        Parameters
        ----------
        xs : (N, T_x) ids of the sources
        ts : (N, T_t) ids of the targets, each beginning with the start mark

        Raises
        ------
        ValueError, IndexError
            Wrong type, dtype or shape; an id out of range.
        """
        xs, mask = self._source(xs)
        ts = id_matrix("ts", ts)
        decoder_xs, decoder_ts = ts[:, :-1], ts[:, 1:]
        with all_or_nothing(self._stateful_parts()):
            h = self.encoder.forward(xs, mask)
            score = self.decoder.forward(decoder_xs, h, mask)
            return self.softmax.forward(score, decoder_ts)

    def backward(self, dout: float = 1) -> None:
        """Compute all gradients of the loss, times dout."""
        dscore = self.softmax.backward(dout)
        dh = self.decoder.backward(dscore)
        self.encoder.backward(dh)

    def _stateful_parts(self) -> list[Any]:
        """Return everything that a forward changes."""
        parts = [self.encoder, self.decoder, self.softmax]
        inside = [*vars(self.encoder).values(), *vars(self.decoder).values()]
        return parts + [value for value in inside if hasattr(value, "forward")]

    def _source(self, xs: Any) -> tuple[Array, Array | None]:
        """Return the source in reading order and the mask of what is no padding."""
        xs = id_matrix("xs", xs)
        if self.reverse:
            xs = xs[:, ::-1]
        # The mask moves once for all who read it.
        return xs, None if self.pad_id is None else beside(self.params[0], xs != self.pad_id)

    def generate(self, xs: AnyArray, start_id: int, sample_size: int) -> list[int]:
        """xs : (1, T) ids -> sample_size ids, each the best after the last. ValueError, IndexError for bad input.

        For several sources at once see :meth:`generate_batch`.
        """
        xs = id_matrix("xs", xs, "(1, T)")
        if xs.shape[0] != 1:
            raise ValueError(f"xs has shape {xs.shape}, expected (1, T): use generate_batch for several sources")
        return self.generate_batch(xs, start_id, sample_size)[0]

    def generate_batch(
        self, xs: AnyArray, start_id: int, sample_size: int, *, stop_id: int | None = None
    ) -> list[list[int]]:
        """Answer a whole batch at once.

        Parameters
        ----------
        xs : (N, T) ids of the sources
        start_id : int
            The start mark.
        sample_size : int
            The most ids per answer.
        stop_id : int or None
            An answer ends with this id.

        Returns
        -------
        list of N lists of int
            The same answers as one by one, up to ties within rounding.

        Raises
        ------
        ValueError, IndexError
            Wrong type, dtype or shape; an id out of range.
        FloatingPointError
            The scores are not finite; the message names the parameters that are not.
        """
        stop = None if stop_id is None else integer("stop_id", stop_id)
        xs, mask = self._source(xs)
        starts = np.full(xs.shape[0], integer("start_id", start_id))
        length = integer("sample_size", sample_size, 0)
        answers = self.decoder.answer(self.encoder.encode(xs, mask), starts, length, mask)
        return rows_until(answers, stop, self)

    def label_count(self, ts: AnyArray) -> int:
        """Return how many labels of ts (N, T_t) the loss is the mean of: all but the start mark and padding."""
        return int((id_matrix("ts", ts)[:, 1:] != self.softmax.ignore_label).sum())

    def named_layers(self) -> list[tuple[str, Any]]:
        """Return (name, layer) for every layer with parameters."""
        encoder = [("encoder", self.encoder.embed), ("encoder", self.encoder.lstm)]
        decoder = [("decoder", self.decoder.embed), ("decoder", self.decoder.lstm), ("decoder", self.decoder.affine)]
        return [(f"{part} {type(layer).__name__}", layer) for part, layer in encoder + decoder]

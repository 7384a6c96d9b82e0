"""Recurrent language models. Source: the book, sections 5.5, 6.4, 6.5 and 7.1."""

import math
from collections.abc import Iterable
from typing import Any

from fasts2s import initial_weights as init
from fasts2s.backend import Backend, BackendLike, get_backend
from fasts2s.layers import (
    TimeAffine,
    TimeDropout,
    TimeEmbedding,
    TimeGRU,
    TimeLSTM,
    TimeRNN,
    TimeSoftmaxWithLoss,
)
from fasts2s.layers._transaction import all_or_nothing
from fasts2s.models._words import Stack, generate_words
from fasts2s.models.base_model import BaseModel
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import flag
from fasts2s_kernels.checks.arguments import one_of, parts
from fasts2s_kernels.checks.either import as_array, require_real

#: Layers that a text can be made beside.
_PLAIN = (TimeEmbedding, TimeDropout, TimeLSTM, TimeAffine)


class _LanguageModel(BaseModel):
    """What the language models share: a stack of layers and a loss."""

    def __init__(self, layers: list[Any], backend: Backend) -> None:
        super().__init__()
        self.backend = backend
        self.layers = layers
        self.loss_layer = TimeSoftmaxWithLoss(backend=backend)
        for layer in layers:
            self.params += layer.params
            self.grads += layer.grads

    def predict(self, xs: AnyArray) -> Array:
        """xs : (N, T) ids -> scores (N, T, V), carrying the state on. Raises ValueError, IndexError."""
        with all_or_nothing(self.layers):
            for layer in self.layers:
                xs = layer.forward(xs)
        return xs

    def forward(self, xs: AnyArray, ts: AnyArray) -> Any:
        """xs, ts : (N, T) ids -> loss in nats per label. Raises ValueError, IndexError."""
        with all_or_nothing([*self.layers, self.loss_layer]):
            return self.loss_layer.forward(self.predict(xs), ts)

    def backward(self, dout: float = 1) -> None:
        """Compute all gradients of the loss, times dout."""
        dscore = self.loss_layer.backward(dout)
        for layer in reversed(self.layers):
            dscore = layer.backward(dscore)

    def label_count(self, ts: AnyArray) -> int:
        """Return how many labels of ts, (N, T) or one-hot (N, T, V), the loss is the mean of."""
        labels: Array = as_array("ts", ts, "labels (N, T) or one-hot labels (N, T, V)")
        require_real("ts", labels)
        counted: Array = labels != self.loss_layer.ignore_label
        return int(counted.sum()) if labels.ndim < 3 else math.prod(labels.shape[:2])

    def named_layers(self) -> list[tuple[str, Any]]:
        """Return (name, layer) for every layer with parameters."""
        return [(type(layer).__name__, layer) for layer in self.layers if layer.params]

    def reset_state(self) -> None:
        """Forget the state of all layers that have one. Raises ValueError for a stateful layer that cannot."""
        for k, layer in enumerate(self.layers):
            if getattr(layer, "stateful", False) and not hasattr(layer, "reset_state"):
                kind = type(layer).__name__
                raise ValueError(f"layers[{k}] is a {kind}, stateful, but has no reset_state(), expected that it has")
        for layer in self.layers:
            if hasattr(layer, "reset_state"):
                layer.reset_state()

    def step(self, ids: AnyArray, state: Any) -> tuple[Array, Any]:
        """One step for :mod:`fasts2s.generation`: ids (N,), state or None for zero -> scores (N, V), next state.

        Runs beside the layers: their own state is neither read nor written. Every layer takes part, by its
        ``step(x, state)``, whose state is None at first. Raises ValueError for a layer that has none: one that reads
        the text backwards too, or a reader's own.
        """
        for k, layer in enumerate(self.layers):
            if not hasattr(layer, "step"):
                kind = type(layer).__name__
                raise ValueError(
                    f"layers[{k}] is a {kind}, which has no step(x, state), expected one that returns the output and "
                    "the next state: without it the model cannot go on word by word. Add step(self, x, state) to "
                    f"{kind}: x is one time step, (N, D), and state what the last step returned, None at first"
                )
        count = len(self.layers)
        states = [None] * count if state is None else parts("state", state, count, "the last step()")
        out = ids
        for k, layer in enumerate(self.layers):
            made = layer.step(out, states[k])
            if not isinstance(made, tuple) or len(made) != 2:  # an array of two rows would be taken apart, unnoticed
                kind = type(layer).__name__
                raise ValueError(
                    f"step() of layers[{k}], a {kind}, returned a {_kind(made)}, expected a pair: its output, state"
                )
            out, states[k] = made
        return out, states


class SimpleRnnlm(_LanguageModel):
    """Embedding, RNN, affine. V, D, H: vocabulary, word vector and hidden size."""

    def __init__(
        self, vocab_size: int, wordvec_size: int, hidden_size: int, *, backend: BackendLike | None = None
    ) -> None:
        V, D, H = init.require_sizes(vocab_size=vocab_size, wordvec_size=wordvec_size, hidden_size=hidden_size)
        b = get_backend(backend)
        embed = TimeEmbedding(init.embedding(V, D, b), backend=b)
        rnn = TimeRNN(*init.recurrent(1, D, H, b), stateful=True, backend=b)
        super().__init__([embed, rnn, TimeAffine(*init.affine(H, V, b), backend=b)], b)
        self.rnn_layer = rnn
        self.config = {"vocab_size": V, "wordvec_size": D, "hidden_size": H}


class Rnnlm(_LanguageModel):
    """Embedding, LSTM, affine. V, D, H: vocabulary, word vector and hidden size."""

    def __init__(
        self,
        vocab_size: int = 10000,
        wordvec_size: int = 100,
        hidden_size: int = 100,
        *,
        backend: BackendLike | None = None,
    ) -> None:
        V, D, H = init.require_sizes(vocab_size=vocab_size, wordvec_size=wordvec_size, hidden_size=hidden_size)
        b = get_backend(backend)
        embed = TimeEmbedding(init.embedding(V, D, b), backend=b)
        lstm = TimeLSTM(*init.recurrent(4, D, H, b), stateful=True, backend=b)
        super().__init__([embed, lstm, TimeAffine(*init.affine(H, V, b), backend=b)], b)
        self.lstm_layer = lstm
        self.config = {"vocab_size": V, "wordvec_size": D, "hidden_size": H}


class _WithDropout(_LanguageModel):
    """What the language models with dropout share."""

    drop_layers: list[TimeDropout]

    def predict(self, xs: AnyArray, train_flg: bool = False) -> Array:
        """xs : (N, T) ids -> scores (N, T, V); train_flg switches dropout on. Raises ValueError, IndexError."""
        with all_or_nothing(self.layers):
            for layer in self.drop_layers:
                layer.train_flg = flag("train_flg", train_flg)
            return super().predict(xs)

    def forward(self, xs: AnyArray, ts: AnyArray, train_flg: bool = True) -> Any:
        """xs, ts : (N, T) ids -> loss in nats per label. Raises ValueError, IndexError."""
        with all_or_nothing([*self.layers, self.loss_layer]):
            return self.loss_layer.forward(self.predict(xs, train_flg), ts)


class BetterRnnlm(_WithDropout):
    """Two LSTM layers, dropout before, between and after them, output weights tied to the embedding.

    Sources: the book, section 6.5; Zaremba et al. 2014 (arXiv:1409.2329), Press and Wolf 2016 (arXiv:1608.05859).
    wordvec_size must equal hidden_size, because the matrix is shared.
    """

    def __init__(
        self,
        vocab_size: int = 10000,
        wordvec_size: int = 650,
        hidden_size: int = 650,
        dropout_ratio: float = 0.5,
        *,
        backend: BackendLike | None = None,
    ) -> None:
        V, D, H = init.require_sizes(vocab_size=vocab_size, wordvec_size=wordvec_size, hidden_size=hidden_size)
        if D != H:
            raise ValueError(
                f"wordvec_size is {D}, expected hidden_size = {H}: the embedding matrix is also the output matrix"
            )
        b = get_backend(backend)
        embed_W = init.embedding(V, H, b)
        lstm1, lstm2 = (
            TimeLSTM(*init.recurrent(4, H, H, b), stateful=True, backend=b),
            TimeLSTM(*init.recurrent(4, H, H, b), stateful=True, backend=b),
        )
        drops = [TimeDropout(dropout_ratio, backend=b) for _ in range(3)]
        affine = TimeAffine(embed_W.T, init.zeros(V, b), backend=b)  # weight tying
        embed = TimeEmbedding(embed_W, backend=b)
        super().__init__([embed, drops[0], lstm1, drops[1], lstm2, drops[2], affine], b)
        self.lstm_layers, self.drop_layers = [lstm1, lstm2], drops
        sizes = {"vocab_size": V, "wordvec_size": H, "hidden_size": H}
        self.config = {**sizes, "dropout_ratio": drops[0].dropout_ratio}


class StackedRnnlm(_WithDropout):
    """A language model of any number of layers of one cell, with dropout before, between and after them.

    Parameters
    ----------
    vocab_size, wordvec_size, hidden_size : int
        V, D, H.
    cell : "lstm", "gru" or "rnn"
    layers : int
    dropout_ratio : float
        Share of units left out in training.
    tied : bool
        The output's weights are the word vectors (Press and Wolf 2016); then D must be H.
    """

    def __init__(
        self,
        vocab_size: int,
        wordvec_size: int = 128,
        hidden_size: int = 128,
        *,
        cell: str = "lstm",
        layers: int = 1,
        dropout_ratio: float = 0.0,
        tied: bool = False,
        backend: BackendLike | None = None,
    ) -> None:
        V, D, H = init.require_sizes(vocab_size=vocab_size, wordvec_size=wordvec_size, hidden_size=hidden_size)
        cell, layers, tied = one_of("cell", cell, tuple(_CELLS)), init.require_layers(layers), flag("tied", tied)
        if tied and D != H:
            raise ValueError(f"wordvec_size is {D}, expected hidden_size = {H} where tied is True")
        b = get_backend(backend)
        embed = TimeEmbedding(init.embedding(V, D, b), backend=b)
        kind, gates, inputs = _CELLS[cell], init.GATES[cell], [D, *[H] * (layers - 1)]
        cells = [kind(*init.recurrent(gates, size, H, b), stateful=True, backend=b) for size in inputs]
        self.drop_layers = [TimeDropout(dropout_ratio, backend=b) for _ in range(layers + 1)]
        output = (embed.W.T, init.zeros(V, b)) if tied else init.affine(H, V, b)
        mixed = [layer for pair in zip(self.drop_layers, cells, strict=False) for layer in pair]
        super().__init__([embed, *mixed, self.drop_layers[-1], TimeAffine(*output, backend=b)], b)
        sizes = {"vocab_size": V, "wordvec_size": D, "hidden_size": H}
        options = {"cell": cell, "layers": layers, "dropout_ratio": self.drop_layers[0].dropout_ratio, "tied": tied}
        self.config = {**sizes, **options}


_CELLS: dict[str, Any] = {"lstm": TimeLSTM, "gru": TimeGRU, "rnn": TimeRNN}


def _stack(model: Any) -> Stack | None:
    """Return what makes the words of a text beside the layers of a model; None: they have to."""
    names = [type(layer).__name__ if type(layer) in _PLAIN else "" for layer in model.layers]
    as_ours = type(model).predict in (_LanguageModel.predict, _WithDropout.predict)
    return (
        Stack(model.backend.kernels(), model.layers, names) if as_ours and Stack.fits(model.layers, names) else None
    )


def _kind(value: Any) -> str:
    return f"{type(value).__name__} of {len(value)}" if isinstance(value, list | tuple) else type(value).__name__


def _state_pair(name: str, state: Any) -> Any:
    if not isinstance(state, list | tuple) or len(state) != 2:
        raise ValueError(f"{name} is {_kind(state)}, expected a pair (h, c) as get_state returns it")
    return state


class RnnlmGen(Rnnlm):
    """Rnnlm that generates text."""

    def generate(
        self,
        start_id: int,
        skip_ids: Iterable[int] | None = None,
        sample_size: int = 100,
        stop_id: int | None = None,
    ) -> list[int]:
        """Return sample_size word ids that begin with start_id, drawn with ``numpy.random.choice``.

        Same ids as the book's method under the same seed and weights: a word of skip_ids is rejected, the model runs
        once more on the last word and a new one is drawn. (:func:`fasts2s.generation.sample` masks instead.)

        Parameters
        ----------
        start_id : int
        skip_ids : iterable of int or None
            Words that must not appear. ValueError if nothing else is left; the book loops for ever.
        sample_size : int
            The number of ids, start_id included.
        stop_id : int or None
            End with this word (the book has no such argument).
        """
        return generate_words(self, start_id, skip_ids, sample_size, stop_id, _stack(self))

    def get_state(self) -> tuple[Array, Array]:
        """Return (h, c), each (N, H): references that later calls do not change."""
        return self.lstm_layer.h, self.lstm_layer.c

    def set_state(self, state: tuple[Array, Array]) -> None:
        """Set (h, c), as get_state returned it."""
        self.lstm_layer.set_state(*_state_pair("state", state))


class BetterRnnlmGen(BetterRnnlm):
    """BetterRnnlm that generates text."""

    def generate(
        self,
        start_id: int,
        skip_ids: Iterable[int] | None = None,
        sample_size: int = 100,
        stop_id: int | None = None,
    ) -> list[int]:
        """Return sample_size word ids that begin with start_id; see :meth:`RnnlmGen.generate`."""
        return generate_words(self, start_id, skip_ids, sample_size, stop_id, _stack(self))

    def get_state(self) -> list[tuple[Array, Array]]:
        """Return [(h, c), (h, c)], each (N, H): references that later calls do not change."""
        return [(layer.h, layer.c) for layer in self.lstm_layers]

    def set_state(self, states: list[tuple[Array, Array]]) -> None:
        """Set the states of both LSTM layers, as get_state returned them."""
        if not isinstance(states, list | tuple) or len(states) != len(self.lstm_layers):
            raise ValueError(f"states is {_kind(states)}, expected a list of {len(self.lstm_layers)} pairs (h, c)")
        pairs = [_state_pair("a state", state) for state in states]
        for layer, pair in zip(self.lstm_layers, pairs, strict=True):
            layer.set_state(*pair)

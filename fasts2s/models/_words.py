"""Text word by word, drawn as the book draws it. Source: the book, section 7.1."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s.generation import sample_row
from fasts2s.layers import softmax
from fasts2s_kernels import Kernels
from fasts2s_kernels.checks import integer, integers
from fasts2s_kernels.contract import Array
from fasts2s_kernels.quiet import quiet


def _state(layer: Any) -> tuple[Array, Array]:
    """Return (h, c) of an LSTM layer, each (1, H), zeros where there is none yet."""
    Wh = layer.params[1]
    zeros = np.zeros_like(Wh, shape=(1, Wh.shape[0]))
    return zeros if layer.h is None else layer.h, zeros if layer.c is None else layer.c


class Stack:
    """An embedding, LSTMs and an affine map, one word at a time, beside their layers: these stay what they are.

    Parameters
    ----------
    kernels
        What computes.
    layers, names
        The layers of a model, ours or the book's, and of which kind each of them is: the name of its class. Dropout
        does nothing while a text is made.
    """

    def __init__(self, kernels: Kernels, layers: Sequence[Any], names: Sequence[str]) -> None:
        self.kernels = kernels
        self.embed_W: Array = layers[0].params[0]
        self.affine_W, self.affine_b = layers[-1].params
        self.lstms = [layer for layer, name in zip(layers, names, strict=True) if name == "TimeLSTM"]
        #: (h, c) of each LSTM, and what they were before the last word; at first those of the layers.
        self.states = self.before = [_state(layer) for layer in self.lstms]

    @staticmethod
    def fits(layers: Sequence[Any], names: Sequence[str]) -> bool:
        """Whether layers are such a stack, on the host, and keep their state from word to word."""
        inner = list(zip(layers, names, strict=True))[1:-1]
        return (
            [*names[:1], *names[-1:]] == ["TimeEmbedding", "TimeAffine"]
            and all(name == "TimeDropout" or (name == "TimeLSTM" and layer.stateful) for layer, name in inner)
            and type(layers[0].params[0]) is np.ndarray
        )

    def scores(self, x: int) -> Array:
        """Return the scores (1, V) of what follows the word x."""
        row, self.before, states = self.embed_W[x][None], self.states, []
        for layer, (h, c) in zip(self.lstms, self.states, strict=True):
            Wx, Wh, b = layer.params
            row, c = self.kernels.lstm_step(row, Wx, Wh, b, h=h, c=c)
            states.append((row, c))
        self.states = states
        return self.kernels.affine_forward(row, self.affine_W, self.affine_b)

    def put_back(self) -> None:
        """Give the layers the states they would have before the last word."""
        for layer, state in zip(self.lstms, self.before, strict=True):
            layer.set_state(*state)


def generate_words(
    model: Any,
    start_id: int,
    skip_ids: Iterable[int] | None,
    sample_size: int,
    stop_id: int | None = None,
    stack: Stack | None = None,
) -> list[int]:
    """Draw words one by one in the book's order of random numbers; see RnnlmGen.generate.

    With a stack only the first and the last scores come from ``model.predict``: these leave in the layers what all
    of them would. Where the first ones are not those of the stack, all of them do.
    """
    skip, sample_size = set(integers("skip_ids", skip_ids)), integer("sample_size", sample_size, 0)
    x, stop = integer("start_id", start_id), None if stop_id is None else integer("stop_id", stop_id)
    text, source = [x], _Scores(model, stack)
    try:
        while len(text) < sample_size and (len(text) == 1 or x != stop):
            scores = source.after(x)
            sampled = sample_row(scores, f"word {len(text)}", model)
            if sampled not in skip:
                x = sampled
                text.append(x)
            elif not _may_follow(to_cpu(scores)[0], skip):
                raise ValueError(
                    f"skip_ids hold every word that can follow {x}, expected one more: nothing to choose"
                )
    finally:
        source.settle()
    return text


class _Scores:
    """Where the scores of the next word come from."""

    def __init__(self, model: Any, stack: Stack | None) -> None:
        self.model, self.stack, self.first = model, stack, True
        self.last: int | None = None  # the word whose scores the stack made last

    def after(self, x: int) -> Array:
        """Return scores (1, V)."""
        if self.stack is not None and not self.first:
            self.last = x
            return self.stack.scores(x)
        found: Array = self.model.predict(np.array([[x]])).reshape(1, -1)
        if self.first and self.stack is not None and not _alike(self.stack.scores(x), found):
            self.stack = None
        self.first = False
        return found

    def settle(self) -> None:
        """Leave the layers as if all scores had come from them."""
        if self.stack is not None and self.last is not None:
            self.stack.put_back()
            self.model.predict(np.array([[self.last]]))


@quiet
def _alike(a: Array, b: Array) -> bool:
    """Whether scores are the same but for rounding."""
    return a.shape == b.shape and bool(np.abs(a - b).max() <= 1e-4 * np.abs(b).max())


def _may_follow(scores: Array, skip: set[int]) -> bool:
    """Whether a word that is not skipped has a probability above 0."""
    return bool(np.delete(softmax(scores), [i for i in skip if 0 <= i < scores.size]).any())

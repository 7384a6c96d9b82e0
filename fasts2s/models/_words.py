"""Text word by word, drawn as the book draws it. Source: the book, section 7.1."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s.generation import not_finite, sample_row
from fasts2s.layers import softmax
from fasts2s_kernels.arrays import Array, Kernels
from fasts2s_kernels.checks import integer, integers
from fasts2s_kernels.quiet import quiet

#: The most words that are made in one call, which nothing can interrupt.
_MOST = 100


def _states(lstms: list[Any], which: str) -> Array:
    """Return the h or the c of LSTM layers side by side, (2, K), both rows alike; zeros where there is none yet."""
    parts = []
    for layer in lstms:
        Wh, state = layer.params[1], getattr(layer, which)
        parts.append(np.zeros_like(Wh, shape=Wh.shape[0]) if state is None else np.ravel(state))
    return np.stack([np.concatenate(parts or [np.zeros(0, np.float32)])] * 2)


class Stack:
    """An embedding, LSTMs and an affine map that make words beside their layers: these stay what they are.

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
        self.affine = layers[-1].params
        self.lstms = [layer for layer, name in zip(layers, names, strict=True) if name == "TimeLSTM"]
        self.weights = [p for layer in self.lstms for p in layer.params]
        #: The states of all LSTMs side by side, (2, K): before the last step, and after it; None before the first.
        self.h: Any = None
        self.c: Any = None

    @staticmethod
    def fits(layers: Sequence[Any], names: Sequence[str]) -> bool:
        """Whether layers are such a stack, on the host, and keep their state from word to word."""
        inner = list(zip(layers, names, strict=True))[1:-1]
        return (
            [*names[:1], *names[-1:]] == ["TimeEmbedding", "TimeAffine"]
            and all(name == "TimeDropout" or (name == "TimeLSTM" and layer.stateful) for layer, name in inner)
            and type(layers[0].params[0]) is np.ndarray
        )

    def draw(self, x: int, uniforms: Array, banned: Array | None = None, stop: int = -1) -> tuple[Array, Array]:
        """Return the ids drawn after the word x, one for each step that was made, and the last scores (1, V).

        See ``lstm_text`` of the contract. The first step goes on from the states of the layers.
        """
        if self.h is None:
            self.h, self.c = _states(self.lstms, "h"), _states(self.lstms, "c")
        ids, self.h, self.c, scores = self.kernels.lstm_text(
            self.embed_W, x, self.weights, *self.affine, h=self.h[1], c=self.c[1], uniforms=uniforms,
            banned=banned, stop_id=stop,
        )  # fmt: skip
        return ids[ids != -2], scores[None]

    def put_back(self) -> None:
        """Give the layers the states they would have before the last word."""
        place = 0
        for layer in self.lstms:
            part = slice(place, place + layer.params[1].shape[0])
            layer.set_state(self.h[:1, part], self.c[:1, part])
            place = part.stop


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
    text, source = [x], _Source(model, stack, skip, stop)
    try:
        while len(text) < sample_size and (len(text) == 1 or x != stop):
            draws = source.after(text, sample_size - len(text))
            for drawn in draws:
                if drawn < 0:
                    raise not_finite(f"word {len(text)}", model)
                if drawn not in skip:
                    text.append(drawn)
            x = text[-1]
            if draws[-1] in skip and not _may_follow(to_cpu(source.scores)[0], skip):
                raise ValueError(
                    f"skip_ids hold every word that can follow {x}, expected one more: nothing to choose"
                )
    finally:
        source.settle()
    return text


class _Source:
    """Where words are drawn: from the scores of the model, or by a stack."""

    def __init__(self, model: Any, stack: Stack | None, skip: set[int], stop: int | None) -> None:
        self.model, self.stack, self.is_first = model, stack, True
        self.skip, self.stop = skip, -1 if stop is None else stop
        self.scores: Any = None  # of the last draw, (1, V)
        self.followed: int | None = None  # the word that the last draw of the stack followed

    def after(self, text: list[int], wanted: int) -> list[int]:
        """Draw one or more of so many words that are wanted; return all draws, a -1 where none was possible."""
        if self.stack is not None and not self.is_first:
            return self._by_stack(self.stack, text[-1], min(wanted, _MOST))
        expected = self._expected(text[-1]) if self.is_first else None
        self.scores = self.model.predict(np.array([[text[-1]]])).reshape(1, -1)
        if self.is_first and (expected is None or not _alike(expected, self.scores)):
            self.stack = None
        self.is_first = False
        return [sample_row(self.scores, f"word {len(text)}", self.model)]

    def _expected(self, x: int) -> Array | None:
        """Return the first scores by the stack; None where there is none, or one that kernels refuse."""
        try:
            return None if self.stack is None else self.stack.draw(x, np.zeros(1))[1]
        except (ValueError, IndexError):  # what the model says of it counts
            return None

    def _by_stack(self, stack: Stack, x: int, count: int) -> list[int]:
        """Draw with so many numbers of NumPy's global generator, or as many of them as there are steps."""
        before = np.random.get_state(legacy=False)
        uniforms = np.random.random_sample(count)
        ids, self.scores = stack.draw(x, uniforms, self._banned(), self.stop)
        if ids.size < count:
            np.random.set_state(before)
            np.random.random_sample(ids.size)
        draws: list[int] = ids.tolist()
        self.followed = next((drawn for drawn in reversed(draws[:-1]) if drawn not in self.skip), x)
        return draws

    def _banned(self) -> Array | None:
        V = self.scores.shape[1]
        here = [k for k in self.skip if 0 <= k < V]
        return np.bincount(here, minlength=V) > 0 if here else None

    def settle(self) -> None:
        """Leave the layers as if all scores had come from them."""
        if self.stack is not None and self.followed is not None:
            self.stack.put_back()
            self.model.predict(np.array([[self.followed]]))


@quiet
def _alike(a: Array, b: Array) -> bool:
    """Whether scores are the same but for rounding."""
    return a.shape == b.shape and bool(np.abs(a - b).max() <= 1e-4 * np.abs(b).max())


def _may_follow(scores: Array, skip: set[int]) -> bool:
    """Whether a word that is not skipped has a probability above 0."""
    return bool(np.delete(softmax(scores), [i for i in skip if 0 <= i < scores.size]).any())

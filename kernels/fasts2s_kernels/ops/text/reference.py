"""A text drawn word by word, one step at a time."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.ops.affine.reference import affine_forward
from fasts2s_kernels.ops.decoding.reference import sample
from fasts2s_kernels.ops.lstm.reference import lstm_step
from fasts2s_kernels.ops.text.inputs import Inputs, checked
from fasts2s_kernels.quiet import quiet

#: In the place of an id: there were no probabilities; the text had ended.
NOTHING, ENDED = -1, -2


class Steps(NamedTuple):
    """The functions of a backend that a step is made of."""

    lstm_step: Callable[..., tuple[Array, Array]]
    affine_forward: Callable[..., Array]
    sample: Callable[..., Array]


def lstm_text(
    W: Array,
    start_id: int,
    layers: list[Array],
    W_out: Array,
    b_out: Array | None,
    *,
    h: Array,
    c: Array,
    uniforms: Array,
    banned: Array | None = None,
    stop_id: int = -1,
) -> tuple[Array, Array, Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_text`."""
    a = checked(W, start_id, layers, W_out, b_out, h, c, uniforms, banned, stop_id)
    ids, *others = text(a, Steps(lstm_step, affine_forward, sample))
    return np.array(ids, np.int64), *others


@quiet
def text(a: Inputs, run: Steps) -> tuple[list[int], Array, Array, Array]:
    """Draw a text from checked inputs; ids are a list, for each of them is looked at."""
    ids, word = [ENDED] * a.uniforms.size, a.word
    states = before = [(a.h[None, lstm.part], a.c[None, lstm.part]) for lstm in a.lstms]
    scores = np.zeros_like(a.W_out, shape=(1, a.W.shape[0]))
    for t in range(len(ids)):
        before, states, row = states, [], a.W[word][None]
        for lstm, (h, c) in zip(a.lstms, before, strict=True):
            row, c = run.lstm_step(row, lstm.Wx, lstm.Wh, lstm.b, h=h, c=c)
            states.append((row, c))
        scores = run.affine_forward(row, a.W_out, a.b_out)
        ids[t] = int(run.sample(scores, a.uniforms[t : t + 1])[0]) if np.isfinite(scores.max()) else NOTHING
        if ids[t] == NOTHING or not _goes_on(a, ids[t], scores[0]):
            break
        word = word if _is_banned(a, ids[t]) else ids[t]
    return ids, _side_by_side(a, before, states, 0), _side_by_side(a, before, states, 1), scores[0]


def _is_banned(a: Inputs, word: int) -> bool:
    return a.banned is not None and bool(a.banned[word])


def _goes_on(a: Inputs, word: int, scores: Array) -> bool:
    """Whether the text goes on after a word was drawn from scores (V,)."""
    if a.banned is None or not a.banned[word]:
        return word != a.stop
    return bool((np.exp(scores - scores.max())[~a.banned] > 0).any())


def _side_by_side(a: Inputs, before: Any, after: Any, which: int) -> Array:
    """Return the h (0) or c (1) of all LSTMs before and after a step, (2, K)."""
    none = np.zeros_like(a.W, shape=(1, 0))
    return np.concatenate([np.concatenate([none, *(s[which] for s in states)], axis=1) for states in (before, after)])

"""Is a reader's sampler the book's? It draws with ``np.random.choice``, and what it asks of it can be heard.

What is let through makes its shares by arithmetic alone, see :mod:`fasts2s.dropin.recognise.reading`. Here it is
tried whether it asks for as many words, of the same shares to the bit, as often and in the same order; whether what
it returns is what it was given; and whether nothing else is drawn, changed or kept. How the shares are counted is
its own affair: its constructor stays.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import Parameter, signature
from types import FunctionType
from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array

#: The attributes of a sampler, and all that its method may ask for.
ATTRIBUTES = frozenset({"sample_size", "vocab_size", "word_p"})
#: Words, rows, words that are drawn for each.
_SIZES = ((9, 6, 3), (40, 5, 7), (6, 1, 1), (13, 17, 5), (4, 3, 2), (300, 12, 5))
_CHOICE = signature(lambda a, size=None, replace=True, p=None: None)
_Asked = list[tuple[Any, ...]]


def difference(found: type, method: FunctionType) -> str:
    """Return how a sampler differs from the book's, in words; or ""."""
    parameters = list(signature(method).parameters.values())
    plain = all(p.kind is Parameter.POSITIONAL_OR_KEYWORD and p.default is Parameter.empty for p in parameters)
    if len(parameters) != 2 or not plain:
        return f"{method.__name__} takes other arguments than the book's"
    for k, (V, N, size) in enumerate(_SIZES):
        for kind in (np.int64, np.int32):
            try:
                said = _tried(found, method, np.random.default_rng(k), (V, N, size), kind)
            except Exception as error:
                return f"it cannot be tried ({type(error).__name__}: {error})"
            if said:
                return said
    return ""


def _tried(found: type, method: FunctionType, rng: Any, sizes: tuple[int, int, int], kind: type) -> str:
    V, _, size = sizes
    sampler: Any = object.__new__(found)
    p = rng.random(V) ** 3
    p[rng.permutation(V)[: max(0, V - size - 2) // 3]] = 0  # words that the text has not
    vars(sampler).update(sample_size=size, vocab_size=V, word_p=p / p.sum())
    for turn in range(3):
        targets = rng.integers(0, V, sizes[1]).astype(kind)
        said = _difference(sampler, method, targets, turn)
        if said:
            return said
        sampler.word_p[...] = np.roll(sampler.word_p, 1)  # who keeps something of it is found out
        if turn == 1:
            sampler.word_p = np.append(sampler.word_p, 0.5)  # adds up to more than one
            sampler.vocab_size += 1
            sampler.sample_size = max(1, size - 1)
    return ""


def _difference(sampler: Any, method: FunctionType, targets: Array, seed: int) -> str:
    kept, given = dict(vars(sampler)), targets.copy()
    p = sampler.word_p.copy()
    with _heard() as asked:
        np.random.seed(seed)
        out = method(sampler, targets)
        after = np.random.random_sample()
    np.random.seed(seed)
    wanted, rows = _wanted(p, sampler.sample_size, given)
    if len(asked) != len(wanted) or not all(_same(*pair) for pair in zip(asked, wanted, strict=True)):
        return "what it asks np.random.choice for differs"
    if after != np.random.random_sample():
        return "random numbers that it draws"
    if type(out) is not np.ndarray or out.dtype != np.int32 or not np.array_equal(out, rows):
        return "the words that it returns differ"
    changed = vars(sampler).keys() != kept.keys() or any(vars(sampler)[name] is not kept[name] for name in kept)
    if changed or not np.array_equal(p, sampler.word_p) or not np.array_equal(targets, given):
        return "it changes something"
    return "" if out.flags.c_contiguous and out.flags.owndata else "the array that it returns is another kind of one"


def _wanted(word_p: Array, size: int, targets: Array) -> tuple[_Asked, Array]:
    """Return what the book asks for, and what it gets."""
    asked: _Asked = []
    rows = np.empty((len(targets), size), np.int32)
    for row, word in enumerate(targets):
        p = word_p.copy()
        p[word] = 0
        p /= p.sum()
        asked.append((len(p), size, False, p))
        rows[row] = np.random.choice(len(p), size, False, p)
    return asked, rows


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    *what, p = one
    *wanted, expected = other
    kinds = [type(value) for value in what] == [int, int, bool]
    return kinds and what == wanted and type(p) is np.ndarray and p.tobytes() == expected.tobytes()


@contextmanager
def _heard() -> Iterator[_Asked]:
    """Hear what np.random.choice is asked for."""
    asked: _Asked = []
    choice: Callable[..., Any] = np.random.choice

    def hear(*args: Any, **kwargs: Any) -> Any:
        given = _CHOICE.bind(*args, **kwargs)
        given.apply_defaults()
        *what, p = given.args
        asked.append((*what, p.copy() if isinstance(p, np.ndarray) else p))
        return choice(*args, **kwargs)

    np.random.choice = hear
    try:
        yield asked
    finally:
        np.random.choice = choice

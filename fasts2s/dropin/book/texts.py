"""The book's functions of chapters 2 to 4 that take words one by one, with whole arrays: the same results to the bit.

Of what they are not made for they say so, and the book's own code runs.
"""

from itertools import repeat
from types import FunctionType
from typing import Any

import numpy as np

from fasts2s.dropin.errors import LeftToTheBookError
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.quiet import quiet


def _require(ok: Any) -> None:
    if not ok:
        raise LeftToTheBookError


def _is_ids(a: Any, *dimensions: int) -> bool:
    return type(a) is np.ndarray and a.ndim in dimensions and a.dtype.kind in "iu" and a.size > 0


def create_contexts_target(corpus: Array, window_size: int = 1) -> tuple[Array, Array]:
    """Return for every word that has as many neighbours those neighbours (n, 2 window_size), and itself (n,)."""
    _require(_is_ids(corpus, 1) and type(window_size) is int)
    count = len(corpus) - 2 * window_size
    _require(window_size > 0 and count > 0)
    around = [k for k in range(2 * window_size + 1) if k != window_size]
    contexts = np.empty((count, len(around)), corpus.dtype)
    for column, k in enumerate(around):
        contexts[:, column] = corpus[k : k + count]
    return contexts, corpus[window_size:-window_size].copy()


def convert_one_hot(corpus: Array, vocab_size: int) -> Array:
    """Return ids (N,) or (N, C) as rows of zeros with a one, (N, V) or (N, C, V) int32."""
    _require(_is_ids(corpus, 1, 2))
    one_hot = np.zeros((*corpus.shape, vocab_size), np.int32)
    one_hot.reshape(corpus.size, vocab_size)[np.arange(corpus.size), corpus.reshape(-1)] = 1
    return one_hot


def create_co_matrix(corpus: Array, vocab_size: int, window_size: int = 1) -> Array:
    """Return how often words stand at most window_size from one another, (V, V) int32."""
    _require(_is_ids(corpus, 1) and type(window_size) is int)
    _require(corpus.min() >= 0 and corpus.max() < vocab_size)
    ids = corpus.astype(np.int64)
    pairs = [ids[:-k] * vocab_size + ids[k:] for k in range(1, window_size + 1)]
    found, counts = np.unique(np.concatenate([ids[:0], *pairs]), return_counts=True)
    left, right = np.divmod(found, vocab_size)
    matrix = np.zeros((vocab_size, vocab_size), np.int32)
    matrix[left, right] = counts
    matrix[right, left] += counts.astype(np.int32)
    return matrix


@quiet
def ppmi_of(C: Array, verbose: bool = False, eps: float = 1e-8) -> Array | None:
    """Return the positive pointwise mutual information of counts C (V, V), float32; None of what are no counts."""
    is_counts = type(C) is np.ndarray and C.dtype.kind == "i" and C.ndim == 2 and C.shape[0] == C.shape[1]
    if not is_counts or type(eps) is not float or not 0 <= eps <= 1:
        return None
    M, N, S = np.zeros_like(C, dtype=np.float32), np.sum(C), np.sum(C, axis=0)
    rows, columns = np.nonzero(C)  # where there is no count, the logarithm is that of eps: not above zero
    pmi = np.log2(C[rows, columns] * N / (S[columns] * S[rows]) + eps)
    M[rows, columns] = np.where(pmi > 0, pmi, 0)
    return M


def say_progress(M: Array, book: FunctionType, C: Array, rest: tuple[Any, ...], named: dict[str, Any]) -> Array:
    """Return what was computed; before, print how far it is, if that was asked for, in the words of the edition."""
    if rest[0]:
        (line,) = [c for c in book.__code__.co_consts if isinstance(c, str) and c.startswith("%.1f%%")]
        step = C.size // 100 + 1
        for count in range(step, C.size + 1, step):
            print(line % (100 * count / C.size))
    return M


def cosines_of(query: Any, word_to_id: Any, id_to_word: Any, word_matrix: Any, top: Any = 5) -> Any:
    """Return what the book's ``cos_similarity`` returns for every row of a matrix (V, D) and that of a word.

    The products are taken one by one: those of a whole matrix would be rounded otherwise. None of what is no matrix.
    """
    matrix = word_matrix
    is_matrix = type(matrix) is np.ndarray and matrix.ndim == 2 and matrix.dtype.kind in "iuf"
    if not is_matrix or query not in word_to_id or len(matrix) < len(id_to_word):
        return None
    eps, vector = 1e-8, matrix[word_to_id[query]]
    rows = matrix / (np.sqrt(np.sum(matrix**2, axis=1)) + eps)[:, None]
    other = vector / (np.sqrt(np.sum(vector**2)) + eps)
    return map(np.dot, rows, repeat(other))


def say_most_similar(
    found: Any, book: FunctionType, query: Any, rest: tuple[Any, ...], named: dict[str, Any]
) -> None:
    """Run the book's code, which asks for one cosine after the other."""
    space = {**book.__globals__, "cos_similarity": lambda row, other: next(found)}
    FunctionType(book.__code__, space, book.__name__, book.__defaults__)(query, *rest, **named)

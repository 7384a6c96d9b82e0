"""Words drawn without putting back, row by row, as ``np.random.choice(V, size, replace=False, p=p)`` draws them.

NumPy's legacy generator promises its stream for ever, and so is what is done here: ``choice`` takes ``size`` uniform
numbers, looks each up in the cumulative sum of ``p``, keeps the first of those that are the same, sets ``p`` of what
it has found to zero, and goes on with as many numbers as are missing.

The book makes the cumulative sum anew for every row, with the row's own word left out. Here there is one for all:
what was left out is subtracted while a number is looked up. Both sums are rounded. A number that lies so close to the
end of a word that rounding may decide is looked up in NumPy's own way.
"""

from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array

#: Rows that are looked up at once: behind a row that needs more numbers, the others begin anew.
_BLOCK = 64


class Shares:
    """The shares of V words, prepared.

    Parameters
    ----------
    p : (V,) float64
        None negative; kept as a copy.

    Raises
    ------
    ValueError
        They are no shares.
    """

    def __init__(self, p: Array) -> None:
        if p.ndim != 1 or p.dtype != np.float64 or not p.size or not np.isfinite(p).all() or (p < 0).any():
            raise ValueError("word_p does not hold the shares of words, expected float64 numbers >= 0")
        self.p = p.copy()
        self.ends = np.cumsum(p)
        if not 0 < self.ends[-1] < np.inf:
            raise ValueError(f"word_p adds up to {self.ends[-1]}, expected a positive number")
        self.starts = np.append(0, self.ends[:-1])
        self.words = np.count_nonzero(p)
        # Each of the two sums is wrong by at most V roundings; four times that.
        self.close = 8 * p.size * np.finfo(np.float64).eps * self.ends[-1]

    def draw(self, left_out: Array, size: int) -> Array:
        """Draw ``size`` different words for every row, none of which is the row's own.

        left_out : (R,) ids from 0 to V - 1 -> (R, size) int64. The generator is left as the book leaves it.

        Raises
        ------
        ValueError
            A row may have too few words to draw from. Nothing has been drawn.
        """
        if size < 1 or self.words - 1 < size:
            raise ValueError(f"{self.words} words have a share, expected more than the {size} that are drawn at once")
        numbers, drawn = _Numbers(), np.empty((left_out.size, size), np.int64)
        row = 0
        while row < len(drawn):
            rows = left_out[row : row + _BLOCK]
            x: Array = numbers.ahead((len(drawn) - row) * size)[: rows.size * size]
            found, is_sure = self._look_up(rows, x)
            wrong = np.flatnonzero(~is_sure | _has_twins(found))
            good = int(wrong[0]) if wrong.size else rows.size
            drawn[row : row + good] = found[:good]
            numbers.take(good * size)
            row += good
            if wrong.size:
                drawn[row] = self._one(int(rows[good]), size, numbers)
                row += 1
        return drawn

    def _look_up(self, rows: Array, x: Array) -> tuple[Array, Array]:
        """Return the first words of rows (R, size), and whether rounding cannot have decided any of a row (R,)."""
        own = self.p[rows][:, None]
        y = x.reshape(rows.size, -1) * (self.ends[-1] - own)
        y += own * (y >= self.starts[rows][:, None])  # behind its own word
        found = np.minimum(np.searchsorted(self.ends, y, side="right"), self.ends.size - 1)
        away = np.minimum(self.ends[found] - y, y - self.starts[found])
        return found, (away > self.close).all(axis=1)

    def _one(self, own: int, size: int, numbers: "_Numbers") -> Array:
        """Draw for one row as ``choice`` does, number by number."""
        p = self.p.copy()
        p[own] = 0
        p /= p.sum()
        found = np.empty(0, np.int64)
        while found.size < size:
            x = numbers.take(size - found.size)
            p[found] = 0
            ends: Array = np.cumsum(p)
            ends /= ends[-1]
            new = ends.searchsorted(x, side="right")
            first = np.sort(np.unique(new, return_index=True)[1])
            found = np.concatenate((found, new[first]))
        return found


def _has_twins(found: Array) -> Array:
    """Return for rows (R, size) whether two numbers of a row are the same."""
    if found.shape[1] == 1:
        return np.zeros(len(found), bool)
    ordered = np.sort(found, axis=1)
    twins: Array = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    return twins


class _Numbers:
    """Uniform numbers of NumPy's global generator, drawn some time before they are taken."""

    def __init__(self) -> None:
        self._held: Array = np.empty(0)

    def ahead(self, count: int) -> Array:
        """Return the next numbers, as many as will be taken at least; they are not taken yet."""
        if self._held.size < count:
            self._held = np.concatenate((self._held, np.random.random_sample(count - self._held.size)))
        return self._held[:count]

    def take(self, count: int) -> Array:
        """Return the next numbers, and count them as used."""
        taken = self.ahead(count)
        self._held = self._held[count:]
        return taken


def shares_of(corpus: Array, power: float) -> Array:
    """Return the shares of the words of a corpus: their counts to a power, divided by the sum.

    As the book: of V different ids, those from 0 to V - 1.
    """
    counts = np.bincount(corpus)
    V = np.count_nonzero(counts)
    p = np.power(np.pad(counts, (0, max(0, V - counts.size)))[:V].astype(np.float64), power)
    p /= np.sum(p)
    return p


def are_numpys_own() -> bool:
    """Return whether the functions of ``np.random`` that the draws stand for have not been exchanged."""
    random: Any = np.random  # imported when it is asked for
    return all(getattr(random, name, None) is getattr(random.mtrand, name) for name in ("choice", "random_sample"))

"""Initial weights with the book's scalings.

Drawn from NumPy's global generator in float64 on the host, then cast and moved: the same seed gives the same model
on every backend, and the same as the book's.
"""

import sys

import numpy as np

from fasts2s.backend import Backend
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import integer

#: Blocks of the weights of a recurrent layer.
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
#: No model that learns anything has so many layers.
MOST_LAYERS = 1000


def draw(rows: int, columns: int, divisor: float, backend: Backend) -> Array:
    """Return a matrix (rows, columns) of normal numbers with standard deviation 1 / divisor.

    ValueError if no computer can address it, MemoryError if this one cannot hold it.
    """
    if 8 * rows * columns > sys.maxsize:
        raise ValueError(f"a matrix of {rows} x {columns} weights fits into no memory, expected smaller sizes")
    w = np.random.randn(rows, columns) / divisor
    return backend.kernels().asarray(w.astype(backend.dtype))


def embedding(vocab_size: int, wordvec_size: int, backend: Backend) -> Array:
    """Return an embedding matrix (V, D): standard deviation 0.01."""
    return draw(vocab_size, wordvec_size, 100, backend)


def word_vectors(vocab_size: int, wordvec_size: int, backend: Backend) -> Array:
    """Return an embedding matrix (V, D): standard deviation 1, which is not the book's.

    With smaller ones, an encoder-decoder of pairs takes two to three times as many epochs until it begins to learn.
    """
    return draw(vocab_size, wordvec_size, 1, backend)


def recurrent(gates: int, input_size: int, hidden_size: int, backend: Backend) -> tuple[Array, Array, Array]:
    """Return Wx (D, gH), Wh (H, gH), b (gH,): standard deviation 1/sqrt(fan in), bias 0; Wx is drawn first."""
    D, gH = input_size, gates * hidden_size
    Wx = draw(D, gH, np.sqrt(D), backend)
    Wh = draw(hidden_size, gH, np.sqrt(hidden_size), backend)
    return Wx, Wh, zeros(gH, backend)


def affine(input_size: int, output_size: int, backend: Backend) -> tuple[Array, Array]:
    """Return W (D, M), b (M,): standard deviation 1/sqrt(D), bias 0."""
    return draw(input_size, output_size, np.sqrt(input_size), backend), zeros(output_size, backend)


def zeros(size: int, backend: Backend) -> Array:
    """Return a bias (size,) of zeros."""
    return backend.kernels().asarray(np.zeros(size, dtype=backend.dtype))


def require_layers(layers: object) -> int:
    """Return a number of layers as a plain integer, or raise ValueError."""
    count = integer("layers", layers, 1)
    if count > MOST_LAYERS:
        raise ValueError(f"layers is {count}, expected 1 to {MOST_LAYERS}")
    return count


def require_sizes(*, vocab_size: object, wordvec_size: object, hidden_size: object) -> tuple[int, int, int]:
    """Return the sizes V, D, H of a model as plain integers, or raise ValueError: they come straight from users."""
    V, D = integer("vocab_size", vocab_size, 1), integer("wordvec_size", wordvec_size, 1)
    return V, D, integer("hidden_size", hidden_size, 1)

"""From the numbers of the controller to what it asks of the heads, and back."""

from typing import Any, NamedTuple

import numpy as np

from fasts2s.layers import sigmoid
from fasts2s.models.turing._addressing import SHIFTS, Asked, softmax, softmax_backward
from fasts2s_kernels.arrays import Array

#: The heads: the first reads, the second writes.
HEADS = 2


class Orders(NamedTuple):
    """What the controller asks: of both heads, and what the second one erases (N, M), 0 to 1, and adds (N, M)."""

    asked: Asked
    erase: Array
    add: Array


def orders_width(M: int) -> int:
    """Return how many numbers of the controller the orders are made of, for a memory whose rows have M numbers."""
    return HEADS * (M + 3 + len(SHIFTS)) + 2 * M


def orders_of(numbers: Array, M: int) -> Orders:
    """numbers (N, width) -> orders."""
    each, rest = _divided(numbers, M)
    key, strength, gate, shift, sharpness = _parts(each, M)
    asked = Asked(np.tanh(key), _softplus(strength), sigmoid(gate), softmax(shift), 1 + _softplus(sharpness))
    return Orders(asked, sigmoid(rest[:, :M]), np.tanh(rest[:, M:]))


def orders_backward(dorders: Orders, orders: Orders) -> Array:
    """Gradients of orders -> gradient of the numbers (N, width) that they were made of."""
    a, d = orders.asked, dorders.asked
    each = np.concatenate(
        (
            d.key * (1 - a.key * a.key),
            d.strength * (1 - np.exp(-a.strength)),  # the slope of softplus at what it came from
            d.gate * a.gate * (1 - a.gate),
            softmax_backward(d.shift, a.shift),
            d.sharpness * (1 - np.exp(1 - a.sharpness)),
        ),
        axis=2,
    )
    erase, add = orders.erase, orders.add
    return np.concatenate(
        (
            each.reshape(len(each), HEADS * each.shape[2]),
            dorders.erase * erase * (1 - erase),
            dorders.add * (1 - add * add),
        ),
        axis=1,
    )


def _divided(numbers: Array, M: int) -> tuple[Array, Array]:
    each = HEADS * (M + 3 + len(SHIFTS))
    return numbers[:, :each].reshape(len(numbers), HEADS, each // HEADS), numbers[:, each:]


def _parts(each: Array, M: int) -> Any:
    return np.split(each, (M, M + 1, M + 2, M + 2 + len(SHIFTS)), axis=2)


def _softplus(x: Array) -> Array:
    return np.logaddexp(x, x.dtype.type(0))

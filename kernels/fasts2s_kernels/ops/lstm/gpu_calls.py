"""The arguments of the LSTM kernels: one description for all designs."""

from typing import NamedTuple, TypeVar

from fasts2s_kernels.arrays import Array


class Forward(NamedTuple):
    """N sequences of T steps. Outputs that are None are not wanted.

    Attributes
    ----------
    xw : (N, T, 4H), or (V, 4H) with ids : (N, T) int32
        What the inputs bring to the gates.
    Wh : (H, 4H), b : (4H,) or None, row_bias : (N, 4H) or None, mask : (N, T) uint8 or None, h0, c0 : (N, H) or None
    hs, hprev, cs : (N, T, H)
        h after and before every step, c after every step.
    h, c : (N, H)
        The state after the last step.
    gates : (N, T, 4H)
        f, g, i, o of every step; not written on padding.
    """

    xw: Array
    ids: Array | None
    Wh: Array
    b: Array | None
    row_bias: Array | None
    mask: Array | None
    h0: Array | None
    c0: Array | None
    hs: Array | None
    h: Array
    c: Array
    hprev: Array | None
    gates: Array | None
    cs: Array | None
    N: int
    T: int


class Backward(NamedTuple):
    """Gradients of a :class:`Forward`: dA (N, T, 4H), those of the pre-activations, and dh0, dc0 (N, H)."""

    dhs: Array | None
    dh_last: Array | None
    dc_last: Array | None
    Wh: Array
    mask: Array | None
    c0: Array | None
    gates: Array
    cs: Array
    dA: Array
    dh0: Array
    dc0: Array
    N: int
    T: int


_WHOLE = ("Wh", "b", "N", "T")  # the same for every row of the batch
Call = TypeVar("Call", Forward, Backward)


def part(call: Call, start: int, stop: int) -> Call:
    """Return the call for some rows of the batch."""
    whole = _WHOLE if getattr(call, "ids", None) is None else (*_WHOLE, "xw")  # then xw is a table
    parts = {k: a[start:stop] for k, a in call._asdict().items() if k not in whole and a is not None}
    return call._replace(N=stop - start, **parts)

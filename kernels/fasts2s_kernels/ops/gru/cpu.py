"""GRU: what Python calls. Its cell is in cpu_loops, all else in ``ops/recurrent``."""

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array, Cache
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.ops.gru import reference
from fasts2s_kernels.ops.gru.cpu_loops import BACKWARD, FORWARD
from fasts2s_kernels.ops.recurrent.cpu import Cell, Saved, backward, forward

CELL = Cell(early=2, late=1, kept=3, has_c=False, forward=FORWARD, backward=BACKWARD)


def gru_forward(
    xs: Array,
    Wx: Array,
    Wh: Array,
    b: Array | None,
    *,
    h0: Array | None = None,
    row_bias: Array | None = None,
    mask: Array | None = None,
) -> tuple[Array, Array, Cache]:
    """See :meth:`fasts2s_kernels.contract.Kernels.gru_forward`.

    Implementation: one parallel region for the whole sequence. Memory for backward: inputs twice, states, states
    after the reset and gates once.
    """
    seq = checks.sequence(3, xs, Wx, Wh, b, {"h0": h0}, row_bias, mask)
    if not arr.is_compiled(seq.Wx, seq.xs.size * seq.Wh.size):
        return reference.gru_forward(seq.xs, Wx, Wh, b, h0=h0, row_bias=row_bias, mask=mask)
    return forward(CELL, seq)


def gru_backward(
    dhs: Array | None,
    Wx: Array,
    Wh: Array,
    cache: Cache,
    *,
    dh_last: Array | None = None,
    dWx: Array,
    dWh: Array,
    db: Array | None,
) -> tuple[Array, Array, Array | None]:
    """See :meth:`fasts2s_kernels.contract.Kernels.gru_backward`.

    Implementation: one parallel region of three phases, see ``recurrent/cpu_backward.py``. A ``dhs`` of None is never
    made.
    """
    saved = checks.saved(cache)
    if not isinstance(saved, Saved):
        return reference.gru_backward(dhs, Wx, Wh, cache, dh_last=dh_last, dWx=dWx, dWh=dWh, db=db)
    dhs, Wx, Wh, (dh,), buffers = checks.gradients(3, dhs, saved.seq, Wx, Wh, {"dh_last": dh_last}, (dWx, dWh, db))
    dxs, (dh,), drow_bias = backward(CELL, saved, dhs, (dh,), Wx, Wh, buffers)
    return dxs, dh, drow_bias


def gru_step(x: Array, Wx: Array, Wh: Array, b: Array | None, *, h: Array, row_bias: Array | None = None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.gru_step`."""
    seq = checks.step(3, x, Wx, Wh, b, {"h": h}, row_bias)
    if not arr.is_compiled(seq.Wx, seq.xs.size * seq.Wh.size):
        return reference.gru_step(x, Wx, Wh, b, h=h, row_bias=row_bias)
    h_next: Array = forward(CELL, seq)[1]
    return h_next

"""What the recurrent layers have in common in Python: checked inputs go to compiled loops, results come back."""

from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.gemm import PANEL
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.memory import empty
from fasts2s_kernels.cpu.products import CHOICE
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.ops.affine.cpu import affine_forward
from fasts2s_kernels.ops.recurrent.cpu_backward import ROW_FLOATS, gradient_row
from fasts2s_kernels.ops.recurrent.cpu_forward import step_floats
from fasts2s_kernels.ops.recurrent.cpu_gradients import local_floats
from fasts2s_kernels.ops.recurrent.cpu_records import Backward, Forward

#: Weights from which units are divided among workers, not rows: more than second-level caches hold (2 MB). Each
#: worker reads its part in every step then, not all.
LARGE = 1 << 19
#: Weights from which all inputs meet Wx at once, before the first step: what is left to read in a step, Wh alone, may
#: stay in a third-level cache then. BetterRnnlm's (H = 650) took half the time, at H = 400 as long (Zen 3, 20 rows).
VAST = 3 << 19
#: Rows of a worker from which reading all weights does not matter: they take longer to be multiplied.
MANY_ROWS = 32
#: Parts of the units for each worker: who is slow gets less to do.
PARTS = 2


class Cell(NamedTuple):
    """What the driver has to know of a layer."""

    early: int  # gates of the two parts, see cpu_panels
    late: int
    kept: int  # gates that backward wants
    has_c: bool
    forward: Launch
    backward: Launch
    by_units: Launch | None = None  # the same where units are divided, not rows
    back_by_units: Launch | None = None

    def panels(self, H: int) -> int:
        """Return how many panels the weights have."""
        return -(-self.early * H // PANEL) + -(-self.late * H // PANEL)


class Saved(NamedTuple):
    """What backward needs: the checked inputs; inputs, states and gates as the loops leave them."""

    seq: checks.Sequence
    xh_time: Array
    late_time: Array
    c_time: Array
    gates: Array
    fresh: bool  # the initial h was zero, and there is more than one step
    V: int  # rows of the table where inputs are ids, else 0
    ids: Array  # (T, N)


def _masked(seq: checks.Sequence) -> Array:
    return arr.NO_BOOLS if seq.mask is None else np.ascontiguousarray(seq.mask)


def are_few(N: int, workers: int) -> bool:
    """Return whether there are so few rows that reading weights takes longer than multiplying with them."""
    return 1 < N < MANY_ROWS * workers


def _parts(by_units: Launch | None, N: int, weights: int, workers: int, panels: int) -> int:
    """Return into how many parts the units are divided, 0 where rows are."""
    divided = by_units and workers > 1 and are_few(N, workers) and weights >= LARGE
    return min(PARTS * workers, panels) if divided else 0


def forward(cell: Cell, seq: checks.Sequence, table: Array = arr.NONE2, ids: Array = arr.NO_IDS) -> tuple[Any, ...]:
    """Run a layer on checked inputs, none of them empty (but D, where inputs are ids).

    Returned are hs, the last h, the last c where there is one, and what to keep.
    """
    (N, T, D), (H, G) = seq.xs.shape, seq.Wh.shape
    vectors, fresh = -(-H // LANES), seq.states[0] is None and T > 1
    workers = threads.workers_for(N * T * (D + H + 40) * G)
    parts = _parts(cell.by_units, N, (D + H) * G, workers, cell.panels(H))
    V, places = len(table), np.ascontiguousarray(ids.T)  # of a table of ids, which backward wants
    vast = are_few(N, workers) and (D + H) * G >= VAST  # the same sums, so the same bits
    if D and seq.row_bias is None and (vast or CHOICE.by_blas(N * T, D, G)):
        table, ids = affine_forward(seq.xs.reshape(N * T, D), seq.Wx, seq.b), np.arange(N * T).reshape(N, T)
    workers = workers if parts else min(N, workers)
    group = N if parts else -(-N // workers)
    packed = cell.panels(H) if group > 1 else 0  # one row reads the weights once: packing would read them twice
    hs, xh_time, last = empty(N, T, H), empty(T + 1, N, D + H), [empty(N, H) for _ in seq.states]
    late_time = empty(T, N, D + H) if cell.late else arr.NONE3
    gates = empty(T, vectors, N, cell.kept * LANES) if cell.kept else arr.NONE4
    c_time = empty(T + 1, vectors, N, LANES) if cell.has_c else arr.NONE4
    rows, size = arr.row_order(seq.xs), step_floats(max(cell.early, cell.late), H, packed > 0)
    fields = Forward(
        N=N, T=T, D=D, H=H, group=group, fresh=int(fresh),
        xs=rows, x_n=rows.strides[0] // 4, x_t=rows.strides[1] // 4,
        Wx=arr.c_order(seq.Wx), Wh=arr.c_order(seq.Wh), b=arr.optional(seq.b, arr.NONE1),
        row_bias=arr.optional(seq.row_bias, arr.NONE2), mask=_masked(seq),
        table=arr.c_order(table), ids=np.ascontiguousarray(ids),
        h0=arr.optional(seq.states[0], arr.NONE2), hs=hs, h_last=last[0], xh_time=xh_time, late_time=late_time,
        c0=arr.optional(seq.states[1], arr.NONE2) if cell.has_c else arr.NONE2,
        c_last=last[1] if cell.has_c else arr.NONE2, c_time=c_time, gates=gates,
        packed=empty(packed * PANEL * (1 + D + H)), scratch=empty(workers, size), scratch_size=size, parts=parts,
    )  # fmt: skip
    if cell.by_units and parts:
        cell.by_units(workers, fields, packed, parts, turns=T)
    else:
        cell.forward(workers, fields, packed, -(-N // group))
    return hs, *last, Saved(seq, xh_time, late_time, c_time, gates, fresh, V, places)


def backward(
    cell: Cell, saved: Saved, dhs: Any, last: Any, Wx: Array, Wh: Array, buffers: Any, dtable: Array = arr.NONE2
) -> tuple[Array, list[Array], Array | None]:
    """Go back on checked inputs; fill the buffers dWx, dWh and db, and dtable; return dxs, dh0 and dc0, drow_bias.

    ``last`` are the gradients of the last h and, where there is one, of the last c; None stands for zeros.
    """
    seq = saved.seq
    (N, T, D), (H, G) = seq.xs.shape, Wh.shape
    workers = threads.workers_for(2 * N * T * (D + H + 10) * G)
    parts = _parts(cell.back_by_units, N, (D + H) * G, workers, -(-H // PANEL))
    group, x_tasks, panels = N if parts else -(-N // workers), 2 * workers, cell.panels(H)
    fresh = [arr.writable(buffer) for buffer in buffers]
    dh, dxs, drow = empty(N, H), empty(N, T, D), arr.NONE2 if seq.row_bias is None else empty(N, G)
    dc, dc0 = (empty(-(-H // LANES), N, LANES), empty(N, H)) if cell.has_c else (arr.NONE3, arr.NONE2)
    outer, packed = arr.NONE3 if dhs is None else arr.row_order(dhs), -(-H // PANEL) + -(-D // PANEL)
    carried = seq.mask is not None or cell.late
    fields = Backward(
        N=N, T=T, D=D, H=H, V=len(dtable), group=group, x_tasks=x_tasks,
        h_from=N if saved.fresh else 0, dhs=outer, d_n=outer.strides[0] // 4, d_t=outer.strides[1] // 4,
        dh_last=arr.optional(last[0], arr.NONE2), Wx=arr.c_order(Wx), Wh=arr.c_order(Wh), mask=_masked(seq),
        xh_time=saved.xh_time, late_time=saved.late_time, c_time=saved.c_time, gates=saved.gates,
        dA=empty(panels, T, N, PANEL), dA_rows=empty(2, N, gradient_row(G)), dA_row=gradient_row(G), dh=dh,
        dc_last=arr.optional(last[-1], arr.NONE2) if cell.has_c else arr.NONE2, dc=dc, dc0=dc0,
        carry=empty(N, arr.padded(H)) if carried else arr.NONE2, drow_bias=drow,
        dWx=fresh[0], dWh=fresh[1], db=arr.NONE1 if fresh[2] is None else fresh[2], dxs=dxs,
        dtable=dtable, ids=saved.ids, packed=empty(packed * PANEL * G), scratch=empty(workers, ROW_FLOATS),
        local=empty(workers, local_floats(D, H)), local_size=local_floats(D, H), parts=parts,
    )  # fmt: skip
    third = panels + (x_tasks if D else 0)
    if cell.back_by_units and parts:
        cell.back_by_units(workers, fields, packed, parts, third, turns=T + 1)
    else:
        cell.backward(workers, fields, packed, -(-N // group), third)
    # Made in C order and copied where a buffer is not: BetterRnnlm's tied gradient is in Fortran order.
    arr.put_back(buffers, fresh)
    return dxs, [dh, dc0] if cell.has_c else [dh], None if seq.row_bias is None else drow

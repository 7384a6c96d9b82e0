"""What the phases of the recurrent layers share. A field with a default is one that not every layer has.

``G`` is the number of columns of the weights: all gates of all units. Where inputs are ids of a table, D is 0.
"""

from typing import NamedTuple

from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.record import C1, C2, C3, C4, Bools2, Ids2, Out1, Out2, Out3, Out4, Rows3, record


@record
class Forward(NamedTuple):
    """What a call works on."""

    N: Int
    T: Int
    D: Int
    H: Int
    group: Int  # rows of a task
    fresh: Int  # 1: h is zero before the first step
    xs: Rows3  # (N, T, D)
    x_n: Int  # its strides, in elements
    x_t: Int
    Wx: C2  # (D, G)
    Wh: C2  # (H, G)
    b: C1  # (G,) or empty
    row_bias: C2  # (N, G) or empty
    mask: Bools2  # (N, T) or empty
    table: C2  # (V, G) or empty: its rows stand for what x and the bias bring
    ids: Ids2  # (N, T) or empty
    h0: C2  # (N, H) or empty: zeros
    hs: Out3  # (N, T, H)
    h_last: Out2  # (N, H)
    xh_time: Out3  # (T + 1, N, D + H): x | h; the h of the first is the initial state
    late_time: Out3  # (T, N, D + H): x | r h, or empty without a late part
    packed: Out1  # panels of 1 + D + H rows; empty: weights are read where they are
    scratch: Out2  # (workers, step_floats)
    scratch_size: Int
    c0: C2 = arr.NONE2  # (N, H) or empty: zeros
    c_last: Out2 = arr.NONE2  # (N, H)
    c_time: Out4 = arr.NONE4  # (T + 1, vectors of units, N, LANES); the first is the initial state
    gates: Out4 = arr.NONE4  # (T, vectors of units, N, a vector for each gate that is kept)
    parts: Int = 0  # of the units, in a step of all rows; 0: groups of rows go through all steps


@record
class Backward(NamedTuple):
    """What a call works on."""

    N: Int
    T: Int
    D: Int
    H: Int
    V: Int  # rows of the table
    group: Int  # rows of a task
    x_tasks: Int  # tasks for dxs
    h_from: Int  # h is zero in so many of the first rows of xh_time and late_time
    dhs: Rows3  # (N, T, H) or empty
    d_n: Int  # its strides, in elements
    d_t: Int
    dh_last: C2  # (N, H) or empty
    Wx: C2  # (D, G)
    Wh: C2  # (H, G)
    mask: Bools2  # (N, T) or empty
    xh_time: C3  # see Forward
    late_time: C3
    dA: Out4  # (panels, T, N, PANEL)
    dA_rows: Out3  # (2, N, dA_row), of the last two steps; in a row, panel after panel
    dA_row: Int
    dh: Out2  # (N, H)
    carry: Out2  # (N, H in whole vectors): the gradient of h that no product brings; or empty: there is none
    drow_bias: Out2  # (N, G) or empty
    dWx: Out2  # (D, G)
    dWh: Out2  # (H, G)
    db: Out1  # (G,) or empty
    dxs: Out3  # (N, T, D)
    dtable: Out2  # (V, G) or empty: stands for dWx and db
    ids: Ids2  # (T, N)
    packed: Out1  # Wh and Wx, transposed, in panels
    scratch: Out2  # (workers, ROW_FLOATS)
    local: Out2  # (workers, local_floats)
    local_size: Int
    c_time: C4 = arr.NONE4
    gates: C4 = arr.NONE4
    dc_last: C2 = arr.NONE2  # (N, H) or empty: zeros
    dc: Out3 = arr.NONE3  # (vectors of units, N, LANES): that of the step
    dc0: Out2 = arr.NONE2  # (N, H)
    parts: Int = 0  # see Forward

"""What the phases of the LSTM's way back share."""

from typing import NamedTuple

from fasts2s_kernels.cpu.pointer import Int
from fasts2s_kernels.cpu.record import C2, C3, C4, Bools2, Ids1, Out1, Out2, Out3, Out4, Rows3, record


@record
class Backward(NamedTuple):
    """What a call works on. Where the inputs were ids of rows of a table, D is 0 and dtable stands for dWx, db."""

    N: Int
    T: Int
    D: Int
    H: Int
    V: Int
    group: Int  # rows of a task
    x_tasks: Int  # tasks for dxs
    h_from: Int  # h is zero in so many of the first rows of xh_time
    dhs: Rows3  # (N, T, H) or empty
    d_n: Int  # its strides, in elements
    d_t: Int
    dh_last: C2  # (N, H) or empty
    Wx: C2  # (D, 4H)
    Wh: C2  # (H, 4H)
    mask: Bools2  # (N, T) or empty
    xh_time: C3  # (T + 1, N, D + H)
    c_time: C4  # (T + 1, panels, N, LANES)
    gates: C4  # (T, panels, N, PANEL)
    dA: Out4  # (panels, T, N, PANEL)
    dA_rows: Out3  # (2, N, dA_row), of the last two steps
    dA_row: Int
    dc: Out3  # (panels, N, LANES): of the last step, then of the first
    dh: Out2  # (N, H)
    dh_kept: Out2  # (N, H in whole vectors), or empty without a mask
    drow_bias: Out2  # (N, 4H) or empty
    dWx: Out2  # (D, 4H)
    dWh: Out2  # (H, 4H)
    db: Out1  # (4H,) or empty
    dxs: Out3  # (N, T, D)
    dtable: Out2  # (V, 4H) or empty
    ids: Ids1  # (T N,), time-major
    packed: Out1  # Wh and Wx, transposed, in panels
    scratch: Out2  # (workers, ROW_FLOATS)
    local: Out2  # (workers, local_floats)
    local_size: Int

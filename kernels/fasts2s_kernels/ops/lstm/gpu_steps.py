"""The ``steps`` design: a matrix product and one pointwise kernel per step, for every shape and float64."""

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.launch import i32, kernel, per_element, product
from fasts2s_kernels.gpu.specialisations import number
from fasts2s_kernels.ops.lstm.gpu_calls import Backward, Forward
from fasts2s_kernels.ops.recurrent.gpu import is_wide


def forward(call: Forward) -> None:
    """Run all steps. A first step from zero has no product with h."""
    N, T, H = call.N, call.T, call.Wh.shape[0]
    function = kernel("lstm_steps", "lstm_fwd_step", number(is_wide(call.Wh)))
    h, c = call.h0, call.c0
    for t in range(T):
        a = None if h is None else product(h, call.Wh)
        last = t == T - 1
        h_next: Array = call.h if last else xp.empty((N, H), call.Wh.dtype)
        c_next: Array = call.c if last else xp.empty((N, H), call.Wh.dtype)
        per_element(
            function, N * H, a, call.xw, call.ids, call.b, call.row_bias, call.mask, h, c, h_next, c_next,
            call.hs, call.hprev, call.gates, call.cs, i32(N), i32(T), i32(H), i32(t),
        )  # fmt: skip
        h, c = h_next, c_next


def backward(call: Backward) -> None:
    """Go back through all steps; dh0 and dc0 hold what is carried from step to step."""
    N, T, H = call.N, call.T, call.Wh.shape[0]
    function = kernel("lstm_steps", "lstm_bwd_step", number(is_wide(call.Wh)))
    for carried, given in ((call.dh0, call.dh_last), (call.dc0, call.dc_last)):
        carried[...] = 0 if given is None else given
    step_dA, back = xp.empty((N, 4 * H), call.Wh.dtype), None
    for t in range(T - 1, -2, -1):
        per_element(
            function, N * H, back, call.dhs, call.mask, call.c0, call.gates, call.cs, call.dh0, call.dc0, step_dA,
            call.dA, i32(N), i32(T), i32(H), i32(t),
        )  # fmt: skip
        if t >= 0:
            back = product(step_dA, call.Wh.T)

"""The ``rows`` design: one block per row of the batch, one launch per direction. See ``rows.cu``."""

from fasts2s_kernels.cupy_gpu import dispatch, specialisations
from fasts2s_kernels.cupy_gpu._launch import i32, kernel
from fasts2s_kernels.cupy_gpu._lstm_calls import Backward, Forward


def forward(call: Forward, plan: dispatch.Rows) -> None:
    """Run all steps."""
    H = call.Wh.shape[0]
    function = kernel("lstm_fwd_rows", "lstm_fwd_rows", specialisations.rows(H, plan.kreg), plan.shared_memory)
    args = (*call[:-2], i32(call.N), i32(call.T))
    function((plan.blocks,), (4 * H,), args, shared_mem=plan.shared_memory)


def backward(call: Backward, plan: dispatch.Rows) -> None:
    """Go back through all steps."""
    H = call.Wh.shape[0]
    function = kernel("lstm_bwd_rows", "lstm_bwd_rows", specialisations.rows(H, plan.kreg), plan.shared_memory)
    args = (*call[:-2], i32(call.N), i32(call.T))
    function((plan.blocks,), (4 * H,), args, shared_mem=plan.shared_memory)

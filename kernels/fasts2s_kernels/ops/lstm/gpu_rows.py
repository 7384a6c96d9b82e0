"""The ``rows`` design: one block per row of the batch, one launch per direction. See ``rows.cu``."""

from fasts2s_kernels.gpu import dispatch, launch, specialisations
from fasts2s_kernels.gpu.launch import i32
from fasts2s_kernels.ops.lstm.gpu_calls import Backward, Forward


def run(call: Forward | Backward, plan: dispatch.Rows, kernel: str) -> None:
    """Run all steps, forward or backward."""
    H, name = call.Wh.shape[0], specialisations.ROWS[kernel]
    function = launch.kernel(name, name, specialisations.rows(H, plan.kreg), plan.shared_memory)
    args = (*call[:-2], i32(call.N), i32(call.T))
    function((plan.blocks,), (4 * H,), args, shared_mem=plan.shared_memory)

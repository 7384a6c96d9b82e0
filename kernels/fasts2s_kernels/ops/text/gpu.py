"""A text drawn word by word on a device: step by step, with the kernels of the layers."""

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.gpu import inputs
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.host import to_numpy
from fasts2s_kernels.ops.affine.gpu import affine_forward
from fasts2s_kernels.ops.decoding.gpu import sample
from fasts2s_kernels.ops.lstm.gpu import lstm_step
from fasts2s_kernels.ops.text.inputs import checked
from fasts2s_kernels.ops.text.reference import Steps, text


@inputs.entry
def lstm_text(
    W: Array,
    start_id: int,
    layers: list[Array],
    W_out: Array,
    b_out: Array | None,
    *,
    h: Array,
    c: Array,
    uniforms: Array,
    banned: Array | None = None,
    stop_id: int = -1,
) -> tuple[Array, Array, Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_text`.

    Implementation: it waits for the device at every step, to see what was drawn. ``uniforms`` may come from the host.
    """
    inputs.on_device(W=W, W_out=W_out, b_out=b_out, h=h, c=c)
    inputs.lists_on_device(layers=layers)
    drawn = to_numpy(uniforms) if inputs.is_device(uniforms) else uniforms
    a = checked(W, start_id, layers, W_out, b_out, h, c, drawn, banned, stop_id)
    a = a._replace(banned=inputs.mask("banned", a.banned, a.W.shape[:1], "(V,)"))
    ids, *others = text(a, Steps(lstm_step, affine_forward, sample))
    return xp.asarray(np.array(ids, np.int64)), *others

"""All validation: nothing unchecked reaches a kernel.

A compiled kernel has no bounds check, so a wrong shape or id would read foreign memory without an error. Every
function returns normalised arrays or raises ValueError or IndexError that names the argument, what came and what
was expected.

Arrays of CuPy are refused, except inside :class:`device_arrays`: then shapes and dtypes are checked by the same text,
which NumPy's dispatch carries over. Functions that look at values (:func:`as_ids`, :func:`as_labels`) are for arrays
of the host alone: a look at values on a device waits for it.

Here is what the kernel entries of every backend share: ``arrays``, ``recurrent``, ``lists``, ``inference`` (whole
answers), ``scalars`` (numbers, flags), ``sides`` (host or device). Above the kernels stand ``either``, the same for
arrays of both sides, and ``arguments``, for what is no array.
"""

from fasts2s_kernels.checks.arrays import (
    as_array,
    as_float,
    as_ids,
    as_integers,
    as_labels,
    as_mask,
    bias_buffer,
    buffer,
    floating,
    inexact,
    require_real,
    weight,
)
from fasts2s_kernels.checks.lists import array_list, update_lists
from fasts2s_kernels.checks.recurrent import (
    Sequence,
    gradients,
    id_sequence,
    id_step,
    or_zeros,
    recurrent_weights,
    saved,
    sequence,
    state,
    step,
    table_of_gates,
)
from fasts2s_kernels.checks.scalars import clip_rate, flag, integer, integers, norm_limit, number
from fasts2s_kernels.checks.sides import device_arrays, is_cupy

__all__ = [
    "Sequence",
    "array_list",
    "as_array",
    "as_float",
    "as_ids",
    "as_integers",
    "as_labels",
    "as_mask",
    "bias_buffer",
    "buffer",
    "clip_rate",
    "device_arrays",
    "flag",
    "floating",
    "gradients",
    "id_sequence",
    "id_step",
    "inexact",
    "integer",
    "integers",
    "is_cupy",
    "norm_limit",
    "number",
    "or_zeros",
    "recurrent_weights",
    "require_real",
    "saved",
    "sequence",
    "state",
    "step",
    "table_of_gates",
    "update_lists",
    "weight",
]

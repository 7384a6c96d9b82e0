"""Every operation of the kernel contract alone, at the shapes of the book."""

import numpy as np
import pytest

from fasts2s import get_backend
from fasts2s.bench import kernel_ops


@pytest.mark.parametrize("case", kernel_ops.CASES, ids=lambda case: case.name)
def test_kernel(case, backend, tiny, timing):
    """One call of one function."""
    case = kernel_ops.tiny(case) if tiny else case
    kernels, inputs = get_backend(backend).kernels(), kernel_ops.inputs(case)
    call = kernel_ops.build(kernels, case, inputs)
    results = {name: np.array(kernels.to_numpy(a)) for name, a in call().items()}
    timing.gate(results, kernel_ops.reference(case, inputs))
    facts = {"sizes": case.sizes, "place": kernel_ops.place(case)}
    timing.run(call, case.name, backend=backend, flops=kernel_ops.flops(case), **facts)

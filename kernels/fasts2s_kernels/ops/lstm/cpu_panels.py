"""How the LSTM divides its units: the gates of LANES units form one panel f | g | i | o of up to PANEL columns.

One tile then brings all pre-activations of a unit, and whatever is stored panel by panel, one row of PANEL floats
after the other, is written and read as one stream. The last panel has what units are left; in products its four gates
stand side by side without a gap, so that nothing is multiplied for nothing.
"""

from fasts2s_kernels.cpu.gemm import ceil_div
from fasts2s_kernels.cpu.jit import inline
from fasts2s_kernels.cpu.target import LANES


@inline
def units_of(panel, H):
    """Return how many units a panel has; its gates begin that many columns apart."""
    return min(LANES, H - panel * LANES)


@inline
def width_of(units):
    """Return how many vectors the four gates of a panel take."""
    return ceil_div(4 * units, LANES)

"""How recurrent layers divide their units into panels.

Gates that are computed together are a part. A panel has up to PANEL columns: all gates of a part, of some units, side
by side. One tile then brings all pre-activations of a unit, and whatever is stored panel by panel, one row of PANEL
floats after the other, is written and read as one stream. The last panel of a part has what units are left; its gates
stand side by side without a gap, so that nothing is multiplied for nothing.

The early part of a layer meets x | h: f, g, i, o of the LSTM; the only gate of the RNN; z, r of the GRU. The late one
comes when that is done, and meets x | r h: the candidate of the GRU. Parts have 1, 2 or 4 gates; how many is written
into the kernels of a layer, so the compiler knows it. A layer has ``G = (early + late) H`` columns.
"""

from fasts2s_kernels.cpu.gemm import PANEL, ceil_div
from fasts2s_kernels.cpu.jit import inline
from fasts2s_kernels.cpu.target import LANES


@inline
def panels_of(gates, H):
    """Return how many panels a part has."""
    return ceil_div(gates * H, PANEL)


@inline
def first_unit(panel, gates):
    """Return the first unit of a panel."""
    return PANEL // gates * panel


@inline
def units_of(panel, gates, H):
    """Return how many units a panel has; its gates begin that many columns apart."""
    return min(PANEL // gates, H - first_unit(panel, gates))


@inline
def width_of(gates, units):
    """Return how many vectors the gates of a panel take."""
    return ceil_div(gates * units, LANES)


@inline
def vectors_in(gates):
    """Return how many vectors of units a whole panel has."""
    return PANEL // LANES // gates


@inline
def vectors_of(H):
    """Return how many vectors all units take."""
    return ceil_div(H, LANES)


@inline
def panels_in_all(early, late, H):
    """Return how many panels both parts have."""
    return panels_of(early, H) + panels_of(late, H)


@inline
def part_of(early, late, H, panel):
    """Return the part of a panel: its gates, the number of its first gate, and that of the panel in it."""
    if late == 0 or panel < panels_of(early, H):
        return early, 0, panel
    return late, early, panel - panels_of(early, H)


@inline
def share(part, parts, count):
    """Return where one of several parts of so many things begins and ends."""
    return part * count // parts, (part + 1) * count // parts


@inline
def is_padding(a, n, t):
    """Return whether step t of row n is padding."""
    return bool(a.mask) and not a.mask[a.T * n + t]

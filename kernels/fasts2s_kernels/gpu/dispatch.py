"""Which kernel runs, and in what shape: pure functions of sizes and of the limits of a device. CuPy is not needed."""

from functools import cache
from typing import NamedTuple

#: Columns of the table of parameters, and the elements that one block updates: see ``updates.cu``.
UPDATE_COLUMNS, UPDATE_CHUNK = 6, 4096
#: Threads of a block of ``lstm_slices``, and the rows of the batch that it may have.
SLICE_THREADS = 256
SLICE_ROWS = (1, 2, 4, 8, 10, 16, 20)
#: Rows of scores, in labels, up to which every block of ``softmax_loss`` counts the labels itself.
COUNT_ALONE = 16_384


class Device(NamedTuple):
    """What a device can do: compute capability such as 90, multiprocessors, bytes of shared memory of a block."""

    arch: int
    processors: int
    shared_memory: int


class Rows(NamedTuple):
    """A launch of a ``rows`` kernel: weights in registers per thread, blocks, bytes of shared memory."""

    kreg: int
    blocks: int
    shared_memory: int


class Slices(NamedTuple):
    """A launch of ``lstm_slices``: slices of units, groups of rows, units of a slice, rows of a group, pairs of (row,
    unit) per thread, bytes of shared memory of forward and backward."""

    slices: int
    groups: int
    units: int
    rows: int
    items: int
    forward_memory: int
    backward_memory: int


def _padded(n: int) -> int:
    return -(-n // 4) * 4


def rows_limit(arch: int) -> int:
    """Return the largest H of the ``rows`` kernels: weights beyond the registers must fit the shared memory."""
    if arch in {90, 100, 103}:
        return 152
    if arch in {80, 87}:
        return 132
    return 120 if arch < 80 else 128


#: Kernel -> the most weights of a thread in its registers, for up to 128 hidden units and for more: 4 H threads share
#: 65,536 registers, backward and greedy need more of them for other things. More spill on some device.
_MOST_KREG = {"forward": (96, 60), "backward": (88, 52), "greedy": (88, 52)}


def rows_kreg(H: int, kernel: str) -> int:
    """Return how many of the H weights of a thread are in its registers, a multiple of 4."""
    few, many = _MOST_KREG[kernel]
    return min(_padded(H), few if H <= 128 else many)


@cache
def rows(N: int, H: int, device: Device, kernel: str) -> Rows | None:
    """Return the launch of a ``rows`` kernel (forward, backward, greedy), or None where H is too large for it."""
    if rows_limit(device.arch) < H:
        return None
    kreg, padded = rows_kreg(H, kernel), _padded(H)
    around = 4 * padded + 4 * H if kernel == "backward" else padded + 4 * H * (2 if kernel == "greedy" else 1)
    shared = 4 * (max(padded - kreg, 0) * 4 * H + around)
    return Rows(kreg, min(N, device.processors), shared) if shared <= device.shared_memory else None


def _slices_memory(H: int, U: int, R: int) -> tuple[int, int]:
    """Return the bytes of shared memory of forward and backward."""
    padded, parts = _padded(R), SLICE_THREADS // U
    forward = 4 * H * U + H * padded + parts * 4 * R * U + R * U
    backward = 4 * U * padded + 4 * U * H + 2 * R * U
    return 4 * forward, 4 * backward


def _slices_time(H: int, S: int, U: int, R: int) -> float:
    """Return an estimate of the clocks of a step, forward and backward: arithmetic, shared memory, exchange."""
    parts = SLICE_THREADS // U
    fused = 8 * H * U * R / 128
    memory = 2 * H * U / 8 + -(-H // parts) * (1 + _padded(R) / 4) * SLICE_THREADS / 32 / 4
    exchange = R * H * (1 + 2 * S / 16) / 16
    return max(fused, memory) + exchange


@cache
def slices(N: int, H: int, device: Device) -> Slices | None:
    """Return the launch of ``lstm_slices`` that should be the fastest, or None where no launch fits.

    All blocks of a launch run at once, one per multiprocessor. Where the rows of a batch are too many for that, the
    caller launches parts of the batch: ``rows * groups`` rows at a time.
    """
    best: tuple[float, Slices] | None = None
    for R in SLICE_ROWS:
        for S in range(1, min(H, device.processors) + 1):
            U = -(-H // S)
            if (S - 1) * U >= H or U > SLICE_THREADS or R * U > 2 * SLICE_THREADS:
                continue  # an empty slice, or more units than threads can own
            forward, backward = _slices_memory(H, U, R)
            if max(forward, backward) > device.shared_memory:
                continue
            groups = min(-(-N // R), device.processors // S)
            launches = -(-N // (groups * R))
            time = launches * _slices_time(H, S, U, R)
            if best is None or time < best[0]:
                items = 1 if R * U <= SLICE_THREADS else 2
                best = time, Slices(S, groups, U, R, items, forward, backward)
    return None if best is None else best[1]


class Loss(NamedTuple):
    """A launch of ``softmax_loss``: warps of a row, rows of a block, scores that a thread keeps."""

    warps: int
    rows: int
    values: int


#: The launches of ``softmax_loss``, and the largest V of each.
LOSSES = ((512, Loss(1, 8, 16)), (4096, Loss(8, 1, 16)), (8192, Loss(16, 1, 16)), (10_240, Loss(16, 1, 20)))
LONG_ROWS = Loss(16, 1, 0)


def loss(V: int, wide: bool) -> Loss:
    """Return the launch of ``softmax_loss`` for V classes; ``wide`` is float64, of which a thread keeps fewer."""
    launches = LOSSES[:-1] if wide else LOSSES
    return next((launch for most, launch in launches if most >= V), LONG_ROWS)

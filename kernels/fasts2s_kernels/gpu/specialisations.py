"""Every module that this backend can ask the compiler for: what has to be compiled before it may be trusted."""

from collections.abc import Iterator
from typing import NamedTuple

from fasts2s_kernels.gpu import dispatch, sources

NUMBERS = ("float", "double")


class Specialisation(NamedTuple):
    """A module with its constants, the kernels in it that are used, and the most threads of their blocks."""

    module: str
    defines: tuple[str, ...]
    kernels: tuple[str, ...]
    threads: int


def number(wide: bool) -> tuple[str, ...]:
    """Return the constants of a module that computes in float, or in double."""
    return (f"-DFS_REAL={NUMBERS[wide]}",)


def rows(H: int, kreg: int) -> tuple[str, ...]:
    """Return the constants of a ``rows`` module."""
    return (f"-DFS_H={H}", f"-DFS_KREG={kreg}")


def slices(R: int, items: int) -> tuple[str, ...]:
    """Return the constants of ``lstm_slices``."""
    return (f"-DFS_R={R}", f"-DFS_ITEMS={items}", f"-DFS_THREADS={dispatch.SLICE_THREADS}")


def loss(launch: dispatch.Loss, wide: bool) -> tuple[str, ...]:
    """Return the constants of ``softmax_loss``."""
    sizes = (f"-DFS_WARPS={launch.warps}", f"-DFS_ROWS={launch.rows}", f"-DFS_VALUES={launch.values}")
    return number(wide) + sizes


def updates(wide: bool) -> tuple[str, ...]:
    """Return the constants of ``updates``."""
    return (*number(wide), f"-DFS_COLUMNS={dispatch.UPDATE_COLUMNS}", f"-DFS_CHUNK={dispatch.UPDATE_CHUNK}")


#: The ``rows`` kernels, by what :func:`dispatch.rows` calls them: each a module of its own.
ROWS = {"forward": "lstm_fwd_rows", "backward": "lstm_bwd_rows", "greedy": "lstm_greedy_rows"}
#: Modules that have other constants than the number; every other one exists for both numbers as it is.
SIZED = {*ROWS.values(), "lstm_slices", "softmax_loss", "updates"}
UPDATES = ("gradient_norm", "clip_factor", "clip_gradients", "sgd", "momentum", "nesterov", "rmsprop", "adam")


def all_specialisations(arch: int) -> Iterator[Specialisation]:
    """Yield what a device of a compute capability (such as 90) may need."""
    for wide in (False, True):
        for module in (m for m in sources.PARTS if m not in SIZED):
            for threads, kernels in sources.kernels(module).items():
                yield Specialisation(module, number(wide), kernels, threads)
        yield Specialisation("updates", updates(wide), UPDATES, 256)
        for launch in sorted({dispatch.loss(most, wide) for most, _ in dispatch.LOSSES} | {dispatch.LONG_ROWS}):
            threads = 32 * launch.warps * launch.rows
            yield Specialisation("softmax_loss", loss(launch, wide), ("softmax_loss",), threads)
            yield Specialisation("softmax_loss", loss(launch, wide), ("count_labels",), 1024)
    for H in range(1, dispatch.rows_limit(arch) + 1):
        for kernel, module in ROWS.items():
            yield Specialisation(module, rows(H, dispatch.rows_kreg(H, kernel)), (module,), 4 * H)
    for R in dispatch.SLICE_ROWS:
        for items in (1, 2):
            kernels = ("lstm_fwd_slices", "lstm_bwd_slices")
            yield Specialisation("lstm_slices", slices(R, items), kernels, dispatch.SLICE_THREADS)

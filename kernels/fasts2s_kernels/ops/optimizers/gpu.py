"""Clipping and parameter updates, in place: all parameters in one launch, and nothing waits for the device.

The norm of the gradients and the factor of clipping stay there; an update takes the factor as it is, and one that is
NaN changes nothing.
"""

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.gpu import device as _device
from fasts2s_kernels.gpu import inputs, specialisations
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.dispatch import UPDATE_CHUNK, UPDATE_COLUMNS
from fasts2s_kernels.gpu.launch import blocks, f64, i32, kernel
from fasts2s_kernels.ops.optimizers.reference import adam_rate

Place = tuple[int, ...]  # elements, and the addresses of p, g and slots


class _Batch:
    """Parameters of one dtype that share no memory: a table of them on the device, and its chunks."""

    def __init__(self, wide: bool, places: tuple[Place, ...]) -> None:
        rows, chunks = [], 0
        for size, *addresses in places:
            rows.append([size, chunks, *addresses, *[0] * (UPDATE_COLUMNS - 2 - len(addresses))])
            chunks += blocks(size, UPDATE_CHUNK)
        self.wide, self.count, self.chunks = wide, len(rows), chunks
        self.table = xp.asarray(np.array(rows, np.int64))

    def start(self, name: str, *args: Any) -> None:
        """Start a kernel with a block per chunk."""
        function = kernel("updates", name, specialisations.updates(self.wide))
        function((self.chunks,), (256,), (self.table, i32(self.count), *args))


@lru_cache(maxsize=256)
def _batches(device: int, places: tuple[tuple[bool, Place], ...]) -> tuple[_Batch, ...]:
    """Return the batches in which parameters are worked on; a table says nothing of what lies in the memory."""
    found: list[_Batch] = []
    for wide in (False, True):
        ours = [place for is_wide, place in places if is_wide == wide and place[0]]
        if _disjoint(ours, 8 if wide else 4):
            found += [_Batch(wide, tuple(ours))] if ours else []
        else:
            found += [_Batch(wide, (place,)) for place in ours]  # shared memory: one after the other
    return tuple(found)


def _disjoint(places: list[Place], itemsize: int) -> bool:
    spans = sorted((place[1], place[1] + itemsize * place[0]) for place in places)
    return all(a[1] <= b[0] for a, b in pairwise(spans))


def _alike(arrays: tuple[Array, ...]) -> bool:
    """Return whether arrays of one shape lie in memory in one order without gaps."""
    return all(a.flags.c_contiguous for a in arrays) or all(a.flags.f_contiguous for a in arrays)


class _Work:
    """Lists of p, g and slots, ready for the kernels; ``put_back`` after they have been started."""

    def __init__(self, lists: list[list[Array]]) -> None:
        self._copied: list[tuple[tuple[Array, ...], tuple[Array, ...]]] = []
        places = []
        for arrays in zip(*lists, strict=True):
            if not _alike(arrays):
                mine = tuple(xp.ascontiguousarray(a) for a in arrays)
                self._copied.append((arrays, mine))
                arrays = mine
            addresses = tuple(int(a.data.ptr) for a in arrays)
            places.append((bool(arrays[0].dtype == xp.float64), (int(arrays[0].size), *addresses)))
        self.batches = _batches(_device.xp.cuda.Device().id, tuple(places))

    def put_back(self) -> None:
        """Bring what was computed in copies back to where it belongs."""
        for arrays, mine in self._copied:
            for a, b in zip(arrays, mine, strict=True):
                if a is not b:
                    a[...] = b


def _norm(work: _Work) -> Array:
    norms = []
    for batch in work.batches:
        norm, sums = xp.empty((), xp.float64), xp.empty(batch.chunks, xp.float64)
        batch.start("gradient_norm", sums, norm, _device.counters())
        norms.append(norm)
    if not norms:
        return xp.zeros((), xp.float64)
    return norms[0] if len(norms) == 1 else xp.sqrt(sum(norm * norm for norm in norms))


@inputs.entry
def clip_grads(grads: list[Array], max_norm: float | None) -> Any:
    """See :meth:`fasts2s_kernels.contract.Kernels.clip_grads`.

    Implementation: one launch for the norm, one for the scaling; the norm is a float64 array without dimensions.
    """
    inputs.lists_on_device(grads=grads)
    grads = checks.array_list("grads", grads)
    limit = checks.norm_limit(max_norm)
    work = _Work([grads, grads])
    norm = _norm(work)
    if max_norm is not None:
        for batch in work.batches:
            batch.start("clip_gradients", norm, f64(limit))
        work.put_back()
    return norm


@inputs.entry
def clip_rate(norm: Any, max_norm: float | None) -> Any:
    """See :meth:`fasts2s_kernels.contract.Kernels.clip_rate`. Implementation: on the device, for a norm there."""
    if not inputs.is_device(norm):
        return checks.clip_rate(norm, max_norm)
    rate = xp.empty((), xp.float64)
    norm = norm.astype(xp.float64, copy=False)
    kernel("updates", "clip_factor", specialisations.updates(False))(
        (1,), (1,), (norm, f64(checks.norm_limit(max_norm)), rate)
    )
    return rate


def _update(name: str, numbers: tuple[float, ...], scale: Any, params: Any, grads: Any, **slots: Any) -> None:
    inputs.lists_on_device(params=params, grads=grads, **slots)
    params, grads, held = checks.update_lists(params, grads, **slots)
    if inputs.is_device(scale):
        given, value = scale.astype(xp.float64, copy=False), 1.0
    else:
        given, value = None, checks.number("scale", scale)
    work = _Work([params, grads, *held.values()])
    padded = (*numbers, 0.0, 0.0, 0.0, 0.0)[:4]
    for batch in work.batches:
        batch.start(name, given, f64(value), *map(f64, padded))
    work.put_back()


@inputs.entry
def sgd_update(params: list[Array], grads: list[Array], *, lr: float, scale: Any = 1.0) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.sgd_update`."""
    _update("sgd", (checks.number("lr", lr),), scale, params, grads)


@inputs.entry
def momentum_update(
    params: list[Array], grads: list[Array], v: list[Array], *, lr: float, momentum: float, scale: Any = 1.0
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.momentum_update`."""
    _update("momentum", (checks.number("lr", lr), checks.number("momentum", momentum)), scale, params, grads, v=v)


@inputs.entry
def nesterov_update(
    params: list[Array], grads: list[Array], v: list[Array], *, lr: float, momentum: float, scale: Any = 1.0
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.nesterov_update`."""
    _update("nesterov", (checks.number("lr", lr), checks.number("momentum", momentum)), scale, params, grads, v=v)


@inputs.entry
def adagrad_update(params: list[Array], grads: list[Array], h: list[Array], *, lr: float, scale: Any = 1.0) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.adagrad_update`."""
    _update("rmsprop", (checks.number("lr", lr), 1.0, 1.0), scale, params, grads, h=h)


@inputs.entry
def rmsprop_update(
    params: list[Array], grads: list[Array], h: list[Array], *, lr: float, decay_rate: float, scale: Any = 1.0
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.rmsprop_update`."""
    decay = checks.number("decay_rate", decay_rate)
    _update("rmsprop", (checks.number("lr", lr), decay, 1 - decay), scale, params, grads, h=h)


@inputs.entry
def adam_update(
    params: list[Array],
    grads: list[Array],
    m: list[Array],
    v: list[Array],
    *,
    lr: float,
    beta1: float,
    beta2: float,
    step: int,
    scale: Any = 1.0,
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.adam_update`."""
    rate = float(adam_rate(lr, beta1, beta2, step))
    numbers = (rate, 1 - checks.number("beta1", beta1), 1 - checks.number("beta2", beta2))
    _update("adam", numbers, scale, params, grads, m=m, v=v)

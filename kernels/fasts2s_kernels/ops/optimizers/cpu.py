"""Clipping and parameter updates, in place: one pass over all parameters, in one call, in float32."""

import math
from typing import Any, NamedTuple

import numpy as np

from fasts2s_kernels import checks
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cpu import arrays as arr
from fasts2s_kernels.cpu import threads
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.ops.optimizers import cpu_loops as loops
from fasts2s_kernels.ops.optimizers import cpu_records as records
from fasts2s_kernels.ops.optimizers import reference
from fasts2s_kernels.ops.optimizers.reference import adam_rate
from fasts2s_kernels.quiet import quiet

#: What an element costs, in multiply-adds: it is read and written, and divided by a root.
_COST = 8


def _flat(a: Array, order: str) -> Array | None:
    """Return the memory of a float32 array as (size,) in an order, or None where that would be a copy."""
    flags = a.flags
    if a.dtype != arr.FLOAT32:
        arr.say_double()
        return None
    if not flags.aligned:
        return None
    if order == "C":
        return a.reshape(-1) if flags.c_contiguous else None
    return a.T.reshape(-1) if flags.f_contiguous else None


def _flat_alike(arrays: tuple[Array, ...]) -> list[Array] | None:
    """Return the memory of arrays of one shape, in the order that all of them have, or None if there is none."""
    for order in "CF":
        flat = [f for f in (_flat(a, order) for a in arrays) if f is not None]
        if len(flat) == len(arrays):
            return flat
    return None


def _plain(lists: Any) -> bool:
    """Whether lists are what training hands over: as many float32 arrays of equal shapes in each, to be written."""
    if not all(type(arrays) is list and len(arrays) == len(lists[0]) for arrays in lists):
        return False
    for arrays in zip(*lists, strict=True):
        shape = arrays[0].shape if type(arrays[0]) is np.ndarray else None
        for a in arrays:
            if type(a) is not np.ndarray or a.dtype is not arr.FLOAT32 or a.shape != shape or not a.flags.carray:
                return False
    return True


class _Tables(NamedTuple):
    """Parameters by how they are worked on: the rows of a table at once, table after table; and the others."""

    tables: list[Array]
    others: list[tuple[Array, ...]]


def _describe(lists: list[list[Array]], plain: bool) -> _Tables:
    """Return the tables, see ``cpu_loops``, of lists of p, g and slots; ``plain`` is what :func:`_plain` says."""
    table, count, others = np.empty((max(len(lists[0]), 1), records.COLUMNS), np.int64), 0, []
    missing = [arr.NONE1] * (4 - len(lists))
    for arrays in zip(*lists, strict=True):
        flat = [a.reshape(-1) for a in arrays] if plain else _flat_alike(arrays)
        if flat is None:
            others.append(arrays)
        elif flat[0].size:
            loops.DESCRIBE(1, records.Parameter(table, count, flat[0].size, *flat, *missing), 1)
            count += 1
    table = table[:count]
    if not table[:, records.SHARED].any():
        return _Tables([table] if count else [], others)
    rows = [table[k : k + 1].copy() for k in range(count)]  # arrays that share memory: one after the other
    for row in rows:
        row[0, records.FIRST_TASK] = 0
    return _Tables(rows, others)


def _tasks(table: Array) -> int:
    return int(table[-1, records.FIRST_TASK]) - (-int(table[-1, records.SIZE]) // records.CHUNK)


def _run(launch: Launch, table: Array, numbers: dict[str, Any]) -> None:
    """Run a rule on all rows of a table."""
    workers = threads.workers_for(int(table[:, records.SIZE].sum()) * _COST)
    launch(workers, launch.record(count=len(table), table=table, **numbers), _tasks(table))


def _norm(found: _Tables) -> float:
    total = sum(float(np.sum(np.square(g, dtype=np.float64))) for (g,) in found.others)
    for table in found.tables:
        sums = np.empty(_tasks(table))
        _run(loops.SUM_SQUARES, table, {"sums": sums})
        total += float(sums.sum())
    return math.sqrt(total)


@quiet
def clip_grads(grads: list[Array], max_norm: float | None) -> float:
    """See :meth:`fasts2s_kernels.contract.Kernels.clip_grads`."""
    plain = _plain([grads])
    if not plain:
        grads = checks.array_list("grads", grads)
    checks.norm_limit(max_norm)  # before any work
    found = _describe([grads], plain)
    norm = _norm(found)
    rate = checks.clip_rate(norm, max_norm)
    if rate < 1:
        for (g,) in found.others:
            g *= rate
        for table in found.tables:
            _run(loops.SCALE, table, {"factor": rate})
    return norm


def _checked(params: Any, grads: Any, **slots: Any) -> _Tables:
    """Return params, grads and slots, checked, as tables; what is plain to see is not looked at twice."""
    lists = [params, grads, *slots.values()]
    if _plain(lists):
        return _describe(lists, plain=True)
    params, grads, held = checks.update_lists(params, grads, **slots)
    return _describe([params, grads, *held.values()], plain=False)


def _update(launch: Launch, otherwise: Any, rule: dict[str, float], options: dict[str, Any], found: _Tables) -> None:
    """Update every parameter of :func:`_checked`. ``otherwise`` does what launch cannot: float64.

    ``rule`` are the numbers of the launch's record, ``options`` those of the reference; ``scale`` is both.
    """
    rule = {"scale": checks.number("scale", options["scale"]), **rule}
    for table in found.tables:
        _run(launch, table, rule)
    for arrays in found.others:
        otherwise(*([a] for a in arrays), **options)


@quiet
def sgd_update(params: list[Array], grads: list[Array], *, lr: float, scale: float = 1.0) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.sgd_update`."""
    found = _checked(params, grads)
    rule = {"lr": checks.number("lr", lr)}
    _update(loops.SGD, reference.sgd_update, rule, {"lr": lr, "scale": scale}, found)


@quiet
def momentum_update(
    params: list[Array], grads: list[Array], v: list[Array], *, lr: float, momentum: float, scale: float = 1.0
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.momentum_update`."""
    found = _checked(params, grads, v=v)
    rule = {"lr": checks.number("lr", lr), "momentum": checks.number("momentum", momentum)}
    options = {"lr": lr, "momentum": momentum, "scale": scale}
    _update(loops.MOMENTUM, reference.momentum_update, rule, options, found)


@quiet
def nesterov_update(
    params: list[Array], grads: list[Array], v: list[Array], *, lr: float, momentum: float, scale: float = 1.0
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.nesterov_update`."""
    found = _checked(params, grads, v=v)
    rate, mass = checks.number("lr", lr), checks.number("momentum", momentum)
    rule = {"lr": rate, "momentum": mass, "ahead": mass * mass, "pull": (1 + mass) * rate}
    options = {"lr": lr, "momentum": momentum, "scale": scale}
    _update(loops.NESTEROV, reference.nesterov_update, rule, options, found)


@quiet
def adagrad_update(params: list[Array], grads: list[Array], h: list[Array], *, lr: float, scale: float = 1.0) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.adagrad_update`."""
    found = _checked(params, grads, h=h)
    rule = {"lr": checks.number("lr", lr), "keep": 1.0, "new": 1.0}
    _update(loops.RMSPROP, reference.adagrad_update, rule, {"lr": lr, "scale": scale}, found)


@quiet
def rmsprop_update(
    params: list[Array], grads: list[Array], h: list[Array], *, lr: float, decay_rate: float, scale: float = 1.0
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.rmsprop_update`."""
    found = _checked(params, grads, h=h)
    rate, decay = checks.number("lr", lr), checks.number("decay_rate", decay_rate)
    rule = {"lr": rate, "keep": decay, "new": 1 - decay}
    options = {"lr": lr, "decay_rate": decay_rate, "scale": scale}
    _update(loops.RMSPROP, reference.rmsprop_update, rule, options, found)


@quiet
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
    scale: float = 1.0,
) -> None:
    """See :meth:`fasts2s_kernels.contract.Kernels.adam_update`.

    Implementation: all in float32; the book under NumPy 2 computes the last line in float64 and rounds then.
    """
    found = _checked(params, grads, m=m, v=v)
    rule = {
        "lr": float(adam_rate(lr, beta1, beta2, step)),
        "new1": 1 - checks.number("beta1", beta1),
        "new2": 1 - checks.number("beta2", beta2),
    }
    options = {"lr": lr, "beta1": beta1, "beta2": beta2, "step": step, "scale": scale}
    _update(loops.ADAM, reference.adam_update, rule, options, found)

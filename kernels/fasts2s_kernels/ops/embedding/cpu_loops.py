"""Compiled loops of the embedding: rows of a table by id, and sums of gradients by id."""

from typing import NamedTuple

from fasts2s_kernels.cpu.gemm import load_first, store_first
from fasts2s_kernels.cpu.jit import kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import Launch
from fasts2s_kernels.cpu.record import C2, Ids1, Out2, record
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.cpu.vector_memory import zero


@record
class Forward(NamedTuple):
    """What a call works on."""

    K: Int  # ids
    D: Int
    group: Int  # ids of a task
    W: C2  # (V, D)
    ids: Ids1  # (K,)
    out: Out2  # (K, D)


@record
class Backward(NamedTuple):
    """What a call works on."""

    K: Int  # ids
    D: Int
    V: Int
    group: Int  # rows of the table of a task
    dout: C2  # (K, D)
    ids: Ids1  # (K,)
    dW: Out2  # (V, D)


@kernel
def embedding_rows(worker: Int, task: Int, a: Forward) -> None:
    """Copy the rows of a group of ids."""
    D = a.D
    for k in range(task * a.group, min(a.K, (task + 1) * a.group)):
        source, target = a.W + D * a.ids[k], a.out + D * k
        for d in range(0, D, LANES):
            store_first(target + d, load_first(source + d, D - d), D - d)


@kernel
def embedding_sums(worker: Int, task: Int, a: Backward) -> None:
    """Clear a group of rows of the table and add to them what belongs there, in the order of the ids."""
    D, first, end = a.D, task * a.group, min(a.V, (task + 1) * a.group)
    zero(a.dW + D * first, D * (end - first))
    for k in range(a.K):
        row = a.ids[k]
        if first <= row < end:
            source, target = a.dout + D * k, a.dW + D * row
            for d in range(0, D, LANES):
                total = load_first(target + d, D - d) + load_first(source + d, D - d)
                store_first(target + d, total, D - d)


FORWARD, BACKWARD = Launch(Forward, embedding_rows), Launch(Backward, embedding_sums)

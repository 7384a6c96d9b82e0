"""What clipping and the update rules work on: a table of the parameters, and the numbers of a rule.

``scale`` is the factor of all gradients: g in a rule is a gradient times it.
"""

from typing import NamedTuple

from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.record import C1, Ids2, OutDoubles1, OutIds2, Single, record

#: Elements of one task: 64 KB of every array.
CHUNK = 16384
#: Columns of a table: elements, addresses, the first task, and whether memory is shared with a row before.
SIZE, P, G, SLOT1, SLOT2, FIRST_TASK, SHARED = range(7)
COLUMNS = 7


@record
class Parameter(NamedTuple):
    """A parameter, its gradient and its slots, which are to be row k of a table."""

    table: OutIds2  # (at least k + 1, COLUMNS)
    k: Int
    size: Int
    p: C1  # (size,)
    g: C1  # (size,) or empty, as the slots
    slot1: C1
    slot2: C1


@record
class Squares(NamedTuple):
    """The sums of squares of chunks."""

    count: Int
    table: Ids2  # (count, COLUMNS), gradients as p
    sums: OutDoubles1  # (tasks,)


@record
class Scaling(NamedTuple):
    """Gradients times a factor."""

    count: Int
    table: Ids2  # (count, COLUMNS), gradients as p
    factor: Single


@record
class Sgd(NamedTuple):
    """Stochastic gradient descent."""

    count: Int
    table: Ids2  # (count, COLUMNS)
    scale: Single
    lr: Single


@record
class Momentum(NamedTuple):
    """Momentum; a slot for velocities."""

    count: Int
    table: Ids2  # (count, COLUMNS)
    scale: Single
    lr: Single
    momentum: Single


@record
class Nesterov(NamedTuple):
    """Nesterov's momentum, as in the book; a slot for velocities."""

    count: Int
    table: Ids2  # (count, COLUMNS)
    scale: Single
    lr: Single
    momentum: Single
    ahead: Single  # momentum^2
    pull: Single  # (1 + momentum) lr


@record
class Rmsprop(NamedTuple):
    """RMSprop and AdaGrad; a slot for squares."""

    count: Int
    table: Ids2  # (count, COLUMNS)
    scale: Single
    lr: Single
    keep: Single  # of the old squares
    new: Single  # of the new ones


@record
class Adam(NamedTuple):
    """Adam; slots for means and squares."""

    count: Int
    table: Ids2  # (count, COLUMNS)
    scale: Single
    lr: Single  # with the correction of the bias
    new1: Single  # 1 - beta1
    new2: Single  # 1 - beta2

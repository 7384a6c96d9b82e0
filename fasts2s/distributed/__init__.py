"""Training by several processes, each on its part of every batch: ``mpiexec -n 4 python train.py``.

>>> with fasts2s.distributed.session("mpi"):
...     Trainer(model, optimizer).fit(x, t, batch_size=128)

The parameters are those of one process with the same batch size, up to rounding, and to the bit the same in all
processes. See docs/distributed.md.
"""

from fasts2s.distributed.errors import RankError
from fasts2s.distributed.ranks import Ranks, current
from fasts2s.distributed.session import session
from fasts2s.distributed.weights import fingerprint_of_weights

__all__ = ["RankError", "Ranks", "current", "fingerprint_of_weights", "session"]

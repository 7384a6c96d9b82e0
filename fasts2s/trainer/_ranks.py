"""A step of several processes: the gradients of a batch from those of its parts."""

from typing import Any

from fasts2s.distributed import Ranks
from fasts2s.optimizers import remove_duplicate
from fasts2s_kernels.arrays import AnyArray, Array


def gradients_of_all(ranks: Ranks, model: Any, xs: AnyArray, ts: AnyArray) -> tuple[Any, list[Array], list[Array]]:
    """Return the loss of a batch, the parameters and its gradients, each shared one once, the same on all ranks.

    Parameters
    ----------
    ranks : Ranks
    model : of a trainer
        Its ``label_count(ts)`` says how many labels a loss is the mean of; without that all rows weigh the same.
    xs, ts : (N, ...)
        The whole batch. This rank computes on its rows.
    """
    count = getattr(model, "label_count", len)
    with ranks.part(len(ts)) as (rows, counts):
        mine = ts[rows]
        loss = model.forward(xs[rows], mine)
        model.backward()
    params, grads = remove_duplicate(model.params, model.grads)
    total = count(ts)
    # Without any label all gradients are zeros, and any weight is right.
    weight = 0.0 if not counts else count(mine) / total if total else 1 / ranks.size
    grads, loss = ranks.mean(grads, loss, weight)
    return loss, params, grads


def described(trainer: Any) -> dict[str, Any]:
    """Return what must be the same on all ranks, by names that a message may call it by."""
    model, optimizer = trainer.model, trainer.optimizer
    rates = {name: value for name, value in vars(optimizer).items() if isinstance(value, int | float)}
    return {
        "model": f"{type(model).__name__} of shapes {[p.shape for p in model.params]}",
        "dtypes": [str(p.dtype) for p in model.params],
        "backend": getattr(getattr(model, "backend", None), "name", None),
        "optimizer": f"{type(optimizer).__name__} {rates}",
        "trainer": (trainer.nonfinite, trainer.accumulate, type(trainer.schedule).__name__, trainer.average is None),
    }

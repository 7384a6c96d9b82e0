"""What a trainer keeps: its model, its optimiser, NumPy's generator, its counts and its place in the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fasts2s.resuming.objects import (
    give_model,
    give_object,
    global_random,
    set_global_random,
    take_model,
    take_object,
)
from fasts2s.resuming.tree import pack, unpack
from fasts2s_kernels.arrays import Array

#: Of both trainers, as far as they have them.
_NAMES = (
    "current_epoch", "updates", "labels", "loss_list", "ppl_list", "time_idx", "_total", "_count", "_gathered",
    "_sums",
)  # fmt: skip
_OBJECTS = ("optimizer", "schedule", "average")


@dataclass
class Place:
    """A place in the data of one call of fit.

    epoch, step : how many are done, the steps of those of this epoch
    order : (L,) int64, the rows in the order of this epoch; None before the first, and where none are shuffled
    seconds : that the call has taken
    """

    epoch: int = 0
    step: int = 0
    order: Array | None = None
    seconds: float = 0.0


def take_trainer(trainer: Any, arrays: dict[str, Array], ranks: Any) -> Any:
    """Return the state of a trainer between two steps as JSON and arrays. ValueError for what cannot be kept.

    ranks : fasts2s.distributed.Ranks
        The state of layers is that of the rows of all of them, on rank 0; all call this together.
    """
    tree = _taken(trainer, arrays)
    if ranks.size > 1:
        ranks.require_same_weights(trainer.model.params)
        arrays |= ranks.joined({name: a for name, a in arrays.items() if _is_of_rows(name, a)})
    return tree


def _is_of_rows(name: str, a: Array) -> bool:
    """Return whether an array is the state of a layer, (N, H): h or c of take_model."""
    return name.startswith("layers/") and name.replace(".", "/").rpartition("/")[2] in {"h", "c"} and a.ndim > 0


def _taken(trainer: Any, arrays: dict[str, Array]) -> Any:
    return {
        "model": take_model(trainer.model, arrays),
        "numpy": global_random(arrays),
        "counts": {name: pack(value, arrays, f"trainer/{name}") for name, value in _counts(trainer)},
        "place": pack(vars(trainer._place), arrays, "place"),
        **{
            name: take_object(owner, arrays, name)
            for name in _OBJECTS
            if (owner := getattr(trainer, name)) is not None
        },
    }


def give_trainer(trainer: Any, tree: Any, arrays: dict[str, Array], ranks: Any) -> None:
    """Put back what take_trainer returned; ValueError if it is that of another model or has other parts.

    ranks : fasts2s.distributed.Ranks
        Each gets the state of its rows, however many there were before.
    """
    arrays = {name: ranks.own(a) if _is_of_rows(name, a) else a for name, a in arrays.items()}
    parts = [name for name in _OBJECTS if getattr(trainer, name) is not None]
    came = [name for name in _OBJECTS if name in tree]
    if parts != came:
        raise ValueError(f"its trainer has {', '.join(came)}, this one {', '.join(parts)}")
    give_model(trainer.model, tree["model"], arrays)
    like = trainer.model.params[0] if trainer.model.params else None
    for name in parts:
        give_object(getattr(trainer, name), tree[name], arrays, like)
    for name, value in tree["counts"].items():
        setattr(trainer, name, unpack(value, arrays, like))
    place = Place(**unpack(tree["place"], arrays))
    if place.order is not None:
        place.order.setflags(write=False)
    trainer._given = place if place.epoch or place.step else None  # else the next fit is a new one
    set_global_random(tree["numpy"], arrays)


def _counts(trainer: Any) -> list[tuple[str, Any]]:
    return [(name, getattr(trainer, name)) for name in _NAMES if hasattr(trainer, name)]

"""What the options of a run say of its learning rate, of averages, and of when to stop."""

from typing import Any

from fasts2s.schedules import EarlyStopping, WeightAverage, make_schedule


def plan(options: Any, trainer: Any, steps: int, larger_is_better: bool) -> None:
    """Give a trainer the schedule and the average that options ask for, if they do; steps of the whole run."""
    name, warmup = getattr(options, "schedule", None), getattr(options, "warmup", None)
    if name is not None or warmup is not None:
        trainer.schedule = make_schedule(
            name or "constant", trainer.optimizer.lr, steps, warmup, larger_is_better=larger_is_better
        )
    if getattr(options, "average", False):
        trainer.average = WeightAverage()


def is_out_of_patience(options: Any, values: list[float], larger_is_better: bool) -> bool:
    """Return whether what was measured after each epoch is enough, by ``--patience``."""
    patience = getattr(options, "patience", None)
    if patience is None:
        return False
    stopping = EarlyStopping(patience, larger_is_better=larger_is_better)
    return [stopping.enough(value) for value in values][-1]

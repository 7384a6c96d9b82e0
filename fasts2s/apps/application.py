"""What an application over pairs of texts is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from fasts2s.text import Pairs
from fasts2s.text_to_text import TextToText

#: (source, answer, target) -> how right an answer is, from 0 to 1.
Rightness: TypeAlias = Callable[[str, str, str], float]
#: What is printed at the end, and numbers for history.json.
Findings: TypeAlias = tuple[list[str], dict[str, float]]
#: (model, unseen pairs, its answers to them) -> findings.
Report: TypeAlias = Callable[[TextToText, Pairs, Sequence[str]], Findings]


def exact(source: str, answer: str, target: str) -> float:
    """Return 1 for an answer that is the target, else 0."""
    return float(answer == target)


class Parts(NamedTuple):
    """The pairs of an application.

    Attributes
    ----------
    train : to learn from
    held_out : to measure with after every epoch, which decides what epoch was the best
    test : for the score at the end
    """

    train: Pairs
    held_out: Pairs
    test: Pairs


@dataclass(frozen=True)
class Application:
    """An application over pairs of texts, declared.

    Attributes
    ----------
    name : str
        That of the command.
    title : str
        What is learned, for the picture of the curve.
    parts : Parts
    settings : dict
        Options of ``fasts2s train pairs`` by their names, where they differ from :data:`USUAL`.
    quick : int
        Pairs that ``--quick`` learns from, in so many ``quick_epochs``.
    rightness : function or None
        Its mean over unseen pairs is the score. None: there is no right answer; the perplexity is the score.
    label : str
        What the score counts.
    report : function or None
        What else is found out at the end.
    """

    name: str
    title: str
    parts: Parts
    settings: Mapping[str, Any] = field(default_factory=dict)
    quick: int = 3000
    quick_epochs: int = 6
    rightness: Rightness | None = exact
    label: str = "exact answers"
    report: Report | None = None


#: Options of ``fasts2s train pairs`` that applications share: generated data are plenty, nothing has to be dropped.
USUAL: dict[str, Any] = {
    "epochs": 10,
    "batch_size": 32,  # many small steps: attention is found sooner than in few large ones
    "hidden": 128,
    "wordvec": 64,
    "lr": 0.003,
    "max_grad": 5.0,
    "dropout": 0.0,
    "bidirectional": True,
    "attention": "general",
    "max_length": 400,
}


def pairs_of(rows: Sequence[tuple[str, str]], origin: str) -> Pairs:
    """Return rows of source and target as pairs."""
    return Pairs([source for source, _ in rows], [target for _, target in rows], origin)

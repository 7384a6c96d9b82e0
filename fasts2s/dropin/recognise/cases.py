"""What a class of the book is tried on: arguments of its constructor, of forward and of backward, drawn at random."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fasts2s.dropin.recognise import references
from fasts2s.dropin.recognise.dice import Dice, Shape

Draw = Callable[[Dice], tuple[Any, ...]]


@dataclass(frozen=True)
class Case:
    """How a class of the book is called.

    Attributes
    ----------
    weights, inputs, gradient : function
        Arguments of the constructor (stateful follows where ``stateful``), of forward, of backward.
    grads : tuple of str
        What the gradients of the parameters are called.
    gates : tuple of str
        Blocks of columns of weights and gradients.
    kinds : tuple of str
        Kinds of inputs that it is tried on beside floats in every order.
    stateful : bool
        Whether it holds a state from call to call.
    states : int
        How many arrays ``set_state`` takes.
    integers : bool
        Whether it takes ids or labels.
    is_loss : bool
        Whether forward returns a number, which the book leaves infinite or NaN where ours is not.
    read : tuple of str
        Attributes that ours read beside the state and the lists of weights and gradients.
    method : str
        What is run at first: forward, or update of an optimiser.
    sets : tuple of str
        Attributes that ours set beside the state.
    asked : function or None
        Arguments of ``generate``.
    is_model : bool
        Whether it is made of layers: its constructor takes sizes, and draws weights.
    reference : type or None
        What it is tried beside where nothing of it is replaced. ``weights`` are the arguments of its constructor, and
        what that makes are the attributes of what is tried: those of a reader's are looked at when a loop begins.
    silent : function or None
        The same constructor, of one that does not keep what it returns.
    parts_have : tuple of str
        Methods of its parts.
    """

    weights: Draw
    inputs: Draw
    gradient: Draw
    grads: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("fortran", "reversed", "transposed")
    stateful: bool = False
    states: int = 0
    integers: bool = False
    is_loss: bool = False
    read: tuple[str, ...] = ()
    method: str = "forward"
    sets: tuple[str, ...] = ()
    asked: Draw | None = None
    is_model: bool = False
    reference: Callable[..., Any] | None = None
    silent: Callable[..., Any] | None = None
    parts_have: tuple[str, ...] = ()


def _recurrent(k: int, gates: tuple[str, ...], states: int) -> Case:
    return Case(
        lambda d: d.weights(f"D {k}*H", f"H {k}*H", f"{k}*H"), lambda d: (d.floats("N T D"),),
        lambda d: (d.gradient("N T H"),), ("Wx", "Wh", "b"), gates, stateful=True, states=states,
        read=("stateful",),
    )  # fmt: skip


_IDS = ("int32", "negative", "repeated")
_LABELS = ("ignored", "all ignored", "one-hot", "int32", "fortran", "transposed")
CASES: dict[str, Case] = {
    "TimeLSTM": _recurrent(4, ("forget gate", "candidate g", "input gate", "output gate"), 2),
    "TimeRNN": _recurrent(1, (), 1),
    "TimeGRU": _recurrent(3, ("update gate", "reset gate", "candidate"), 1),
    "TimeEmbedding": Case(
        lambda d: d.weights("V D"), lambda d: (d.ids("N T"),), lambda d: (d.gradient("N T D"),), ("W",), kinds=_IDS,
        integers=True, read=("W",),
    ),
    "TimeAffine": Case(
        lambda d: d.weights("D H", "H"), lambda d: (d.floats("N T D"),), lambda d: (d.gradient("N T H"),), ("W", "b")
    ),
    "TimeSoftmaxWithLoss": Case(
        lambda d: (), lambda d: (d.floats("N T V"), d.labels("N T")), lambda d: (d.upstream,), kinds=_LABELS,
        integers=True, is_loss=True, read=("ignore_label",),
    ),
    "TimeAttention": Case(
        lambda d: (), lambda d: (d.floats("N S H"), d.floats("N T H")), lambda d: (d.gradient("N T H"),)
    ),
    "MatMul": Case(lambda d: d.weights("D H"), lambda d: (d.floats("N D"),), lambda d: (d.gradient("N H"),), ("W",)),
    "Affine": Case(
        lambda d: d.weights("D H", "H"), lambda d: (d.floats("N D"),), lambda d: (d.gradient("N H"),), ("W", "b")
    ),
    "Embedding": Case(
        lambda d: d.weights("V D"), lambda d: (d.ids("N"),), lambda d: (d.gradient("N D"),), ("W",), kinds=_IDS,
        integers=True,
    ),
}  # fmt: skip
_UPDATED = ("N H", "T D", "V", "D S H")
CASES |= {
    name: Case(
        lambda d: (), lambda d: ([d.weights(a)[0] for a in _UPDATED], [d.gradient(a) for a in _UPDATED]),
        lambda d: (), kinds=("fortran",), method="update",
    )
    for name in ("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam")
}  # fmt: skip


def _model(inputs: Draw, gradient: Draw, asked: Draw | None = None, *sets: str) -> Case:
    return Case(
        lambda d: (d.shape["V"], d.shape["D"], d.shape["H"]), inputs, gradient, kinds=(), is_model=True, asked=asked,
        sets=sets, integers=True,
    )  # fmt: skip


def _question(d: Dice) -> tuple[Any, ...]:
    return d.ids("N T")[:1], 0, d.shape["T"] + 2


def _state(d: Dice) -> tuple[Any, ...]:
    return d.floats("N H", 0.7)[:1], 0, d.shape["T"] + 2


def _states(d: Dice) -> tuple[Any, ...]:
    return d.floats("N S H", 0.7)[:1], 0, d.shape["T"] + 2


def _scores(d: Dice) -> tuple[Any, ...]:
    return (d.gradient("N T V"),)


CASES |= {
    "Encoder": _model(lambda d: (d.ids("N T"),), lambda d: (d.gradient("N H"),), None, "hs"),
    "AttentionEncoder": _model(lambda d: (d.ids("N T"),), lambda d: (d.gradient("N T H"),)),
    "Decoder": _model(lambda d: (d.ids("N T"), d.floats("N H", 0.7)), _scores, _state),
    "PeekyDecoder": _model(lambda d: (d.ids("N T"), d.floats("N H", 0.7)), _scores, _state, "cache"),
    "AttentionDecoder": _model(lambda d: (d.ids("N T"), d.floats("N S H", 0.7)), _scores, _states),
    "Seq2seq": _model(lambda d: (d.ids("N T"), d.ids("N S")), lambda d: (), _question),
}


def _corpus(d: Dice) -> Any:
    """Return ids of all words, more of them than are drawn at once, in some order."""
    V = d.shape["V"] + _DRAWN
    return d.rng.permutation(np.concatenate([np.arange(V), d.rng.integers(0, V, 3 * V)]))


def _contexts(d: Dice) -> Any:
    return np.stack([d.ids("N") for _ in range(4)], axis=1)


def _rows(d: Dice) -> Any:
    return d.rng.normal(0, 0.6, (d.shape["V"] + _DRAWN, d.shape["H"])).astype(d.dtype)


_DRAWN = 7
CASES |= {
    "SigmoidWithLoss": Case(
        lambda d: (), lambda d: (d.floats("N"), d.ids("N") % 2), lambda d: (d.upstream,), kinds=("int32",),
        integers=True, is_loss=True, reference=references.SigmoidWithLoss,
        silent=partial(references.SigmoidWithLoss, keeps_loss=False),
    ),
    "EmbeddingDot": Case(
        lambda d: d.weights("V H"), lambda d: (d.floats("N H"), d.ids("N")), lambda d: (d.gradient("N"),), ("W",),
        kinds=("int32", "repeated", "fortran"), integers=True, reference=references.EmbeddingDot,
    ),
    "NegativeSamplingLoss": Case(
        lambda d: (_rows(d), _corpus(d)), lambda d: (d.floats("N H"), d.ids("N")), lambda d: (d.upstream,),
        kinds=("int32", "repeated"), integers=True, is_loss=True, reference=references.NegativeSamplingLoss,
        parts_have=("get_negative_sample",),
    ),
} | {
    kind.__name__: Case(
        lambda d: (_rows(d), _rows(d), _corpus(d), 2), lambda d: (_contexts(d), d.ids("N")),
        lambda d: (d.upstream,), kinds=("int32",), integers=True, is_loss=True, reference=kind,
    )
    for kind in (references.CBOW, references.SkipGram)
}  # fmt: skip
#: What is tried in a way of its own, see :mod:`fasts2s.dropin.recognise.draws`.
SAMPLER = "UnigramSampler"

SHAPES: tuple[Shape, ...] = (
    {"N": 2, "T": 7, "S": 4, "D": 3, "H": 6, "V": 9},
    {"N": 7, "T": 3, "S": 6, "D": 8, "H": 2, "V": 4},
    {"N": 3, "T": 1, "S": 2, "D": 2, "H": 7, "V": 6},
    {"N": 1, "T": 1, "S": 1, "D": 1, "H": 1, "V": 1},
    {"N": 6, "T": 8, "S": 7, "D": 7, "H": 9, "V": 11},
)


def plain_dice() -> Dice:
    """Return what draws numbers of the first shape, single and of the usual size."""
    return Dice(np.random.default_rng(0), SHAPES[0])

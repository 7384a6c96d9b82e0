"""A model from nothing but its parameters, as the book's pickles hold them: its class is found from their shapes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fasts2s.backend import BackendLike
from fasts2s.models import AttentionSeq2seq, BetterRnnlm, PeekySeq2seq, Rnnlm, Seq2seq, SimpleRnnlm

#: What the book's models are called in commands.
NAMES = {
    "simple-rnnlm": SimpleRnnlm,
    "rnnlm": Rnnlm,
    "better-rnnlm": BetterRnnlm,
    "seq2seq": Seq2seq,
    "peeky-seq2seq": PeekySeq2seq,
    "attention-seq2seq": AttentionSeq2seq,
}


def model_of_params(
    params: Sequence[Any], name: str | None = None, origin: str = "the list", backend: BackendLike | None = None
) -> Any:
    """Return a model of the book with these parameters.

    Parameters
    ----------
    params : list of arrays, in the book's order
    name : a key of NAMES, or None: found from the shapes
    origin : what they come from, for errors

    Raises
    ------
    ValueError : they fit no model, not that one, or not one another
    """
    wanted = list(NAMES) if name is None else [name]
    if name is not None and name not in NAMES:
        raise ValueError(f"model is {name!r}, expected one of {', '.join(NAMES)}")
    shapes = [tuple(p.shape) for p in params]
    state = np.random.get_state()
    try:
        for candidate in wanted:
            if _shapes(candidate, shapes) == shapes:
                kind = NAMES[candidate]
                V, D = shapes[0]
                model: Any = kind(V, D, shapes[2][0], backend=backend)
                if kind is BetterRnnlm and not np.array_equal(params[0], params[-2].T):
                    raise ValueError(
                        f"{origin} has output weights that are not its word vectors, expected BetterRnnlm"
                    )
                model.set_params(list(params), origin)
                return model
    finally:
        np.random.set_state(state)
    raise ValueError(f"{origin} holds arrays of shapes {shapes}, expected those of {' or '.join(wanted)}")


def _shapes(name: str, shapes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return the shapes that a model has if its first ones are those of shapes; nothing if they are none."""
    if len(shapes) < 3 or any(len(shape) != 2 for shape in shapes[:3]):
        return []
    (V, D), H = shapes[0], shapes[2][0]
    if name == "simple-rnnlm":
        return [(V, D), (D, H), (H, H), (H,), (H, V), (V,)]
    below = [(V, D), (D, 4 * H), (H, 4 * H), (4 * H,)]
    if name == "rnnlm":
        return [*below, (H, V), (V,)]
    if name == "better-rnnlm":
        return [*below, *below[1:], (H, V), (V,)] if D == H else []
    inputs, outputs = (H + D if name.startswith("peeky") else D), (H if name == "seq2seq" else 2 * H)
    return [*below, (V, D), (inputs, 4 * H), *below[2:], (outputs, V), (V,)]

"""A model from nothing but its parameters, as the book's pickles hold them: its class is found from their shapes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fasts2s.backend import Backend, BackendLike, FloatName, get_backend, to_cpu
from fasts2s.exchange._form import BOOK_SEQ2SEQ, Form, form_for
from fasts2s.exchange._random import random_kept
from fasts2s.models import AttentionSeq2seq, BetterRnnlm, PeekySeq2seq, Rnnlm, Seq2seq, SimpleRnnlm
from fasts2s_kernels.checks import flag
from fasts2s_kernels.checks.arguments import as_text, listed_arrays, one_of
from fasts2s_kernels.checks.either import require_real

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
    params: Sequence[Any],
    name: str | None = None,
    origin: str = "the list",
    backend: BackendLike | None = None,
    *,
    reverse: bool = False,
    pad_id: int | None = None,
) -> Any:
    """Return a model of the book with these parameters; arrays of float64 give one of float64.

    Parameters
    ----------
    params : list of arrays of real numbers, in the book's order
    name : a key of NAMES, or None: found from the shapes
    origin : what they come from, for errors
    reverse, pad_id : of :class:`fasts2s.models.Seq2seq` and its kin, which parameters do not say

    Raises
    ------
    ValueError : they are no such arrays, fit no model, not that one, or not one another; reverse or pad_id for a
        language model
    """
    arrays, origin = listed_arrays("params", params), as_text("origin", origin)
    for i, a in enumerate(arrays):
        require_real(f"params[{i}]", a)
    shapes = [tuple(a.shape) for a in arrays]
    sizes = (*shapes[0], shapes[2][0]) if len(shapes) > 2 and [len(s) for s in shapes[:3]] == [2, 2, 2] else None
    kind, *VDH = fitting(Form.shapes, shapes, sizes, name, origin)
    # What is tied here is a copy in the list; NaN is equal to nothing, and a copy of it is still one.
    if kind is BetterRnnlm and not np.array_equal(to_cpu(arrays[0]), to_cpu(arrays[-2]).T, equal_nan=True):
        raise ValueError(f"{origin} has output weights that are not its word vectors, expected BetterRnnlm")
    dtype: FloatName | None = "float64" if any(a.dtype == np.float64 for a in arrays) else None
    model = book_model(kind, tuple(VDH), reverse, pad_id, get_backend(backend, dtype=dtype))
    model.set_params(arrays, origin)
    return model


def fitting(
    shapes_of: Callable[[Form], Any], shapes: Any, sizes: tuple[int, int, int] | None, name: str | None, origin: str
) -> tuple[Any, int, int, int]:
    """Return class, V, D and H of the book's model that has these shapes.

    Parameters
    ----------
    shapes_of : form -> shapes
    shapes : of what came
    sizes : V, D and H; None if what came has none
    name : a key of NAMES, or None: any
    origin : what they come from

    Raises
    ------
    ValueError : there is none, or it is another one
    """
    wanted = list(NAMES) if name is None else [one_of("name", name, NAMES)]
    if sizes is not None and min(sizes) > 0:
        V, D, H = sizes
        for kind in (NAMES[one] for one in wanted):
            form = form_for(kind, {"vocab_size": V, "wordvec_size": D, "hidden_size": H})
            if (D == H or not form.tied) and shapes_of(form) == shapes:
                return kind, V, D, H
    raise ValueError(f"{origin} holds arrays of shapes {shapes}, expected those of {' or '.join(wanted)}")


def book_model(kind: Any, sizes: tuple[int, ...], reverse: bool, pad_id: int | None, backend: Backend) -> Any:
    """Return a model of the book, of random weights; NumPy's generator stays as it was. Raises ValueError."""
    options: dict[str, Any] = {"reverse": flag("reverse", reverse), "pad_id": pad_id}
    if kind not in BOOK_SEQ2SEQ:
        for what, value in options.items():
            if value not in (None, False):
                raise ValueError(f"{what} is {value!r}, expected none: a {kind.__name__} reads no source")
        options = {}
    with random_kept():
        return kind(*sizes, **options, backend=backend)

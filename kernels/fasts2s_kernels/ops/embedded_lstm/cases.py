"""How the functions that are an embedding and an LSTM as one are called."""

from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cases import Argument, Function, Row, optional, weight
from fasts2s_kernels.drawing import Draw, Values, scaled
from fasts2s_kernels.letters import Sizes
from fasts2s_kernels.ops.affine.reference import affine_forward
from fasts2s_kernels.ops.attention.cases import side
from fasts2s_kernels.ops.attention.reference import attention_forward
from fasts2s_kernels.ops.lstm.reference import lstm_step

#: Two scores that are closer than this are too close for a choice.
CLEAR = 1e-4

_HARD = (
    ({"N": 1, "T": 7, "D": 16, "H": 128, "V": 13}, 1.0),
    ({"N": 5, "T": 3, "D": 17, "H": 33, "V": 70}, 1.0),
    # Many rows that begin alike.
    ({"N": 40, "T": 4, "D": 3, "H": 9, "V": 3}, 1.0),
    ({"N": 201, "T": 5, "D": 5, "H": 20, "V": 4}, 1.0),
    # Few rows with many units.
    ({"N": 1, "T": 4, "D": 9, "H": 403, "V": 21}, 1.0),
    ({"N": 2, "T": 3, "D": 5, "H": 450, "V": 7}, 1.0),
)
_WEIGHTS = {"Wx": weight("D 4H"), "Wh": weight("H 4H"), "b": optional("4H")}


def _spread(d: Draw, shape: tuple[int, ...]) -> Array:
    """Return output weights so large that the state decides the score, and another id is the best at every step."""
    return d.normal(shape, 4 * d.scale / max(shape[0], 1) ** 0.5)


def _slight(d: Draw, shape: tuple[int, ...]) -> Array:
    """Return a bias of scores that does not decide them."""
    return d.normal(shape, 0.3 * d.scale)


def _clear_rows(given: Values) -> Array:
    """Return (N,) whether the two best scores are far enough apart at every step, in float64."""
    w: Values = {name: a.astype(np.float64) if np.asarray(a).dtype.kind == "f" else a for name, a in given.items()}
    ids, h, c = w["start_ids"], w["h"], w.get("c", np.zeros_like(w["h"]))
    clear = np.ones(len(ids), bool)
    for _ in range(w["length"]):
        h, c = lstm_step(w["W"][ids], w["Wx"], w["Wh"], w.get("b"), h=h, c=c, row_bias=w.get("row_bias"))
        features = h
        if "hs_enc" in w:
            context, _, _ = attention_forward(w["hs_enc"], h[:, None], mask=w.get("mask"))
            features = np.concatenate((context[:, 0], h), axis=1)
        scores = affine_forward(features, w["W_out"], w.get("b_out")) + w.get("score_bias", 0.0)
        if scores.shape[1] > 1:
            two = np.partition(scores, -2, axis=1)[:, -2:]
            clear &= two[:, 1] - two[:, 0] > CLEAR
        ids = scores.argmax(axis=1)
    return clear


def _until_clear(d: Draw) -> None:
    """Draw the states of a row again where rounding would decide what it answers."""
    for _ in range(100):
        doubtful = np.flatnonzero(~_clear_rows(d.values))
        if not doubtful.size:
            return
        d.values["h"][doubtful] = d.normal((doubtful.size, d.sizes["H"]))
    raise ValueError(f"no clear choices at sizes {dict(d.sizes)} and scale {d.scale}: draw with another seed")


def _encode_flops(sizes: Sizes) -> int:
    return 2 * sizes["N"] * sizes["T"] * (sizes["D"] + sizes["H"]) * 4 * sizes["H"]


def _greedy_flops(sizes: Sizes) -> int:
    return _encode_flops(sizes) + 2 * sizes["N"] * sizes["T"] * sizes["H"] * sizes["V"]


def _attention_flops(sizes: Sizes) -> int:
    return _greedy_flops(sizes) + 2 * sizes["N"] * sizes["T"] * sizes["H"] * (sizes["V"] + 2 * sizes["S"])


def _answers(name: str, letters: str, W_out: str, more: dict[str, Argument], **options: Any) -> Function:
    """Return a function that chooses whole answers; ``more`` it has beside the others."""
    arguments = {
        "W": weight("V D", draw=scaled, reads="N T D"),
        "start_ids": Argument("ids N"),
        "length": Argument("size T"),
        **_WEIGHTS,
        "W_out": weight(W_out, draw=_spread),
        "b_out": Argument("V", draw=_slight, optional=True),
        "h": Argument("N H"),
        "c": optional("N H"),
        **more,
    }
    # Without hidden units all scores of a row are its bias.
    return Function(name, letters, arguments, {"ids_answers": "N T"}, least="VH", mend=_until_clear, **options)


# What is counted is what the formulas have: a table of all words and beginnings that rows share may make it less.
FUNCTIONS = (
    Function(
        "lstm_encode",
        "NTVDH",
        {
            "W": weight("V D", draw=scaled, reads="N T D"),
            "ids": Argument("ids N T"),
            **_WEIGHTS,
            "mask": optional("mask N T"),
        },
        {"out_h": "N H"},
        rows=(Row("addition", (1, 7, 13, 16, 128), "b"), Row("addition", (1000, 7, 13, 16, 128), "b")),
        edges=({"T": 0, "V": 0}, {"N": 0, "V": 0}),
        hard=_HARD,
        least="V",
        flops=_encode_flops,
    ),
    Function(
        "lstm_ids_step",
        "NVH",
        {
            "table": weight("V 4H", draw=scaled, reads="N 4H"),
            "ids": Argument("ids N"),
            "Wh": weight("H 4H"),
            "h": Argument("N H"),
            "c": Argument("N H"),
            "row_bias": optional("N 4H"),
        },
        {"out_h": "N H", "out_c": "N H"},
        rows=(Row("beam search", (2500, 2000, 256)),),
        edges=({"N": 0, "V": 0},),
        hard=(({"N": 201, "V": 65, "H": 33}, 1.0), ({"N": 2, "V": 7, "H": 450}, 1.0)),
        least="V",
        flops=lambda sizes: 2 * sizes["N"] * sizes["H"] * 4 * sizes["H"],
    ),
    _answers(
        "lstm_greedy",
        "NTVDH",
        "H V",
        {"row_bias": optional("N 4H"), "score_bias": Argument("N V", draw=_slight, optional=True)},
        rows=(
            Row("addition", (1, 4, 13, 16, 128), "b b_out"),
            Row("addition", (1000, 4, 13, 16, 128), "b b_out"),
            # The bias of the scores is in score_bias, with what the decoder peeks at.
            Row("Peeky decoder", (1000, 4, 13, 16, 128), "b row_bias score_bias"),
        ),
        hard=_HARD,
        flops=_greedy_flops,
    ),
    _answers(
        "attention_greedy",
        "NTSVDH",
        "2H V",
        {"hs_enc": Argument("N S H", draw=side), "mask": optional("mask N S")},
        rows=(Row("dates", (1, 10, 29, 59, 16, 256), "b b_out"), Row("dates", (500, 10, 29, 59, 16, 256), "b b_out")),
        hard=tuple((sizes | {"S": S}, scale) for (sizes, scale), S in zip(_HARD, (29, 70, 2, 5, 9, 1), strict=True)),
        flops=_attention_flops,
    ),
)

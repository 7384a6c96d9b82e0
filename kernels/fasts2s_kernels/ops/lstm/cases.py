"""How the functions of the LSTM layer are called; GRU and RNN are called alike."""

from fasts2s_kernels.cases import CACHE, Argument, Function, Row, buffers, gradient, optional, weight
from fasts2s_kernels.drawing import scaled
from fasts2s_kernels.letters import Sizes


def cell(
    name: str,
    gates: int,
    states: str,
    rows: tuple[Row, ...],
    step_rows: tuple[Row, ...],
    hard: tuple[tuple[Sizes, float], ...],
) -> tuple[Function, Function, Function]:
    """Return forward, backward and step of a recurrent layer.

    gates : blocks of its weights; states : a letter for each, ``hc`` or ``h``; rows : of forward and backward, N T D
    H; step_rows : N D H; hard : see :class:`fasts2s_kernels.cases.Function`.
    """
    G = f"{gates}H" if gates > 1 else "H"
    weights = {"Wx": weight(f"D {G}"), "Wh": weight(f"H {G}")}
    bias, row_bias = optional(G), optional(f"N {G}")

    def flops(sizes: Sizes) -> int:
        N, D, H = (sizes[letter] for letter in "NDH")
        return 2 * N * sizes.get("T", 1) * (D + H) * gates * H

    forward = Function(
        f"{name}_forward",
        "NTDH",
        {
            "xs": Argument("N T D"),
            **weights,
            "b": bias,
            **{f"{s}0": optional("N H") for s in states},
            "row_bias": row_bias,
            "mask": optional("mask N T"),
        },
        {"out_hs": "N T H", **{f"out_{s}": "N H" for s in states}},
        cached=True,
        rows=rows,
        hard=hard,
        flops=flops,
    )
    backward = Function(
        f"{name}_backward",
        "NTDH",
        {
            "dhs": gradient("N T H", "out_hs", optional=True),
            **weights,
            "cache": CACHE,
            **{f"d{s}_last": gradient("N H", f"out_{s}", optional=True) for s in states},
            **buffers(forward, "Wx", "Wh", "b"),
        },
        {"grad_xs": "N T D", **{f"grad_{s}0": "N H" for s in states}, "grad_row_bias": f"N {G}"},
        forward=forward,
        rows=rows,
        hard=hard,
        flops=lambda sizes: 2 * flops(sizes),
    )
    step = Function(
        f"{name}_step",
        "NDH",
        {"x": Argument("N D"), **weights, "b": bias, **dict.fromkeys(states, Argument("N H")), "row_bias": row_bias},
        {f"out_{s}": "N H" for s in states},
        rows=step_rows,
        flops=flops,
    )
    return forward, backward, step


_CELL = cell(
    "lstm",
    4,
    "hc",
    (
        Row("addition", (128, 7, 16, 128), "b dhs"),
        Row("dates", (128, 29, 16, 256), "b dhs"),
        Row("Rnnlm", (20, 35, 100, 100), "b h0 c0 dhs"),
        Row("BetterRnnlm", (20, 35, 650, 650), "b h0 c0 dhs"),
    ),
    (Row("addition", (1, 16, 128), "b"), Row("Rnnlm", (1, 100, 100), "b")),
    (
        ({"T": 63}, 4.0),
        ({"N": 5, "T": 35, "D": 33, "H": 17}, 4.0),
        # Few rows with many units.
        ({"N": 1, "T": 4, "D": 5, "H": 403}, 1.0),
        ({"N": 2, "T": 3, "D": 9, "H": 450}, 1.0),
    ),
)

_ON_IDS = (
    # An encoder, of which the decoder gets the last h alone.
    Row("addition", (128, 7, 13, 128), "dh_last"),
    Row("Peeky decoder", (128, 4, 13, 128), "h0 row_bias dhs"),
    Row("dates", (128, 29, 59, 256), "dhs"),
)


def _flops(sizes: Sizes) -> int:
    return 2 * sizes["N"] * sizes["T"] * sizes["H"] * 4 * sizes["H"]


_EDGES = ({"T": 0, "V": 0}, {"N": 0, "V": 0})
_HARD = (({"T": 63, "V": 5}, 2.0), ({"N": 35, "T": 9, "V": 65, "H": 17}, 1.0))

_IDS_FORWARD = Function(
    "lstm_ids_forward",
    "NTVH",
    {
        "table": weight("V 4H", draw=scaled),
        "ids": Argument("ids N T"),
        "Wh": weight("H 4H"),
        "h0": optional("N H"),
        "c0": optional("N H"),
        "row_bias": optional("N 4H"),
        "mask": optional("mask N T"),
    },
    {"out_hs": "N T H", "out_h": "N H", "out_c": "N H"},
    cached=True,
    rows=_ON_IDS,
    edges=_EDGES,
    hard=_HARD,
    least="V",
    flops=_flops,
)
_IDS_BACKWARD = Function(
    "lstm_ids_backward",
    "NTVH",
    {
        "dhs": gradient("N T H", "out_hs", optional=True),
        "Wh": weight("H 4H"),
        "cache": CACHE,
        "dh_last": gradient("N H", "out_h", optional=True),
        "dc_last": gradient("N H", "out_c", optional=True),
        **buffers(_IDS_FORWARD, "table", "Wh"),
    },
    {"grad_h0": "N H", "grad_c0": "N H", "grad_row_bias": "N 4H"},
    forward=_IDS_FORWARD,
    rows=_ON_IDS,
    edges=_EDGES,
    hard=_HARD,
    least="V",
    flops=lambda sizes: 2 * _flops(sizes),
)

FUNCTIONS = (*_CELL, _IDS_FORWARD, _IDS_BACKWARD)

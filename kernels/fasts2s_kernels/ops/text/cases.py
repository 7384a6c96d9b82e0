"""How the function that draws a text is called. No draw is so close that rounding decides."""

from typing import Any

import numpy as np

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.cases import Argument, Function, Row, optional, weight
from fasts2s_kernels.drawing import Draw, matrix, scaled
from fasts2s_kernels.letters import Sizes
from fasts2s_kernels.ops.text.reference import lstm_text

#: How far the number that is drawn lies from the ends of its word's part, at least.
CLEAR = 1e-5


def _word(d: Draw, _: Any) -> int:
    V = d.sizes["V"]
    return int(d.rng.integers(-V, V))


def _uniforms(d: Draw, shape: tuple[int, ...]) -> Array:
    return d.rng.random(shape)


def _banned(d: Draw, shape: tuple[int, ...]) -> Array:
    return np.asarray(d.rng.random(shape) < 0.4)


def _until_clear(d: Draw) -> None:
    """Put a uniform number that is near the end of a word's part into the middle of the likeliest word's part."""
    given = {k: a.astype(np.float64) if np.ndim(a) and a.dtype.kind == "f" else a for k, a in _arrays(d).items()}
    given["layers"] = [a.astype(np.float64) for a in d.values["layers"]]
    uniforms, banned, stop = d.values["uniforms"], d.values.get("banned"), d.values.get("stop_id", -1)
    for t in range(uniforms.size):
        scores = lstm_text(**given, uniforms=uniforms[t : t + 1])[3]
        p = np.exp(scores - scores.max())
        ends = p.cumsum() / p.sum()
        if np.abs(ends - uniforms[t]).min() < CLEAR:
            likeliest = p.argmax()
            uniforms[t] = ends[likeliest] - p[likeliest] / p.sum() / 2
        ids, h, c, _ = lstm_text(**given, uniforms=uniforms[t : t + 1])
        if banned is None or not banned[ids[0]]:
            if ids[0] == stop:
                return
            given["start_id"] = int(ids[0])
        given |= {"h": h[1], "c": c[1]}


def _arrays(d: Draw) -> dict[str, Any]:
    names = ("W", "start_id", "W_out", "b_out", "h", "c")
    return {"b_out": None} | {name: d.values[name] for name in names if name in d.values}


def _flops(sizes: Sizes) -> int:
    T, V, D, H, M = (sizes[letter] for letter in "TVDHM")
    return 2 * T * ((D + H) * 4 * H + (H + M) * 4 * M + M * V)


FUNCTIONS = (
    Function(
        "lstm_text",
        "TVDHM",
        {
            "W": weight("V D", draw=scaled, reads="T D"),
            "start_id": Argument("number", draw=_word, usual=0),
            "layers": Argument("list", draw=matrix, reads="T"),
            "W_out": weight("M V", reads="T M V"),
            "b_out": optional("V"),
            "h": Argument("H+M"),
            "c": Argument("H+M"),
            "uniforms": Argument("double T", draw=_uniforms),
            "banned": Argument("mask V", draw=_banned, optional=True),
            "stop_id": Argument("number", draw=_word, usual=-1, optional=True),
        },
        {"ids_draws": "T", "out_h": "2 H+M", "out_c": "2 H+M", "out_scores": "V"},
        rows=(
            Row("H = 100", (64, 10000, 100, 100, 100), "b_out"),
            Row("BetterRnnlmGen", (20, 10000, 650, 650, 650), "b_out", turned="W_out"),
        ),
        hard=(({"T": 9, "V": 67, "D": 33, "H": 40, "M": 21}, 1.0), ({"T": 3, "V": 500, "H": 70, "M": 129}, 1.0)),
        least="V",
        lists="D 4H; H 4H; 4H; H 4M; M 4M; 4M",
        flops=_flops,
        mend=_until_clear,
    ),
)

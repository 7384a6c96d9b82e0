"""Faults that are planted in the kernels, one at a time: what the tests must find."""

from typing import NamedTuple


class Fault(NamedTuple):
    """``old`` in a module's text becomes ``new``; ``run`` names what meets it, with its sizes."""

    module: str
    old: str
    new: str
    run: str
    sizes: tuple[int, ...]


_BARRIER = "__syncthreads();"
_ROWS, _TINY_ROWS, _SLICES = (3, 5, 4, 13), (3, 5, 4, 7), (5, 6, 3, 26)

FAULTS = {
    # ---- rows: one block per row ---------------------------------------------------------------------------------
    "rows: no barrier before the first step": Fault(
        "lstm_fwd_rows", f"0.0f;\n        {_BARRIER}", "0.0f;", "lstm rows", _ROWS
    ),
    "rows: no barrier between gates and states": Fault(
        "lstm_fwd_rows", f"{_BARRIER}\n            if (j < FS_H) {{", "if (j < FS_H) {", "lstm rows", _ROWS
    ),
    "rows: no barrier at the end of a step": Fault(
        "lstm_fwd_rows", f"hs[place] = h[j];\n            }}\n            {_BARRIER}", "hs[place] = h[j]; }",
        "lstm rows", _ROWS,
    ),
    "rows: the input of the step before": Fault(
        "lstm_fwd_rows", "rows_input(xw, ids, row + t + 1, j)", "rows_input(xw, ids, row + t, j)", "lstm rows", _ROWS
    ),
    "rows: the wrong block of gates is tanh": Fault(
        "lstm_fwd_rows", "j / FS_H == 1", "j / FS_H == 2", "lstm rows", _ROWS
    ),
    "rows: the padding of h is not zero": Fault("lstm_fwd_rows", "j < HP", "j < 0", "lstm rows", _TINY_ROWS),
    "rows: h before a step is not kept": Fault(
        "lstm_fwd_rows", "if (hprev) hprev[place]", "if (hprev && t) hprev[place]", "lstm rows", _ROWS
    ),
    "rows: weights of the shared memory meet the wrong h": Fault(
        "lstm_fwd_rows", "v4[(KREG + k) / 4]", "v4[k / 4]", "lstm rows", (2, 2, 3, 100)
    ),
    "rows: a mask of another row": Fault(
        "lstm_fwd_rows", "fs_on(mask, row + t)", "fs_on(mask, t)", "lstm rows", _ROWS
    ),
    "rows back: no barrier before the products": Fault(
        "lstm_bwd_rows", f"{_BARRIER}\n            dA[", "dA[", "lstm rows", _ROWS
    ),
    "rows back: no barrier behind the products": Fault(
        "lstm_bwd_rows", f"{_BARRIER}\n            if (owner && on)", "if (owner && on)", "lstm rows", _ROWS
    ),
    "rows back: the c of the wrong step": Fault(
        "lstm_bwd_rows", "t ? cs[place - FS_H]", "t ? cs[place]", "lstm rows", _ROWS
    ),
    "rows back: a gradient on padding": Fault(
        "lstm_bwd_rows", "on ? da[q * HP + k] : 0.0f", "da[q * HP + k]", "lstm rows", _ROWS
    ),
    "rows back: the padding of dA is not zero": Fault(
        "lstm_bwd_rows", "i < 4 * HP; i += G4", "i < 1; i += G4", "lstm rows", _TINY_ROWS
    ),
    # ---- slices: blocks that wait for each other -----------------------------------------------------------------
    "slices: nobody waits": Fault("lstm_slices", "(unsigned)S * (t + 1)", "0u", "lstm slices", _SLICES),
    "slices: the counters stay": Fault("lstm_slices", "*counter = 0;", "", "lstm slices", _SLICES),
    "slices: no barrier before the sums": Fault(
        "lstm_slices", f"{_BARRIER}\n        for (int k = tid; k < 4 * R * U", "for (int k = tid; k < 4 * R * U",
        "lstm slices", _SLICES,
    ),
    "slices: no barrier behind the new h": Fault(
        "lstm_slices", f"k % H);\n        }}\n        {_BARRIER}", "k % H); }", "lstm slices", (9, 4, 3, 200)
    ),
    "slices: a unit too many": Fault(
        "lstm_slices", "max(min(U, H - first), 0)", "U", "lstm slices", (5, 6, 3, 37)
    ),
    "slices: one buffer for the exchange": Fault(
        "lstm_slices", "(t & 1) * half + (long long)blockIdx", "0 * half + (long long)blockIdx",
        "lstm slices", _SLICES,
    ),
    "slices back: padding carries nothing": Fault(
        "lstm_slices", "t < T - 1 && fs_on(mask, step + 1)", "t < T - 1", "lstm slices", _SLICES
    ),
    "slices back: no barrier before the products": Fault(
        "lstm_slices", f"if (t < 0) break;\n        {_BARRIER}", "if (t < 0) break;", "lstm slices", _SLICES
    ),
    # ---- steps and the other cells -------------------------------------------------------------------------------
    "steps back: padding carries nothing": Fault(
        "lstm_steps", "product && fs_on(mask, step + 1)", "product", "lstm steps", _ROWS
    ),
    "gru: the reset gate forgotten": Fault("gru", "v[1] * h[k]", "h[k]", "gru", _ROWS),
    "rnn: the slope of tanh forgotten": Fault("rnn", "d * (1 - h * h)", "d", "rnn", _ROWS),
    # ---- loss ----------------------------------------------------------------------------------------------------
    "loss: half a warp": Fault(
        "softmax_loss", "for (int k = 16; k; k /= 2) {", "for (int k = 8; k; k /= 2) {", "softmax_loss", (5, 31)
    ),
    "loss: sums below another maximum": Fault(
        "softmax_loss", "theirs * fs_exp(other - high)", "theirs", "softmax_loss", (5, 31)
    ),
    "loss: the ticket stays": Fault("softmax_loss", "*ticket = 0;", "", "softmax_loss", (40, 31)),
    "loss: an ignored row leaves early": Fault(
        "softmax_loss", "if (lane == 0) losses[r] = 0;", "return;", "softmax_loss", (40, 31)
    ),
    "loss: ignored rows count": Fault("softmax_loss", "mine += ts[r] != ignore", "mine++", "softmax_loss", (40, 31)),
    "loss: no barrier between the warps": Fault(
        "softmax_loss", f"= sum;\n    {_BARRIER}", "= sum;", "softmax_loss", (3, 700)
    ),
    # ---- the rest ------------------------------------------------------------------------------------------------
    "embedding: the first of equal ids is not the first": Fault(
        "embedding", "first ? from[d] : row[d] + from[d]", "row[d] + from[d]", "embedding", (3, 7, 5, 33)
    ),
    "embedding: words not seen stay": Fault("embedding", "if (first)\n", "if (false)\n", "embedding", (1, 3, 70, 5)),
    "attention: padding has a weight": Fault(
        "attention", "else x[s] = 0;", "else x[s] = 1;", "attention", (3, 4, 5, 7)
    ),
    "sums: no barrier in the tree": Fault(
        "sums", f"33 + lane];\n        {_BARRIER}", "33 + lane];", "affine", (70, 5, 40)
    ),
    "argmax: the last of equal ones": Fault("decoding", "(a == b && i < j)", "(a == b && i > j)", "argmax", (9, 300)),
    "greedy: no barrier before the choice": Fault(
        "lstm_greedy_rows", f"= chosen;\n            {_BARRIER}", "= chosen;", "lstm_greedy", (3, 6, 5, 4, 13)
    ),
    "updates: beyond the end": Fault("updates", "left < CHUNK ? left : CHUNK", "CHUNK", "adam", (4090,)),
    "updates: the second chunk is the first": Fault(
        "updates", "- row[1]) * CHUNK", "- row[1]) * 0", "adam", (5000,)
    ),
    "updates: one slot for both means": Fault("updates", "part.s1[k] = v;", "part.s0[k] = v;", "adam", (5000,)),
    "norm: the last block does not wait for its threads": Fault(
        "updates", f"shared[j] += shared[j + half];\n            {_BARRIER}", "shared[j] += shared[j + half];",
        "norm", (9000,),
    ),
}  # fmt: skip

"""The work and the size of the book's models, from their sizes alone.

Counted are the matrix products of the model as the book writes it down, a multiplication and an addition as two
operations: the work that the model is, not what some code happens to do. Our kernels may do less of it: an embedding
table is multiplied once where that is cheaper than multiplying every row that is looked up in it, and the constant
part of a peeky decoder's input is multiplied once instead of at every step. Element-wise work, the softmax, dropout,
clipping and the optimiser are not counted.

Letters: N batch, S steps of the source, T steps of the target that are computed, D word vector, H hidden units,
V vocabulary.
"""

from collections.abc import Callable

from fasts2s.bench.cases import MODELS, Case

#: Forward, gradient of the input, gradient of the weights: as many operations each.
_PASSES = 3


def _lstm_flops(N: int, T: int, D: int, H: int) -> int:
    """(N, T, D) -> (N, T, H), forward and backward: the input and the last h meet four gates each."""
    return _PASSES * 2 * N * T * (D + H) * 4 * H


def _affine_flops(rows: int, D: int, M: int) -> int:
    """(rows, D) -> (rows, M), forward and backward."""
    return _PASSES * 2 * rows * D * M


def _attention_flops(N: int, T: int, S: int, H: int) -> int:
    """Scores of T decoder states against S encoder states, and the weighted sum; forward and backward."""
    return _PASSES * 2 * (2 * N * T * S * H)


def _seq2seq_flops(N: int, S: int, T: int, V: int, D: int, H: int) -> int:
    return _lstm_flops(N, S, D, H) + _lstm_flops(N, T, D, H) + _affine_flops(N * T, H, V)


def _peeky_flops(N: int, S: int, T: int, V: int, D: int, H: int) -> int:
    return _lstm_flops(N, S, D, H) + _lstm_flops(N, T, H + D, H) + _affine_flops(N * T, 2 * H, V)


def _attention_seq2seq_flops(N: int, S: int, T: int, V: int, D: int, H: int) -> int:
    decoder = _lstm_flops(N, T, D, H) + _attention_flops(N, T, S, H) + _affine_flops(N * T, 2 * H, V)
    return _lstm_flops(N, S, D, H) + decoder


def _rnnlm_flops(N: int, S: int, T: int, V: int, D: int, H: int) -> int:
    return _lstm_flops(N, T, D, H) + _affine_flops(N * T, H, V)


def _better_rnnlm_flops(N: int, S: int, T: int, V: int, D: int, H: int) -> int:
    return _lstm_flops(N, T, D, H) + _lstm_flops(N, T, H, H) + _affine_flops(N * T, H, V)


def _lstm_size(D: int, H: int) -> int:
    return (D + H) * 4 * H + 4 * H


def _seq2seq_size(V: int, D: int, H: int) -> int:
    return 2 * (V * D + _lstm_size(D, H)) + (H + 1) * V


def _peeky_size(V: int, D: int, H: int) -> int:
    return 2 * V * D + _lstm_size(D, H) + _lstm_size(H + D, H) + (2 * H + 1) * V


def _attention_seq2seq_size(V: int, D: int, H: int) -> int:
    return 2 * (V * D + _lstm_size(D, H)) + (2 * H + 1) * V


def _rnnlm_size(V: int, D: int, H: int) -> int:
    return V * D + _lstm_size(D, H) + (H + 1) * V


def _better_rnnlm_size(V: int, D: int, H: int) -> int:
    """The output matrix is the embedding matrix; only its bias is added."""
    return V * D + _lstm_size(D, H) + _lstm_size(H, H) + V


_FLOPS: dict[str, Callable[[int, int, int, int, int, int], int]] = {
    "Seq2seq": _seq2seq_flops,
    "PeekySeq2seq": _peeky_flops,
    "AttentionSeq2seq": _attention_seq2seq_flops,
    "Rnnlm": _rnnlm_flops,
    "BetterRnnlm": _better_rnnlm_flops,
}
_SIZES: dict[str, Callable[[int, int, int], int]] = {
    "Seq2seq": _seq2seq_size,
    "PeekySeq2seq": _peeky_size,
    "AttentionSeq2seq": _attention_seq2seq_size,
    "Rnnlm": _rnnlm_size,
    "BetterRnnlm": _better_rnnlm_size,
}


def _require_step(case: Case) -> None:
    if not case.is_step:
        raise ValueError(f"case {case.name!r} is no training step, expected a step of one of {', '.join(MODELS)}")


def _computed_steps(case: Case) -> int:
    """Return the steps of the target that are computed: a decoder never reads the last id of ts (N, T)."""
    return case["T"] - 1 if case.kind.endswith("eq2seq") else case["T"]


def step_flops(case: Case) -> int:
    """Return the floating-point operations in the matrix products of a training step, forward and backward.

    ValueError for a case that is no training step.
    """
    _require_step(case)
    N, S, V, D, H = (case[letter] for letter in "NSVDH")
    return _FLOPS[case.kind](N, S, _computed_steps(case), V, D, H)


def parameter_count(case: Case) -> int:
    """Return the number of parameters of a training step's model; shared ones count once. ValueError as above."""
    _require_step(case)
    V, D, H = (case[letter] for letter in "VDH")
    return _SIZES[case.kind](V, D, H)


def samples_and_tokens(case: Case) -> tuple[int, int]:
    """Return what a training step learns from: rows N, and ids that are predicted. ValueError as above.

    For a sequence-to-sequence model N (T - 1), since ts (N, T) begins with the start mark; else N T.
    """
    _require_step(case)
    return case["N"], case["N"] * _computed_steps(case)

"""The kernels at the shapes of the book: which calls are measured, with what sizes, and the arithmetic in them.

Letters as in :mod:`fasts2s_kernels.contract`: N batch, T time, S encoder steps, D input, H hidden, M outputs,
V vocabulary, R rows. What a call is given besides its sizes follows from its place in the book, see :func:`place`.
"""

from fasts2s.bench.cases import Case

#: Function of the contract -> the letters of its sizes, in the order of its name.
LETTERS = {
    **dict.fromkeys(("lstm_forward", "lstm_backward"), "NTDH"),
    "lstm_step": "NDH",
    **dict.fromkeys(("lstm_ids_forward", "lstm_ids_backward"), "NTVH"),
    **dict.fromkeys(("lstm_encode", "lstm_greedy"), "NTVDH"),
    **dict.fromkeys(("gru_forward", "gru_backward"), "NTDH"),
    "gru_step": "NDH",
    **dict.fromkeys(("rnn_forward", "rnn_backward"), "NTDH"),
    "rnn_step": "NDH",
    **dict.fromkeys(("affine_forward", "affine_backward"), "RDM"),
    **dict.fromkeys(("embedding_forward", "embedding_backward"), "NTVD"),
    **dict.fromkeys(("softmax_loss_forward", "softmax_loss_backward"), "RV"),
    **dict.fromkeys(("attention_forward", "attention_backward"), "NTSH"),
    **dict.fromkeys(("argmax", "sample"), "RV"),
    **dict.fromkeys(("clip_grads", "clip_rate"), "VDH"),
    **dict.fromkeys(("sgd_update", "momentum_update", "nesterov_update"), "VDH"),
    **dict.fromkeys(("adagrad_update", "rmsprop_update", "adam_update"), "VDH"),
}

#: Recurrent layer -> gate blocks of its cell.
GATES = {"lstm": 4, "lstm_ids": 4, "gru": 3, "rnn": 1}

#: Sizes of a tiny case, at most.
TINY = {"N": 3, "T": 3, "S": 3, "D": 5, "H": 8, "M": 7, "V": 11, "R": 3}

_LSTM, _IDS = "lstm_forward lstm_backward", "lstm_ids_forward lstm_ids_backward"
_GRU, _RNN = "gru_forward gru_backward", "rnn_forward rnn_backward"
_AFFINE, _LOSS = "affine_forward affine_backward", "softmax_loss_forward softmax_loss_backward"
_EMBEDDING, _ATTENTION = "embedding_forward embedding_backward", "attention_forward attention_backward"
_SLOW_UPDATES = "momentum_update nesterov_update adagrad_update rmsprop_update adam_update"

# Functions, place in the book, sizes. The GRU stands in appendix C, without a script: it gets what the LSTM has.
_ROWS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    (_LSTM, "addition", (128, 7, 16, 128)),
    (_LSTM, "dates", (128, 29, 16, 256)),
    (_LSTM, "Rnnlm", (20, 35, 100, 100)),
    (_LSTM, "BetterRnnlm", (20, 35, 650, 650)),
    ("lstm_step", "addition", (1, 16, 128)),
    ("lstm_step", "Rnnlm", (1, 100, 100)),
    (_IDS, "addition", (128, 7, 13, 128)),
    (_IDS, "Peeky decoder", (128, 4, 13, 128)),
    (_IDS, "dates", (128, 29, 59, 256)),
    ("lstm_encode", "addition", (1, 7, 13, 16, 128)),
    ("lstm_encode", "addition", (1000, 7, 13, 16, 128)),
    ("lstm_greedy", "addition", (1, 4, 13, 16, 128)),
    ("lstm_greedy", "addition", (1000, 4, 13, 16, 128)),
    ("lstm_greedy", "Peeky decoder", (1000, 4, 13, 16, 128)),
    (_GRU, "addition", (128, 7, 16, 128)),
    ("gru_step", "Rnnlm", (1, 100, 100)),
    (_RNN, "SimpleRnnlm", (10, 5, 100, 100)),
    ("rnn_step", "SimpleRnnlm", (1, 100, 100)),
    (_AFFINE, "addition", (512, 128, 13)),
    (_AFFINE, "Rnnlm", (700, 100, 10000)),
    (_AFFINE, "BetterRnnlm", (700, 650, 10000)),
    (_EMBEDDING, "addition", (128, 7, 13, 16)),
    (_EMBEDDING, "BetterRnnlm", (20, 35, 10000, 650)),
    (_LOSS, "addition", (512, 13)),
    (_LOSS, "BetterRnnlm", (700, 10000)),
    (_ATTENTION, "dates", (128, 10, 29, 256)),
    ("attention_forward", "dates", (1, 1, 29, 256)),
    ("argmax", "dates", (1, 59)),
    ("argmax", "dates", (1000, 59)),
    ("sample", "Rnnlm", (1, 10000)),
    ("clip_grads", "PeekySeq2seq", (13, 16, 128)),
    ("clip_grads", "PeekySeq2seq, written", (13, 16, 128)),
    ("clip_grads", "BetterRnnlm", (10000, 650, 650)),
    ("clip_rate", "PeekySeq2seq", (13, 16, 128)),
    ("sgd_update", "BetterRnnlm", (10000, 650, 650)),
    (_SLOW_UPDATES, "PeekySeq2seq", (13, 16, 128)),
    ("adam_update", "BetterRnnlm", (10000, 650, 650)),
)


def _case(kind: str, where: str, sizes: tuple[int, ...]) -> Case:
    name = f"{kind} {'x'.join(map(str, sizes))} ({where})"
    max_grad = 5.0 if kind == "clip_rate" or where.endswith("written") else 0.0
    return Case(name, "kernels", kind, dict(zip(LETTERS[kind], sizes, strict=True)), max_grad)


def _in_the_order_of_the_contract() -> tuple[Case, ...]:
    made = [_case(kind, where, sizes) for kinds, where, sizes in _ROWS for kind in kinds.split()]
    return tuple(sorted(made, key=lambda case: list(LETTERS).index(case.kind)))


CASES: tuple[Case, ...] = _in_the_order_of_the_contract()


def place(case: Case) -> str:
    """Return where in the book a call stands, the end of the case's name.

    ``addition`` begins from states of zero, and the backward pass of its lstm_ids is that of an encoder: it gets the
    gradient of the last h alone. ``Peeky decoder`` begins from h0 and has a row_bias (and a score_bias), ``Rnnlm``,
    ``SimpleRnnlm`` and ``BetterRnnlm`` carry their state on. The affine layer of ``BetterRnnlm`` has the transpose of
    the embedding as its matrix. ``PeekySeq2seq`` and ``BetterRnnlm`` say whose parameters are updated or clipped;
    where nothing else is said clipping measures only, ``written`` scales.
    """
    return case.name.partition(" (")[2].removesuffix(")")


def optional(case: Case) -> tuple[str, ...]:
    """Return the optional arguments that a recurrent call gets: of h0, c0 and row_bias."""
    if place(case).startswith("Peeky"):
        return ("h0", "row_bias")
    carries = place(case).endswith("Rnnlm")
    return (("h0", "c0") if case.kind.startswith("lstm") else ("h0",)) if carries else ()


def parameter_shapes(case: Case) -> list[tuple[int, ...]]:
    """Return the shapes of the parameters of a model of V words, vectors of D and H hidden units; tied ones once."""
    V, D, H = (case[letter] for letter in "VDH")
    if place(case) == "BetterRnnlm":  # D is H there
        return [(V, H), *(2 * [(H, 4 * H), (H, 4 * H), (4 * H,)]), (V,)]
    encoder = [(V, D), (D, 4 * H), (H, 4 * H), (4 * H,)]
    return [*encoder, (V, D), (H + D, 4 * H), (H, 4 * H), (4 * H,), (2 * H, V), (V,)]


def flops(case: Case) -> int | None:
    """Return the floating-point operations in the matrix products of a call; None where it has none.

    Counted as the formulas have them. lstm_encode and lstm_greedy may do less: a table of all words, beginnings that
    rows share.
    """
    family, _, what = case.kind.rpartition("_")
    sizes = {"D": 0, "T": 1, **case.sizes}  # no D where ids choose rows of a table
    if family in GATES:
        once = sizes["N"] * sizes["T"] * (sizes["D"] + sizes["H"]) * GATES[family] * sizes["H"]
    elif family == "affine":
        once = sizes["R"] * sizes["D"] * sizes["M"]
    elif family == "attention":
        once = 2 * sizes["N"] * sizes["T"] * sizes["S"] * sizes["H"]
    else:
        return None
    if what == "greedy":
        once += sizes["N"] * sizes["T"] * sizes["H"] * sizes["V"]
    return 2 * once * (2 if what == "backward" else 1)


def tiny(case: Case) -> Case:
    """Return a case of the same kind and place with sizes for a smoke test: N, T, S, R <= 3, D, H <= 8, V <= 11."""
    sizes = tuple(min(size, TINY[letter]) for letter, size in case.sizes.items())
    return _case(case.kind, place(case), sizes)

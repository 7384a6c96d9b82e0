"""The cases that are measured: sizes as in the book's scripts, and the arithmetic in them.

Letters: N batch, T time steps (of the target), S time steps of the source, D input, H hidden units, V vocabulary.
"""

from dataclasses import dataclass, field

#: Questions of the cases "answers ...", and how many of them are asked one at a time in one repetition.
QUESTIONS, ASKED_ALONE = 5000, 200
ANSWER_LENGTH, START_ID, ANSWER_BLOCK = 4, 6, 1000

ADDITION = {"V": 13, "D": 16, "N": 128, "S": 7, "T": 5}
DATES = {"V": 59, "D": 16, "N": 128, "S": 29, "T": 11}
WORDS = {"V": 10000, "N": 20, "S": 35, "T": 35}
#: Kinds of training steps; they are the names of models.
MODELS = ("Seq2seq", "PeekySeq2seq", "AttentionSeq2seq", "Rnnlm", "BetterRnnlm")


@dataclass(frozen=True)
class Case:
    """One thing that is measured.

    Attributes
    ----------
    name : str
        Unique; also the name of its files.
    group : str
        One of ``results.GROUPS``.
    kind : str
        For a step the class of the model; for a kernel the function of the contract; else "lstm", "softmax",
        "embedding", "answers", "text", "perplexity".
    sizes : dict
        Letter -> size.
    max_grad : float
        Threshold of clipping, for a step.
    variant : str
        "batched" or "alone" for answers.
    """

    name: str
    group: str
    kind: str
    sizes: dict[str, int] = field(default_factory=dict)
    max_grad: float = 0.0
    variant: str = ""

    def __getitem__(self, letter: str) -> int:
        return self.sizes[letter]

    @property
    def is_step(self) -> bool:
        """Whether it is a training step of a model."""
        return self.kind in MODELS

    @property
    def adam(self) -> bool:
        """Whether the step's optimiser is Adam (0.001); else it is SGD (20)."""
        return not self.kind.endswith("Rnnlm")

    @property
    def flops(self) -> int | None:
        """Floating-point operations in the matrix products of an LSTM's forward and backward; None otherwise."""
        if self.kind != "lstm":
            return None
        N, T, D, H = (self[letter] for letter in "NTDH")
        return 3 * 2 * N * T * (D + H) * 4 * H


def lstm(N: int, T: int, D: int, H: int, group: str = "layers", name: str = "") -> Case:
    """Return the case of one LSTM layer, forward and backward."""
    return Case(name or f"LSTM {N}x{T}x{D}x{H}", group, "lstm", {"N": N, "T": T, "D": D, "H": H})


def step(kind: str, sizes: dict[str, int], H: int, max_grad: float, **more: int) -> Case:
    """Return the case of one training step."""
    return Case(f"{kind} H={H}", "steps", kind, {**sizes, "H": H, **more}, max_grad)


STEPS = (
    step("Seq2seq", ADDITION, 128, 5.0),
    step("PeekySeq2seq", ADDITION, 128, 5.0),
    step("Seq2seq", ADDITION, 256, 5.0),
    step("PeekySeq2seq", ADDITION, 256, 5.0),
    step("AttentionSeq2seq", DATES, 256, 5.0),
    step("Rnnlm", WORDS, 100, 0.25, D=100),
    step("BetterRnnlm", WORDS, 650, 0.25, D=650),
)
LAYERS = (
    lstm(128, 7, 16, 128),
    lstm(128, 4, 144, 128),
    lstm(128, 29, 16, 256),
    lstm(20, 35, 100, 100),
    lstm(20, 35, 650, 650),
    Case("softmax with loss 700x10000", "layers", "softmax", {"N": 20, "T": 35, "V": 10000}),
    Case("softmax with loss 640x13", "layers", "softmax", {"N": 128, "T": 5, "V": 13}),
    Case("embedding gradient, 700 of 10000x650", "layers", "embedding", {"N": 20, "T": 35, "V": 10000, "D": 650}),
)
_ASKED = {**ADDITION, "H": 128, "N": QUESTIONS}
ANSWERS = (
    Case("5000 answers, one by one", "answers", "answers", _ASKED, variant="alone"),
    Case("5000 answers, in batches", "answers", "answers", _ASKED, variant="batched"),
    Case("100 words of text", "answers", "text", {**WORDS, "D": 100, "H": 100, "N": 1, "T": 100}),
    Case("perplexity of 7000 words", "answers", "perplexity", {**WORDS, "D": 100, "H": 100, "N": 10, "T": 35}),
)


def case_of(name: str) -> Case:
    """Return the step, layer or answer case with a name."""
    return next(case for case in (*STEPS, *LAYERS, *ANSWERS) if case.name == name)


def file_name(case: Case) -> str:
    """Return the stem of a case's files."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in f"{case.group} {case.name}")

"""The cases that are compared: sizes as in the book's scripts, and the arithmetic in them.

Letters: N batch, T time steps (of the target), S time steps of the source, D input, H hidden units, V vocabulary.
"""

from dataclasses import dataclass, field

GROUPS = ("lstm", "step", "loss", "answers")

#: Questions of the case "answers", and how many of them are asked one at a time in one repetition.
QUESTIONS, ASKED_ALONE = 5000, 200
ANSWER_LENGTH, START_ID, ANSWER_BLOCK = 4, 6, 1000

ADDITION = {"V": 13, "D": 16, "N": 128, "S": 7, "T": 5}
DATES = {"V": 59, "D": 16, "N": 128, "S": 29, "T": 11}
WORDS = {"V": 10000, "N": 20, "S": 35, "T": 35}


@dataclass(frozen=True)
class Case:
    """One thing that is measured.

    Attributes
    ----------
    name : str
        Unique; also the name of its files.
    group : str
        One of GROUPS.
    kind : str
        For a step the class of the model, else "lstm", "softmax", "embedding" or "answers".
    sizes : dict
        Letter -> size.
    max_grad : float
        Threshold of clipping, for a step.
    """

    name: str
    group: str
    kind: str
    sizes: dict[str, int] = field(default_factory=dict)
    max_grad: float = 0.0

    def __getitem__(self, letter: str) -> int:
        return self.sizes[letter]

    @property
    def adam(self) -> bool:
        """Whether the step's optimiser is Adam (0.001); else it is SGD (20)."""
        return not self.kind.endswith("Rnnlm")

    @property
    def bundle(self) -> str:
        """Cases of one bundle are measured in the same rounds: a plain model and its peeky form."""
        return self.name.removeprefix("Peeky")

    @property
    def flops(self) -> int | None:
        """Floating-point operations in the matrix products of an LSTM's forward and backward; None otherwise."""
        if self.kind != "lstm":
            return None
        N, T, D, H = (self[letter] for letter in "NTDH")
        return 3 * 2 * N * T * (D + H) * 4 * H


def _lstm(*shape: int) -> Case:
    return Case("lstm " + "x".join(map(str, shape)), "lstm", "lstm", dict(zip("NTDH", shape, strict=True)))


def _step(kind: str, sizes: dict[str, int], H: int, max_grad: float, **more: int) -> Case:
    return Case(f"{kind} H={H}", "step", kind, {**sizes, "H": H, **more}, max_grad)


CASES = (
    _lstm(128, 7, 16, 128),
    _lstm(128, 4, 144, 128),
    _lstm(128, 29, 16, 256),
    _lstm(20, 35, 100, 100),
    _lstm(20, 35, 650, 650),
    _step("Seq2seq", ADDITION, 128, 5.0),
    _step("PeekySeq2seq", ADDITION, 128, 5.0),
    _step("Seq2seq", ADDITION, 256, 5.0),
    _step("PeekySeq2seq", ADDITION, 256, 5.0),
    _step("AttentionSeq2seq", DATES, 256, 5.0),
    _step("Rnnlm", WORDS, 100, 0.25, D=100),
    _step("BetterRnnlm", WORDS, 650, 0.25, D=650),
    Case("softmax 700x10000", "loss", "softmax", {"N": 20, "T": 35, "V": 10000}),
    Case("softmax 640x13", "loss", "softmax", {"N": 128, "T": 5, "V": 13}),
    Case("embedding 700 ids", "loss", "embedding", {"N": 20, "T": 35, "V": 10000, "D": 650}),
    Case("answers", "answers", "answers", {**ADDITION, "H": 128, "N": QUESTIONS}),
)


def case_of(name: str) -> Case:
    """Return the case with a name."""
    return next(case for case in CASES if case.name == name)


def file_name(case: Case) -> str:
    """Return the stem of a case's files."""
    return case.name.replace(" ", "_").replace("=", "")

"""The cases that are measured, with the sizes of the book's scripts, and the arithmetic in them.

Letters: N batch, T time steps (of the target), S time steps of the source, D input, H hidden units, V vocabulary.

Counted are the matrix products of a model as the book writes it down, a multiplication and an addition as two
operations. Our kernels may do fewer. Element-wise work, softmax, dropout, clipping and optimiser are not counted.
"""

from dataclasses import dataclass, field, replace

#: Questions of the cases "answers ...", and how many of them are asked one at a time in one repetition.
QUESTIONS, ASKED_ALONE = 5000, 200
ANSWER_LENGTH, START_ID, ANSWER_BLOCK = 4, 6, 1000

ADDITION = {"V": 13, "D": 16, "N": 128, "S": 7, "T": 5}
DATES = {"V": 59, "D": 16, "N": 128, "S": 29, "T": 11}
WORDS = {"V": 10000, "N": 20, "S": 35, "T": 35}
#: Sizes of tiny cases, at most; those of data need some lines.
TINY = {"N": 3, "S": 4, "T": 4, "D": 6, "H": 6, "V": 11}
_TINY_DATA = {"N": 50, "T": 60, "V": 30, "D": 5, "H": 7}
#: Kinds of training steps; they are the names of models.
MODELS = ("Seq2seq", "PeekySeq2seq", "AttentionSeq2seq", "Rnnlm", "BetterRnnlm")
#: Forward, gradient of the input, gradient of the weights: as many operations each.
_PASSES = 3


@dataclass(frozen=True)
class Case:
    """One thing that is measured. Its name is unique in its group, one of results.GROUPS.

    kind is for a step the class of the model, for a kernel the function of the contract, else "lstm", "softmax",
    "embedding", "update", "answers", "text", "perplexity", or one of :mod:`~fasts2s.bench.pipeline`. sizes: letter ->
    size. max_grad: threshold of clipping, for a step or an update. variant: "batched" or "alone" for answers,
    "forward" for layers, "no dropout" for steps, the model of an update. clock, on a GPU: "device" for time between
    CUDA events, "call" for a loop of calls; "": call by call.
    """

    name: str
    group: str
    kind: str
    sizes: dict[str, int] = field(default_factory=dict)
    max_grad: float = 0.0
    variant: str = ""
    clock: str = ""

    def __getitem__(self, letter: str) -> int:
        return self.sizes[letter]

    @property
    def is_step(self) -> bool:
        """Whether it is a training step of a model."""
        return self.kind in MODELS

    @property
    def model(self) -> str:
        """The class of the model that is trained, updated or asked; "" without one."""
        return {"answers": "Seq2seq", "text": "RnnlmGen", "perplexity": "Rnnlm", "update": self.variant}.get(
            self.kind, self.kind if self.is_step else ""
        )

    @property
    def adam(self) -> bool:
        """Whether the optimiser is Adam (0.001); else it is SGD (20)."""
        return not self.model.endswith("Rnnlm")

    @property
    def steps(self) -> int:
        """Steps of the target that are computed: a decoder never reads the last id of ts (N, T)."""
        return self["T"] - 1 if self.model.endswith("eq2seq") else self["T"]

    def _lstms(self) -> list[tuple[int, int]]:
        """Return (time steps, inputs) of every LSTM."""
        T, D, H = self.steps, self["D"], self["H"]
        if self.model.endswith("eq2seq"):
            return [(self["S"], D), (T, D + H if self.model == "PeekySeq2seq" else D)]
        return [(T, D), (T, H)] if self.model == "BetterRnnlm" else [(T, D)]

    @property
    def _read(self) -> int:
        """Inputs of the last layer."""
        return self["H"] * (2 if self.model in {"PeekySeq2seq", "AttentionSeq2seq"} else 1)

    @property
    def flops(self) -> int | None:
        """Floating-point operations in the matrix products of a step or an LSTM; None for what is not counted."""
        if self.kind != "lstm" and not self.is_step:
            return None
        N, T, H = self["N"], self.steps, self["H"]
        products = sum(N * t * (inputs + H) * 4 * H for t, inputs in self._lstms())
        products += N * T * self._read * self["V"] if self.is_step else 0
        products += 2 * N * T * self["S"] * H if self.kind == "AttentionSeq2seq" else 0
        return 2 * products * (1 if self.variant == "forward" else _PASSES)

    @property
    def params(self) -> int:
        """Parameters of a step's model; shared ones count once: the output matrix of BetterRnnlm is its embedding."""
        embeddings = self["V"] * self["D"] * (2 if self.model.endswith("eq2seq") else 1)
        lstms = sum((inputs + self["H"] + 1) * 4 * self["H"] for _, inputs in self._lstms())
        return embeddings + lstms + self["V"] * (1 if self.model == "BetterRnnlm" else self._read + 1)


def lstm(N: int, T: int, D: int, H: int, group: str = "layers", name: str = "") -> Case:
    """Return the case of one LSTM layer, forward and backward."""
    return Case(name or f"LSTM {N}x{T}x{D}x{H}", group, "lstm", {"N": N, "T": T, "D": D, "H": H})


def step(kind: str, sizes: dict[str, int], H: int, max_grad: float, **more: int) -> Case:
    """Return the case of one training step."""
    return Case(f"{kind} H={H}", "steps", kind, {**sizes, "H": H, **more}, max_grad)


def tiny(case: Case) -> Case:
    """Return a case of the same name and kind with sizes for a smoke test."""
    most = _TINY_DATA if case.group == "data" else TINY
    return replace(case, sizes={letter: min(size, most[letter]) for letter, size in case.sizes.items()})


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

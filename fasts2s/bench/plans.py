"""What ``fasts2s bench`` can be asked for: which cases, who computes them, how long."""

from dataclasses import dataclass, field, replace

from fasts2s.bench import cases as suite
from fasts2s.bench import kernel_ops, pipeline
from fasts2s.bench.cases import ANSWERS, LAYERS, STEPS, WORDS, Case, case_of, lstm, step
from fasts2s.bench.measure import Pace

#: Epochs of a training.
EPOCHS = 20
PEERS = ("PyTorch", "PyTorch compiled", "JAX", "book")


@dataclass(frozen=True)
class Plan:
    """One kind of run: cases that contestants time in turn, group by group, at a pace for each group.

    peers take part beside the backends (names with commas, "": all that run here), if installed. start_rounds
    processes per contestant are started for the time of the first training step. memory: training steps of which the
    memory is measured, and in how many processes. threads: cases that are timed with 1, 2, ... threads. learning:
    seeds of trainings on addition, of EPOCHS epochs each. In a dry run times mean nothing.
    """

    name: str
    cases: tuple[Case, ...] = ()
    peers: tuple[str, ...] = ()
    pace: dict[str, Pace] = field(default_factory=dict)
    start_rounds: int = 0
    memory: tuple[tuple[Case, int], ...] = ()
    threads: tuple[Case, ...] = ()
    learning: tuple[int, ...] = ()
    backends: str = ""
    is_dry: bool = False

    def pace_of(self, group: str) -> Pace:
        """Return how long a group is measured."""
        return self.pace.get(group, Pace())

    def only(self, text: str) -> "Plan":
        """Return the plan with those of its cases alone that have a text in their names."""
        kept, threads = (tuple(c for c in some if text in c.name) for some in (self.cases, self.threads))
        memory = tuple((case, rounds) for case, rounds in self.memory if text in case.name)
        return replace(self, cases=kept, threads=threads, memory=memory, start_rounds=0, learning=())

    def dry(self) -> "Plan":
        """Return the plan with tiny cases and next to no time: to see whether everything runs."""
        pace = dict.fromkeys({case.group for case in self.cases}, Pace(2, 0, 0.0, 0.0))
        return Plan(self.name, tuple(map(tiny, self.cases)), self.peers, pace, backends=self.backends, is_dry=True)


def tiny(case: Case) -> Case:
    """Return a case of the same kind with sizes for a smoke test."""
    return kernel_ops.tiny(case) if case.group == "kernels" else suite.tiny(case)


_QUICK = tuple(map(case_of, ("Seq2seq H=128", "PeekySeq2seq H=128", "Rnnlm H=100", "5000 answers, one by one")))
_PEEKY = STEPS[:4]
_BASE = {"N": 128, "T": 10, "D": 16, "H": 128}
_SIZES = {"N": (1, 4, 16, 64, 256), "T": (1, 4, 16, 64), "H": (8, 32, 128, 512)}


def _swept_layers() -> tuple[Case, ...]:
    return tuple(
        lstm(**{**_BASE, letter: size}, group="scaling", name=f"LSTM layer, {letter}={size}")
        for letter, sizes in _SIZES.items()
        for size in sizes
    )


def _swept_steps(what: str, letter: str, sizes: tuple[int, ...]) -> tuple[Case, ...]:
    found = []
    for size in sizes:
        more = {letter: size} | ({"S": size} if letter == "T" else {})
        case = step("Rnnlm", {**WORDS, "D": 100, **more}, 100, 0.25)
        found.append(replace(case, group="scaling", name=f"{what}, {letter}={size}"))
    return tuple(found)


_TIMES = (*_swept_layers(), *_swept_steps("Rnnlm step", "V", (100, 1000, 10000, 30000)))
_MEMORY = (
    *_swept_steps("memory of Rnnlm steps", "T", (10, 35, 100, 300)),
    *_swept_steps("memory of Rnnlm steps", "V", (1000, 3000, 10000, 30000)),
)
_THREADS = (lstm(**_BASE, group="scaling", name="LSTM layer"), replace(STEPS[1], group="scaling"))
_USUAL = {
    "steps": Pace(7, 1, 0.2, 0.1),
    "layers": Pace(7, 1, 0.1, 0.1),
    "answers": Pace(6, 1, 0.1, 0.1),
    "kernels": Pace(5, 1, 0.04, 0.06),
    "data": Pace(6, 1, 0.05, 0.02),
    "scaling": Pace(6, 1, 0.06, 0.06),
}


# ---- on a GPU ---------------------------------------------------------------------------------------------


_GPU_SHAPES = ((128, 7, 16, 128), (128, 29, 16, 128), (20, 35, 100, 100), (128, 29, 16, 256), (20, 35, 650, 650))


def _by_both_clocks(case: Case) -> tuple[Case, Case]:
    """Return a case as the device sees it, and as a Python loop does, the host included."""
    return replace(case, clock="device"), replace(case, name=f"{case.name}, a call", clock="call")


def _on_gpu() -> tuple[Case, ...]:
    named = ("Seq2seq H=128", "PeekySeq2seq H=128", "AttentionSeq2seq H=256", "Rnnlm H=100", "BetterRnnlm H=650")
    steps = [replace(case_of(name), clock="call") for name in named]
    # Our masks are drawn on the host: without dropout it shows what that costs.
    steps.append(replace(steps[-1], name=f"{named[-1]}, no dropout", variant="no dropout"))
    layers = [
        made
        for case in (lstm(*shape) for shape in _GPU_SHAPES)
        for made in (replace(case, name=f"{case.name} forward", variant="forward"), case)
    ]  # fmt: skip
    layers += [case_of("softmax with loss 640x13"), case_of("softmax with loss 700x10000")]
    layers += [
        Case(f"embedding gradient, 700 of 10000x{D}", "layers", "embedding", {**WORDS, "D": D}) for D in (100, 650)
    ]
    layers += [
        Case(f"clip and update {case.name}", "layers", "update", case.sizes, case.max_grad, variant=case.kind)
        for case in (STEPS[0], STEPS[6])
    ]
    return (*steps, *(timed for case in layers for timed in _by_both_clocks(case)))


#: Other designs of our LSTM, PyTorch in all its ways, and the book's code, on CuPy by the drop-in's repairs.
GPU_PEERS = (
    "cupy slices",
    "cupy steps",
    "PyTorch cuda",
    "PyTorch cuda compiled",
    "PyTorch cuda reduce-overhead",
    "PyTorch cuda graph",
    "PyTorch cuda tf32",
    "PyTorch cuda fp16",
    "book cupy",
)
_GPU_PACE = {"steps": Pace(20, 3, 0.05, 0.0), "layers": Pace(20, 3, 0.02, 0.0)}

PLANS = {
    plan.name: plan
    for plan in (
        Plan("quick", _QUICK, ("PyTorch", "book"), {"steps": Pace(5, 1, 0.15, 0.1), "answers": Pace(3, 0, 0.1, 0.1)}),
        Plan(
            "full",
            (*STEPS, *LAYERS, *ANSWERS, *kernel_ops.CASES, *pipeline.CASES, *_TIMES),
            ("PyTorch", "JAX", "book"),
            _USUAL,
            start_rounds=3,
            memory=((STEPS[6], 3), (STEPS[1], 3), (STEPS[0], 3), *((case, 2) for case in _MEMORY)),
            threads=_THREADS,
            learning=(1984,),
        ),
        Plan("kernels", kernel_ops.CASES, (), _USUAL),
        Plan(
            "peeky",
            _PEEKY,
            ("PyTorch", "book"),
            _USUAL,
            memory=tuple((case, 3) for case in _PEEKY),
            learning=(1984, 1, 2),
        ),
        Plan("scaling", _TIMES, (), _USUAL, memory=tuple((case, 2) for case in _MEMORY), threads=_THREADS),
        Plan(
            "peers",
            (*STEPS, *LAYERS),
            PEERS,
            _USUAL | {"steps": Pace(10, 1, 0.2, 0.1), "layers": Pace(10, 1, 0.2, 0.1)},
        ),
        Plan("gpu", _on_gpu(), GPU_PEERS, _GPU_PACE, backends="cupy"),
    )
}

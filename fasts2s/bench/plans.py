"""What ``fasts2s bench`` can be asked for: which cases, who computes them, how long."""

from dataclasses import dataclass, field, replace

from fasts2s.bench import kernel_ops, pipeline
from fasts2s.bench.cases import ANSWERS, LAYERS, STEPS, WORDS, Case, case_of, lstm, step
from fasts2s.bench.measure import Pace

PEERS = ("PyTorch", "PyTorch compiled", "JAX", "book")


@dataclass(frozen=True)
class Learning:
    """Trainings on addition: seeds, epochs, and the share of right answers at which one may end sooner."""

    seeds: tuple[int, ...]
    epochs: int
    stop_at: float | None = None


@dataclass(frozen=True)
class Plan:
    """One kind of run.

    Attributes
    ----------
    name : str
    cases : tuple of Case
        What contestants time in turn, group by group.
    peers : tuple of str
        Who takes part beside the backends, if installed.
    pace : dict
        Group -> Pace.
    start_rounds : int
        Processes per contestant that are started for the time of the first training step; 0: none.
    memory : tuple of (Case, rounds)
        Training steps of which the memory is measured, each in that many processes.
    threads : tuple of Case
        Cases that are timed with 1, 2, ... threads.
    learning : Learning or None
    """

    name: str
    cases: tuple[Case, ...] = ()
    peers: tuple[str, ...] = ()
    pace: dict[str, Pace] = field(default_factory=dict)
    start_rounds: int = 0
    memory: tuple[tuple[Case, int], ...] = ()
    threads: tuple[Case, ...] = ()
    learning: Learning | None = None

    def pace_of(self, group: str) -> Pace:
        """Return how long a group is measured."""
        return self.pace.get(group, Pace())


_QUICK = tuple(map(case_of, ("Seq2seq H=128", "PeekySeq2seq H=128", "Rnnlm H=100", "5000 answers, one by one")))
_PEEKY = STEPS[:4]
_BASE = {"N": 128, "T": 10, "D": 16, "H": 128}
_SIZES = {"N": (1, 4, 16, 64, 256), "T": (1, 4, 16, 64), "H": (8, 32, 128, 512)}
_LM = {**WORDS, "D": 100}


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
        case = step("Rnnlm", {**_LM, **more}, 100, 0.25)
        found.append(replace(case, group="scaling", name=f"{what}, {letter}={size}"))
    return tuple(found)


STEP_SWEEP = "Rnnlm step"
MEMORY_SWEEP = "memory of Rnnlm steps"
_TIMES = (*_swept_layers(), *_swept_steps(STEP_SWEEP, "V", (100, 1000, 10000, 30000)))
_MEMORY = (
    *_swept_steps(MEMORY_SWEEP, "T", (10, 35, 100, 300)),
    *_swept_steps(MEMORY_SWEEP, "V", (1000, 3000, 10000, 30000)),
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

PLANS = {
    plan.name: plan
    for plan in (
        Plan(
            "quick",
            _QUICK,
            ("PyTorch", "book"),
            {"steps": Pace(5, 1, 0.15, 0.1), "answers": Pace(3, 0, 0.1, 0.1)},
        ),
        Plan(
            "full",
            (*STEPS, *LAYERS, *ANSWERS, *kernel_ops.CASES, *pipeline.CASES, *_TIMES),
            ("PyTorch", "JAX", "book"),
            _USUAL,
            start_rounds=3,
            memory=((STEPS[6], 3), (STEPS[1], 3), (STEPS[0], 3), *((case, 2) for case in _MEMORY)),
            threads=_THREADS,
            learning=Learning((1984,), 20),
        ),
        Plan("kernels", kernel_ops.CASES, (), _USUAL),
        Plan(
            "peeky",
            _PEEKY,
            ("PyTorch", "book"),
            _USUAL,
            memory=tuple((case, 3) for case in _PEEKY),
            learning=Learning((1984, 1, 2), 20),
        ),
        Plan(
            "scaling",
            _TIMES,
            (),
            _USUAL,
            memory=tuple((case, 2) for case in _MEMORY),
            threads=_THREADS,
        ),
        Plan(
            "peers",
            (*STEPS, *LAYERS),
            PEERS,
            _USUAL | {"steps": Pace(10, 1, 0.2, 0.1), "layers": Pace(10, 1, 0.2, 0.1)},
        ),
    )
}

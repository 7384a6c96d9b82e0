"""Whole training steps on a GPU: this package beside PyTorch and the book's code on CuPy, each behind a gate.

    FASTS2S_BOOK=checkout python benchmarks/gpu_steps.py --json steps.json > steps.txt

Needs a GPU, CuPy and PyTorch in one environment. Exit code 0: all measured; 1: somebody's losses are wrong, or the
repeat does not agree; 2: there is no GPU.
"""

import argparse
import importlib
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from gpu import gating, machine, program
from gpu.table import Goal, print_head
from gpu.timing import Contestant

from fasts2s.bench.cases import Case

GOALS = (
    *(
        Goal(f"{kind} H=128", peer, factor)
        for kind in ("Seq2seq", "PeekySeq2seq")
        for peer, factor in (("torch eager", 2.0), ("book on CuPy", 20.0))
    ),
    Goal("BetterRnnlm H=650", "torch eager", 1.5),
    Goal("BetterRnnlm H=650", "book on CuPy", 10.0),
)
Maker = Callable[[Any], Any]


def makers(run: program.Run) -> dict[str, Maker]:
    """Return label -> what makes a step ready; ours is the first. Notes who is left out."""
    numpy_side = importlib.import_module("gpu.step_numpy")
    found: dict[str, Maker] = {"ours": numpy_side.ours}
    if run.torch_device:
        torch_side = importlib.import_module("gpu.step_torch")
        for mode, label in torch_side.MODES.items():
            found[label] = partial(torch_side.make, mode=mode, device=run.torch_device)
    try:
        code = numpy_side.book_from_environment()
    except (numpy_side.BookIsMissingError, ImportError, RuntimeError) as error:
        run.notes.append(f"left out: the book on CuPy: {machine.one_line(error)}")
    else:
        found["book on CuPy"] = partial(numpy_side.book, code=code)
    return found


def without(case: Case) -> set[str]:
    """Return who cannot take part: the book's dropout layers want a mask in backward."""
    return {"book on CuPy"} if case.name.endswith("no dropout") else set()


def ready(case: Case, run: program.Run, everyone: dict[str, Maker], folder: Path) -> list[Contestant]:
    """Let everybody pass the gate; return who may be timed."""
    work = importlib.import_module("gpu.step_cases").make(case, folder)
    found = []
    for label in [name for name in everyone if name not in without(case)]:
        made: list[Any] = []

        def judge(label: str = label, made: list[Any] = made) -> Any:
            made.append(everyone[label](work))
            return gating.judge_curve(made[0].losses(), work.losses)

        errors = run.passes(f"{case.name}, {label}", judge)
        if errors is not None:
            one = made[0]
            found.append(Contestant(label, one.once, one.reset, one.note, errors))
    return found


def measure(case: Case, run: program.Run, everyone: dict[str, Maker], folder: Path, again: bool) -> list[Contestant]:
    """Measure a case and print its lines, or only measure it, for the repeat."""
    contestants = ready(case, run, everyone, folder)
    if run.torch_device == "cuda" and not again:
        count = importlib.import_module("gpu.step_torch").launches
        for one in contestants:
            one.launches = count(one.call)
    return run.measure(case.name, contestants, print_it=not again)


def everything(args: argparse.Namespace, cases: list[Case]) -> int:
    """Print the table; return the exit code."""
    run = program.Run(args, "Training steps on a GPU", kernels=False)
    everyone = makers(run)
    run.head([
        f"step ms: wall time of a step, over blocks of about {run.plan.block} s with synchronise at their ends",
        "ratio: contestant's time / ours, median over the rounds; launches: kernels of a step, where a profiler runs",
        "loss: largest relative difference of the first five losses from a float64 reference",
    ])  # fmt: skip
    cases = [importlib.import_module("gpu.step_cases").tiny(case) for case in cases] if args.dry else cases
    print("\nOne training step: forward, loss, backward, clip, update (Adam; Rnnlm and BetterRnnlm: SGD)")
    print_head(kernels=False)
    with tempfile.TemporaryDirectory(prefix="fasts2s-gpu-") as name:
        for case in cases:
            measure(case, run, everyone, Path(name), again=False)
        again = measure(cases[0], run, everyone, Path(name), again=True)
    return run.end(GOALS, again)


def main() -> int:
    """Parse the command line and run."""
    step_cases: Any = importlib.import_module("gpu.step_cases")
    options = program.parser(__doc__ or "", step_cases.GROUPS)
    args = options.parse_args()
    cases = program.chosen(step_cases.CASES, args, options)
    return program.start("gpu_steps.py", args, lambda a: everything(a, cases))


if __name__ == "__main__":
    sys.exit(main())

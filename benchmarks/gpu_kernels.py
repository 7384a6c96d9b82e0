"""Our GPU kernels beside PyTorch's (cuDNN), each behind a gate; needs a GPU, CuPy and PyTorch in one environment.

    python benchmarks/gpu_kernels.py --json kernels.json > kernels.txt

Exit code 0: all measured; 1: a result is wrong, or the repeat does not agree; 2: there is no GPU.
"""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

from gpu import gating, kernel_cases, program
from gpu.table import Goal, print_head
from gpu.timing import Contestant

from fasts2s.bench.cases import Case

TITLES = {
    "lstm": "One LSTM layer (N x T x D x H)",
    "loss": "Softmax with loss, forward and backward (rows x V)",
    "embedding": "Gradient of an embedding (10000 x D)",
    "update": "Clipping and update of all parameters of a model",
}
_MODES = {"both": " forward+backward", "forward": " forward"}


def row_name(case: str, mode: str) -> str:
    """Return the name of a row."""
    return case.removeprefix("lstm ") + (_MODES[mode] if case.startswith("lstm ") else "")


def goals() -> tuple[Goal, ...]:
    """Return the goals of gpu-kernels: LSTM forward and backward, and the loss."""
    shapes = ["x".join(map(str, shape)) for shape in kernel_cases.LSTM_SHAPES]
    factors = (1.0, 1.0, None, 1.5, 1.5)  # none for 20x35x100x100, where cuDNN has its small-H kernel
    lstm = [Goal(row_name(s, "both"), "nn.LSTM fp32", f) for s, f in zip(shapes, factors, strict=True) if f]
    loss = row_name("softmax 700x10000", "both")
    return (*lstm, Goal(loss, seconds=20e-6), Goal(loss, "cross_entropy", 2.0))


def everyone(case: Case, data: Any, run: program.Run) -> list[Any]:
    """Return the contestants of a case, made ready; ours is the first."""
    ours = importlib.import_module("gpu.our_kernels")
    found = ours.make(case, data)
    if run.torch_device:
        found += importlib.import_module("gpu.torch_kernels").make(case, data, run.torch_device)
    return found


def prepare(case: Case, run: program.Run, folder: Path) -> dict[str, list[Contestant]]:
    """Let everybody pass the gate; return who may be timed, by mode."""
    data, reference = kernel_cases.make(case, folder, run.args.dry)
    ready: dict[str, list[Contestant]] = {mode: [] for mode in kernel_cases.modes(case)}
    for made in everyone(case, data, run):

        def judge(made: Any = made) -> Any:
            made.before()
            return gating.judge(made.results(), reference, made.precision)

        errors = run.passes(f"{case.name}, {made.label}", judge)
        if errors is None:
            continue
        for mode, contestants in ready.items():
            shown = {k: v for k, v in errors.items() if k == "out" or mode != "forward"}
            contestants.append(Contestant(made.label, made.calls[mode], made.before, made.note, shown))
    return ready


def measure(case: Case, run: program.Run, folder: Path, only: str = "") -> list[Contestant]:
    """Measure the rows of a case; ``only`` this mode, without printing: for the repeat."""
    timed: list[Contestant] = []
    for mode, contestants in prepare(case, run, folder).items():
        if only in {"", mode}:
            timed = run.measure(row_name(case.name, mode), contestants, print_it=not only)
    importlib.import_module("gpu.our_kernels").use_design("chosen")
    return timed


def everything(args: argparse.Namespace, cases: list[Case]) -> int:
    """Print all tables; return the exit code."""
    run = program.Run(args, "GPU kernels", kernels=True)
    run.head([
        f"device us: between CUDA events over {run.plan.calls} calls, started ahead while the device was kept busy",
        "call us: wall time of a call with synchronise at the end, over as many calls: what a Python loop sees",
        "ratio: contestant's time / ours, median over the rounds; goals look at the device",
        "errors: relative L2 distance from a float64 reference",
    ])  # fmt: skip
    cases = [kernel_cases.tiny(case) for case in cases] if args.dry else cases
    with tempfile.TemporaryDirectory(prefix="fasts2s-gpu-") as name:
        for group in kernel_cases.GROUPS:
            found = [case for case in cases if case.group == group]
            if found:
                print(f"\n{TITLES[group]}")
                print_head(kernels=True)
            for case in found:
                measure(case, run, Path(name))
        again = measure(cases[0], run, Path(name), kernel_cases.modes(cases[0])[0])
    return run.end(goals(), again)


def main() -> int:
    """Parse the command line and run."""
    options = program.parser(__doc__ or "", kernel_cases.GROUPS)
    args = options.parse_args()
    cases = program.chosen(kernel_cases.CASES, args, options)
    return program.start("gpu_kernels.py", args, lambda a: everything(a, cases))


if __name__ == "__main__":
    sys.exit(main())

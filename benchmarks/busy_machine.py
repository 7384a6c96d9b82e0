"""Training steps beside busy programs: what threads cost that wait for one another.

    python benchmarks/busy_machine.py                        # beside 0, 1 and 3 busy processes
    python benchmarks/busy_machine.py --beside 3 --source ../older

For every number of busy processes each way (backend, FASTS2S_NUM_THREADS or nothing) makes its steps in a process of
its own, in turn; what is printed are the milliseconds of a step of Seq2seq, H=128, on addition: the fastest, the
median and the slowest of all rounds. ``--source`` measures another checkout of this project, such as an older one.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fasts2s.bench.machine import blas, heading

ROOT = Path(__file__).resolve().parent.parent
WAYS = (("numpy", ""), ("numpy", "1"), ("numba", ""), ("numba", "1"))
# Of the package only what every version has.
STEPS = """
import json, sys, time
import numpy as np
import fasts2s
from fasts2s.models import Seq2seq
from fasts2s.optimizers import Adam

np.random.seed(0)
xs, ts = np.random.randint(0, 13, (128, 7)), np.random.randint(0, 13, (128, 5))
model, optimizer, spent = Seq2seq(13, 16, 128), Adam(), []
for _ in range(int(sys.argv[1]) + 1):
    started = time.perf_counter()
    model.forward(xs, ts)
    model.backward()
    optimizer.update(model.params, model.grads)
    spent.append(time.perf_counter() - started)
print(json.dumps(spent[1:]))
"""


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep ``count`` processes busy during a ``with`` block."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def step_seconds(source: Path, backend: str, threads: str, steps: int) -> list[float]:
    """Return the seconds of steps in a process of their own. CalledProcessError if there are none."""
    path = os.pathsep.join([str(source), str(source / "kernels")])
    ours = {"PYTHONPATH": path, "FASTS2S_BACKEND": backend, "FASTS2S_NUM_THREADS": threads}
    command = [sys.executable, "-c", STEPS, str(steps)]
    # The current folder comes before all others on the path.
    done = subprocess.run(command, env=os.environ | ours, cwd=source, stdout=subprocess.PIPE, text=True, check=True)
    seconds: list[float] = json.loads(done.stdout)
    return seconds


def main(argv: list[str] | None = None) -> int:
    """Print a line for each number of busy processes and each way."""
    parser = argparse.ArgumentParser(description="Training steps beside busy processes.")
    parser.add_argument("--beside", default="0,1,3", help="numbers of busy processes (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="processes for each way (%(default)s)")
    parser.add_argument("--steps", type=int, default=20, help="steps in each of them (%(default)s)")
    parser.add_argument("--source", type=Path, default=ROOT, help="checkout to measure (this one)")
    a = parser.parse_args(argv)
    print(heading("Milliseconds of a training step beside busy processes", "as said", BLAS=blas()))
    print(f"{'beside':>6}  {'backend':<8}{'threads':<9}{'fastest':>9}{'median':>9}{'slowest':>9}")
    for count in map(int, a.beside.split(",")):
        found: dict[tuple[str, str], list[float]] = {way: [] for way in WAYS}
        with busy(count):
            for way in WAYS * a.rounds:
                found[way] += step_seconds(a.source.resolve(), way[0], way[1], a.steps)
        for (backend, threads), seconds in found.items():
            low, middle, high = 1e3 * np.percentile(seconds, [0, 50, 100])
            print(f"{count:>6}  {backend:<8}{threads or '-':<9}{low:>9.1f}{middle:>9.1f}{high:>9.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

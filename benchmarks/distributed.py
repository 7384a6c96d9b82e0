"""Steps of several processes that train together: against threads, and beside PyTorch's DistributedDataParallel.

    python benchmarks/distributed.py --json benchmarks/results/distributed.json --torch PYTHON

Every measurement is a start of its own: of ``mpiexec -n RANKS`` with this package, or of as many processes of PyTorch
with gloo, each with the same number of threads. They take turns, ``--rounds`` times; of each the median of its steps
counts. What is compared is compared within each round, for machines change their speed: of these ratios the median is
given, the least and the largest. Ids are drawn: only sizes matter here. PyTorch is not needed where the first process
runs; PYTHON is one that has it, and mpi4py and mpich are in the environment of the first.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

#: Rows and steps of sequences; of the book's chapter 6, and of its dates with attention, or without.
WORKS: dict[str, dict[str, Any]] = {
    "BetterRnnlm": {"V": 10000, "H": 650, "N": 20, "T": 35, "steps": 5},
    "attention": {"V": 59, "D": 16, "H": 256, "N": 128, "S": 29, "T": 11, "steps": 25},
    "seq2seq": {"V": 59, "D": 16, "H": 256, "N": 128, "S": 29, "T": 11, "steps": 25},
}
#: Bytes that are summed over the ranks.
SIZES = [4**k for k in range(5, 14)]
WARM = 2


def _timed(step: Callable[[], Any], steps: int) -> list[float]:
    times = []
    for _ in range(WARM + steps):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return times[WARM:]


def ours(work: str, steps: int, rows: int | None) -> None:
    """Train on the ranks of the launcher; rank 0 prints the seconds of its steps."""
    from fasts2s import distributed, models  # noqa: PLC0415 - PyTorch's processes have none
    from fasts2s.optimizers import SGD, Adam  # noqa: PLC0415
    from fasts2s.trainer import Trainer  # noqa: PLC0415

    s = WORKS[work] | ({"N": rows} if rows else {})
    with distributed.session("mpi", quiet=True) as ranks:
        np.random.seed(1)
        if work == "BetterRnnlm":
            trainer, clip = Trainer(models.BetterRnnlm(s["V"], s["H"], s["H"]), SGD(20.0)), 0.25
            xs = ts = np.random.randint(0, s["V"], (s["N"], s["T"]))
        else:
            kind = models.AttentionSeq2seq if work == "attention" else models.Seq2seq
            trainer, clip = Trainer(kind(s["V"], s["D"], s["H"]), Adam()), 5.0
            xs, ts = (np.random.randint(0, s["V"], (s["N"], s[k])) for k in "ST")
        times = _timed(lambda: trainer.train_step(xs, ts, clip), steps)
        if ranks.rank == 0:
            print(json.dumps(times))


def sums(count: int) -> None:
    """Rank 0 prints the seconds of a sum of each size."""
    from mpi4py import MPI  # noqa: PLC0415

    from fasts2s.distributed.host_sum import HostSum  # noqa: PLC0415

    comm, found = MPI.COMM_WORLD, {}
    machine = comm.Split_type(MPI.COMM_TYPE_SHARED)
    between = comm.Split(machine.rank, comm.rank)
    for size in SIZES:
        on_host = HostSum(MPI, comm, machine, between, size // 4, np.float32)
        comm.Barrier()
        found[size] = median(_timed(on_host.sum, count))
    if comm.rank == 0:
        print(json.dumps(found))


def theirs(work: str, steps: int) -> None:
    """Train with PyTorch on RANK of WORLD_SIZE processes; the first one prints the seconds of its steps."""
    # Another Python's: this one need not have it.
    torch: Any = import_module("torch")
    dist: Any = import_module("torch.distributed")
    nn = torch.nn

    s, size = WORKS[work], int(os.environ["WORLD_SIZE"])
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    dist.init_process_group("gloo")
    torch.manual_seed(1)
    H, V, N = s["H"], s["V"], s["N"] // size

    class Words(nn.Module):
        """BetterRnnlm."""

        def __init__(self) -> None:
            super().__init__()
            self.embed, self.affine = nn.Embedding(V, H), nn.Linear(H, V)
            self.affine.weight = self.embed.weight
            self.lstms = nn.ModuleList([nn.LSTM(H, H, batch_first=True) for _ in range(2)])
            self.drop = nn.Dropout(0.5)
            self.states: list[Any] = [None, None]

        def forward(self, xs: Any, ts: Any) -> Any:
            """Return the loss; the states go on."""
            h = self.drop(self.embed(xs))
            for k, lstm in enumerate(self.lstms):
                h, state = lstm(h, self.states[k])
                self.states[k] = tuple(a.detach() for a in state)
                h = self.drop(h)
            return nn.functional.cross_entropy(self.affine(h).reshape(-1, V), ts.reshape(-1))

    class Sequences(nn.Module):
        """Seq2seq."""

        def __init__(self) -> None:
            super().__init__()
            D = s["D"]
            self.embeds = nn.ModuleList([nn.Embedding(V, D) for _ in range(2)])
            self.lstms = nn.ModuleList([nn.LSTM(D, H, batch_first=True) for _ in range(2)])
            self.affine = nn.Linear(H, V)

        def forward(self, xs: Any, ts: Any) -> Any:
            """Return the loss."""
            _, (h, c) = self.lstms[0](self.embeds[0](xs))
            out, _ = self.lstms[1](self.embeds[1](ts[:, :-1]), (h, torch.zeros_like(c)))
            return nn.functional.cross_entropy(self.affine(out).reshape(-1, V), ts[:, 1:].reshape(-1))

    is_words = work == "BetterRnnlm"
    model = nn.parallel.DistributedDataParallel(Words() if is_words else Sequences())
    clip = 0.25 if is_words else 5.0
    parameters = list(model.parameters())
    optimizer: Any = torch.optim.SGD(parameters, lr=20.0) if is_words else torch.optim.Adam(parameters, fused=True)
    xs, ts = (torch.randint(0, V, (N, length)) for length in ((s["T"],) * 2 if is_words else (s["S"], s["T"])))

    def step() -> None:
        loss = model(xs, ts)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()

    times = _timed(step, steps)
    if dist.get_rank() == 0:
        print(json.dumps(times))
    dist.destroy_process_group()


def _environment(threads: int) -> dict[str, str]:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "FASTS2S_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(threads))}


def _start_ours(ranks: int, threads: int, *words: str) -> Any:
    mpiexec = str(Path(sys.executable).parent / "mpiexec")
    command = [mpiexec, "-n", str(ranks), sys.executable, __file__, *words]
    done = subprocess.run(command, env=_environment(threads), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _start_theirs(python: str, ranks: int, threads: int, *words: str) -> Any:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    rest = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(ranks)}
    started = [
        subprocess.Popen(
            [python, __file__, *words],
            env={**_environment(threads), **rest, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(ranks)
    ]
    said = [process.communicate()[0] for process in started]
    return json.loads(said[0])


def measure(python: str | None, rounds: int) -> dict[str, Any]:
    """Return the seconds of a step, one number per round, by work, library and "ranks x threads"."""
    found: dict[str, dict[str, list[float]]] = {work: {} for work in WORKS}
    for _ in range(rounds):
        for work, s in WORKS.items():
            words = ("--work", work, "--steps", str(s["steps"]))
            half = ("--rows", str(s["N"] // 2))
            for name, ranks, threads, more in (
                ("1 x 2", 1, 2, ()),
                ("2 x 1", 2, 1, ()),
                ("1 x 1", 1, 1, ()),
                ("1 x 1, half the rows", 1, 1, half),
            ):
                times = _start_ours(ranks, threads, *words, *more)
                found[work].setdefault(f"fasts2s {name}", []).append(median(times))
            if python and work != "attention":
                for ranks, threads in ((2, 1),):
                    times = _start_theirs(python, ranks, threads, *words, "--theirs")
                    found[work].setdefault(f"torch {ranks} x {threads}", []).append(median(times))
    return {"steps": found, "sums": _start_ours(2, 1, "--sums", "20")}


def _ratio(mine: list[float], theirs: list[float]) -> str:
    """Return how many times as fast mine are: the median of the rounds, the least and the largest."""
    ratios = [their / my for my, their in zip(mine, theirs, strict=True)]
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def report(found: dict[str, Any]) -> str:
    """Return what was measured as a table."""
    lines = ["work | 2 ranks x 1 thread | 1 x 2 threads | times as fast | torch DDP 2 x 1 | times as fast"]
    for work, times in found["steps"].items():
        rates = {name: WORKS[work]["N"] / median(values) for name, values in times.items()}
        mine = times["fasts2s 2 x 1"]
        others = (
            f"{rates[name]:,.1f} | {_ratio(mine, times[name])}" if name in times else "- | -"
            for name in ("fasts2s 1 x 2", "torch 2 x 1")
        )
        lines.append(f"{work} | {rates['fasts2s 2 x 1']:,.1f} rows/s | " + " | ".join(others))
    lines += [
        f"sum of {int(size):>10,} bytes: {1e6 * t:9.1f} us, {int(size) / t / 1e9:.2f} GB/s"
        for size, t in found["sums"].items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--torch", metavar="PYTHON", help="one with PyTorch")
    add("--json", metavar="FILE", type=Path)
    add("--rounds", type=int, default=3)
    add("--work", choices=WORKS, help=argparse.SUPPRESS)
    add("--steps", type=int, help=argparse.SUPPRESS)
    add("--rows", type=int, help=argparse.SUPPRESS)
    add("--sums", type=int, help=argparse.SUPPRESS)
    add("--theirs", action="store_true", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.sums:
        sums(a.sums)
    elif a.work:
        theirs(a.work, a.steps) if a.theirs else ours(a.work, a.steps, a.rows)
    else:
        from fasts2s.bench import machine  # noqa: PLC0415 - not in PyTorch's processes

        print(machine.heading("Several processes", "as the rows say"))
        found = {"machine": machine.describe(), **measure(a.torch, a.rounds)}
        if a.json:
            a.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(report(found))


if __name__ == "__main__":
    main()

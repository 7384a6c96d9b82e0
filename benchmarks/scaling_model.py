"""How long a step of many processes would take: a model fitted on one and two, and its curve up to 1,024.

    python benchmarks/scaling_model.py

Reads ``benchmarks/results/distributed.json``, which ``benchmarks/distributed.py`` writes; writes the table between
the marks in ``docs/distributed.md`` and the picture ``docs/distributed.svg``.

A step of p ranks, each with n of the N rows, takes

* ``flops(n) / rate + pass * parameters``, what one rank takes with n rows: both fitted, by two numbers of rows;
* ``2 (p - 1) latency + 2 (p - 1) / p * bytes / bandwidth``, a sum in a ring; with several ranks on a machine first
  one within each machine, at what was measured here, then one between the machines;
* ``draw * N * T * H``, where there is dropout: each rank draws the masks of all rows, and takes its own.

What it does not know: that ranks on one machine share its memory, and that machines are never equally fast.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.distributed import WORKS

ROOT = Path(__file__).resolve().parent.parent
FILE, DOCS, PICTURE = (
    ROOT / "benchmarks" / "results" / "distributed.json", ROOT / "docs" / "distributed.md",
    ROOT / "docs" / "distributed.svg",
)  # fmt: skip
BEGIN, END = "<!-- scaling -->", "<!-- end of scaling -->"
RANKS = [2**k for k in range(11)]
#: Seconds and bytes per second: what such networks are sold as, less a fifth.
NETWORKS = {"10 Gbit/s Ethernet": (30e-6, 1.0e9), "100 Gbit/s InfiniBand": (2e-6, 10e9)}
#: Ranks of a machine.
EACH = 16
#: Seconds in which NumPy's global generator draws a number, and a mask is made of it.
DRAW = 5e-9


class Size(NamedTuple):
    """What a step's time depends on, beside rows."""

    macs: float  # multiply-adds of a forward, per row
    parameters: float
    drawn: float  # random numbers per row


def size_of(work: str) -> Size:
    """Return that of a work: two LSTM layers and an affine layer."""
    s = WORKS[work]
    V, H, T = s["V"], s["H"], s["T"]
    if work == "BetterRnnlm":
        return Size(T * (16 * H * H + H * V), 16 * H * H + V * H, 3 * T * H)
    D, S = s["D"], s["S"]
    lstm, scores = 4 * H * (D + H), H * V * (2 if work == "attention" else 1)
    attention = 2 * S * H * T if work == "attention" else 0
    return Size((S + T) * lstm + T * scores + attention, 2 * lstm + 2 * V * D + scores, 0)


class Model(NamedTuple):
    """What was fitted: multiply-adds per second, seconds per parameter, latency and bandwidth within a machine."""

    rate: float
    each: float
    latency: float
    bandwidth: float

    def compute(self, size: Size, rows: float) -> float:
        """Return the seconds of one rank."""
        return 3 * size.macs * rows / self.rate + self.each * size.parameters

    def summing(self, size: Size, ranks: int, network: tuple[float, float]) -> float:
        """Return the seconds of the sum of float32 gradients: within machines, then between them."""
        inside = min(ranks, EACH)
        machines = -(-ranks // EACH)
        return _ring(4 * size.parameters, inside, (self.latency, self.bandwidth)) + _ring(
            4 * size.parameters, machines, network
        )

    def step(self, size: Size, ranks: int, rows: float, network: tuple[float, float]) -> float:
        """Return the seconds of a step with so many rows on each rank."""
        draw = DRAW * size.drawn * rows * (ranks - 1)
        return self.compute(size, rows) + self.summing(size, ranks, network) + draw


def _ring(size: float, ranks: int, network: tuple[float, float]) -> float:
    latency, bandwidth = network
    return 0.0 if ranks == 1 else 2 * (ranks - 1) * latency + 2 * (ranks - 1) / ranks * size / bandwidth


def fitted(found: dict[str, Any], work: str) -> Model:
    """Return the model of a work from what was measured."""
    size, rows = size_of(work), WORKS[work]["N"]
    times = {name: min(values) for name, values in found["steps"][work].items()}
    whole, half = times["fasts2s 1 x 1"], times["fasts2s 1 x 1, half the rows"]
    per_row = (whole - half) / (rows - rows // 2)
    sums = {int(k): v for k, v in found["sums"].items()}
    small, large = min(sums), max(sums)
    return Model(
        rate=3 * size.macs / per_row,
        each=max(0.0, whole - per_row * rows) / size.parameters,
        latency=sums[small] / 2,
        bandwidth=large / sums[large],
    )


def tables(found: dict[str, Any]) -> list[str]:
    """Return the lines of the document: what was measured beside the model, then the curve."""
    lines = [
        "| work | rows | 1 rank | 2 ranks | model of 2 ranks | GFLOP/s of a rank | sum of the gradients |",
        "|---|---|---|---|---|---|---|",
    ]
    network = next(iter(NETWORKS.values()))
    for work in WORKS:
        model, size, rows = fitted(found, work), size_of(work), WORKS[work]["N"]
        times = {name: min(values) for name, values in found["steps"][work].items()}
        said = model.step(size, 2, rows / 2, network)
        lines.append(
            f"| {work} | {rows} | {1e3 * times['fasts2s 1 x 1']:.0f} ms | {1e3 * times['fasts2s 2 x 1']:.0f} ms "
            f"| {1e3 * said:.0f} ms | {2 * model.rate / 1e9:.0f} "
            f"| {4 * size.parameters / 1e6:.1f} MB, {1e3 * model.summing(size, 2, network):.1f} ms |"
        )
    lines += [
        "",
        "| work | ranks |" + "".join(f" {name} |" for name in NETWORKS),
        "|---|---|" + "---|" * len(NETWORKS),
    ]
    for work in WORKS:
        for ranks in RANKS[1::3]:
            cells = [_cell(found, work, ranks, network) for network in NETWORKS.values()]
            lines.append(f"| {work} | {ranks:,} | {' | '.join(cells)} |")
    return lines


def _cell(found: dict[str, Any], work: str, ranks: int, network: tuple[float, float]) -> str:
    """Return how many times as fast, with as many rows for each rank as one had, and what the time goes into."""
    model, size, rows = fitted(found, work), size_of(work), WORKS[work]["N"]
    time, alone = model.step(size, ranks, rows, network), model.step(size, 1, rows, network)
    shares = {
        "computing": model.compute(size, rows),
        "the sum": model.summing(size, ranks, network),
        "drawing masks": DRAW * size.drawn * rows * (ranks - 1),
    }
    most = max(shares, key=lambda name: shares[name])
    return f"{ranks * alone / time:,.0f} x, most of it {most}"


def draw(found: dict[str, Any]) -> None:
    """Write the picture."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "fasts2s"
    import matplotlib.pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=(6.4, 4.2))
    for k, work in enumerate(WORKS):
        model, size, rows = fitted(found, work), size_of(work), WORKS[work]["N"]
        for (name, network), style in zip(NETWORKS.items(), ("--", "-"), strict=True):
            alone = model.step(size, 1, rows, network)
            speed = [p * alone / model.step(size, p, rows, network) for p in RANKS]
            axes.loglog(RANKS, speed, style, color=f"C{k}", label=f"{work}, {name}")
    axes.loglog(RANKS, RANKS, ":", color="grey", label="as many times as ranks")
    axes.set_xlabel(f"ranks, {EACH} on a machine, each with the rows of one process")
    axes.set_ylabel("rows per second, times those of one rank")
    axes.set_xticks(RANKS, [str(p) for p in RANKS])
    axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(PICTURE, metadata={"Date": None})
    plt.close(figure)


def written(text: str, lines: list[str]) -> str:
    """Return the document with the lines between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}"


def main() -> None:
    """Write both."""
    found = json.loads(FILE.read_text(encoding="utf-8"))
    DOCS.write_text(written(DOCS.read_text(encoding="utf-8"), tables(found)), encoding="utf-8")
    draw(found)
    bound = {
        work: [p for p in RANKS if np.isfinite(p) and _cell(found, work, p, n).endswith("the sum")][:1]
        for work in WORKS
        for n in [NETWORKS["10 Gbit/s Ethernet"]]
    }
    print(f"from how many ranks on the sum takes most of a step, by Ethernet: {bound}")


if __name__ == "__main__":
    main()

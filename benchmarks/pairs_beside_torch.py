"""An encoder-decoder with attention on a file of pairs, beside PyTorch: time of a step, and losses of held-out pairs.

    python benchmarks/pairs_beside_torch.py FILE --epochs 6 --rounds 3

Both begin with the same weights, see the same batches in the same order, clip at the same norm and have the same
Adam; nothing is dropped, for the two would drop different units. Each training is a process of its own, one after the
other, in turn. PyTorch packs its batches, fuses Adam, and runs eagerly; ``--compile`` measures what it gains by
``torch.compile``.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fasts2s.bench import machine

D, H = 128, 256


def prepare(file: str, folder: Path, epochs: int, tokens: Any, **columns: Any) -> dict[str, int]:
    """Write weights, batches of all epochs and held-out batches as npz; return the sizes."""
    from fasts2s.models import EncoderDecoder, EncoderDecoderSettings  # noqa: PLC0415 - the peer's process has none
    from fasts2s.text import Batches, encode_pairs, read_pairs, split, tokenizers_for  # noqa: PLC0415

    train, held_out, _ = split(read_pairs(file, **columns), 0.1, 0.0)
    source, target = tokenizers_for(train, tokens)
    learned, measured = (
        encode_pairs(pairs, source, target, max_source=200, max_target=200) for pairs in (train, held_out)
    )
    batches = Batches(learned, 8192, max_rows=64, seed=1, prepared=0)
    arrays: dict[str, Any] = {}
    for epoch in range(epochs):
        for k, batch in enumerate(batches.epoch(epoch)):
            arrays[f"{epoch:03}-{k:05}-xs"], arrays[f"{epoch:03}-{k:05}-ts"] = batch.xs, batch.ts
    for k, batch in enumerate(Batches(measured, 8192, prepared=0).epoch(0)):
        arrays[f"held-{k:05}-xs"], arrays[f"held-{k:05}-ts"] = batch.xs, batch.ts
    np.random.seed(1)
    model = EncoderDecoder(EncoderDecoderSettings(len(source), len(target), D, H), backend="numpy")
    arrays |= {f"weight-{k:02}": p for k, p in enumerate(model.params)}
    np.savez(folder / "data.npz", **arrays)
    return {"pairs": len(learned), "source": len(source), "target": len(target), "steps": len(batches)}


class Ours:
    """This package."""

    def __init__(self, weights: list[Any]) -> None:
        from fasts2s.models import EncoderDecoder, EncoderDecoderSettings  # noqa: PLC0415
        from fasts2s.optimizers import Adam  # noqa: PLC0415
        from fasts2s.trainer import Trainer  # noqa: PLC0415

        self.model = EncoderDecoder(EncoderDecoderSettings(len(weights[0]), len(weights[-1]), D, H))
        for p, weight in zip(self.model.params, weights, strict=True):
            p[...] = weight
        self.trainer = Trainer(self.model, Adam(0.002))

    def step(self, xs: Any, ts: Any) -> None:
        """Train on a batch."""
        self.trainer.train_step(xs, ts, 5.0)

    def loss(self, xs: Any, ts: Any) -> float:
        """Return the mean loss of a batch."""
        return float(self.model.forward(xs, ts, train_flg=False))


class Theirs:
    """PyTorch, as its user would write it."""

    def __init__(self, weights: list[Any], compiled: bool) -> None:
        import torch  # noqa: PLC0415 # pyright: ignore[reportMissingImports]

        from fasts2s.bench.peers._torch_models import fill, slots  # noqa: PLC0415

        self.torch = torch
        self.model = _torch_model(len(weights[0]), len(weights[-1]))
        parts = self.model.parts()
        fill(slots(parts[:4]), weights[:8])
        with torch.no_grad():
            self.model.join.weight.copy_(torch.from_numpy(weights[8].T.copy()))
            self.model.out.weight.copy_(torch.from_numpy(weights[9].T.copy()))
            self.model.out.bias.copy_(torch.from_numpy(weights[10]))
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.trained, self.optimizer = trained, torch.optim.Adam(trained, 0.002, eps=1e-7, fused=True)
        self.forward = torch.compile(self.model, dynamic=True) if compiled else self.model

    def step(self, xs: Any, ts: Any) -> None:
        """Train on a batch."""
        self.optimizer.zero_grad(set_to_none=True)
        self.forward(self.torch.from_numpy(xs).long(), self.torch.from_numpy(ts).long()).backward()
        self.torch.nn.utils.clip_grad_norm_(self.trained, 5.0)
        self.optimizer.step()

    def loss(self, xs: Any, ts: Any) -> float:
        """Return the mean loss of a batch."""
        with self.torch.no_grad():
            return float(self.model(self.torch.from_numpy(xs).long(), self.torch.from_numpy(ts).long()))


def _torch_model(source: int, target: int) -> Any:
    import torch  # noqa: PLC0415 # pyright: ignore[reportMissingImports]
    from torch import nn  # noqa: PLC0415 # pyright: ignore[reportMissingImports]

    from fasts2s.bench.peers._torch_models import new_lstm  # noqa: PLC0415

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.read, self.encoder = nn.Embedding(source, D), new_lstm(D, H)
            self.write, self.decoder = nn.Embedding(target, D), new_lstm(D, H)
            self.join, self.out = nn.Linear(2 * H, H, bias=False), nn.Linear(H, target)

        def parts(self) -> list[Any]:
            return [self.read, self.encoder, self.write, self.decoder]

        def forward(self, xs: Any, ts: Any) -> Any:
            mask = xs != 0
            packed = nn.utils.rnn.pack_padded_sequence(
                self.read(xs), mask.sum(1), batch_first=True, enforce_sorted=False
            )
            hs, state = self.encoder(packed)
            hs, _ = nn.utils.rnn.pad_packed_sequence(hs, batch_first=True, total_length=xs.shape[1])
            out, _ = self.decoder(self.write(ts[:, :-1]), state)
            scores = (out @ hs.transpose(1, 2)).masked_fill(~mask[:, None], -torch.inf)
            joined = torch.tanh(self.join(torch.cat((scores.softmax(2) @ hs, out), 2)))
            return nn.functional.cross_entropy(self.out(joined).flatten(0, 1), ts[:, 1:].flatten(), ignore_index=0)

    return Model()


def work(who: str, folder: Path, epochs: int) -> dict[str, Any]:
    """Train; return the seconds of every step and the loss of the held-out pairs after every epoch."""
    data = dict(np.load(folder / "data.npz"))
    weights = [data[name] for name in sorted(data) if name.startswith("weight-")]
    trained = Ours(weights) if who == "fasts2s" else Theirs(weights, who == "compiled")
    seconds, losses = [], []
    for epoch in range(epochs):
        for name in sorted(name for name in data if name.startswith(f"{epoch:03}-") and name.endswith("xs")):
            xs, ts = data[name], data[name[:-2] + "ts"]
            started = time.perf_counter()
            trained.step(xs, ts)
            seconds.append(time.perf_counter() - started)
        nats = count = 0.0
        for name in sorted(name for name in data if name.startswith("held-") and name.endswith("xs")):
            xs, ts = data[name], data[name[:-2] + "ts"]
            symbols = np.count_nonzero(ts[:, 1:])
            nats, count = nats + trained.loss(xs, ts) * symbols, count + symbols
        losses.append(nats / count)
    return {"seconds": seconds, "losses": losses}


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file")
    parser.add_argument("--tokens", default="word")
    parser.add_argument("--source-column", default=0)
    parser.add_argument("--target-column", default=1)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.work:
        print(json.dumps(work(a.work[0], Path(a.work[1]), a.epochs)))
        return
    whos = ["fasts2s", "PyTorch", *(["compiled"] if a.compile else [])]
    results: dict[str, list[Any]] = {who: [] for who in whos}
    with TemporaryDirectory() as folder:
        print(machine.heading("A step of an encoder-decoder, beside PyTorch", "as they come", "torch"))
        columns = {"source_column": a.source_column, "target_column": a.target_column}
        print(prepare(a.file, Path(folder), a.epochs, a.tokens, **columns))
        for turn in range(a.rounds):
            for who in whos:
                command = [sys.executable, __file__, a.file, "--epochs", str(a.epochs), "--work", who, folder]
                results[who].append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
                # The first epoch compiles and starts threads.
                steps = results[who][-1]["seconds"]
                later = steps[len(steps) // a.epochs :]
                losses = " ".join(f"{loss:.4f}" for loss in results[who][-1]["losses"])
                print(f"{turn + 1} {who:<8} step {1e3 * median(later):6.2f} ms  held-out loss {losses}", flush=True)
    ours = [median(run["seconds"][len(run["seconds"]) // a.epochs :]) for run in results["fasts2s"]]
    for who in whos[1:]:
        theirs = [median(run["seconds"][len(run["seconds"]) // a.epochs :]) for run in results[who]]
        ratios = sorted(b / a for a, b in zip(ours, theirs, strict=True))
        print(f"{who} / fasts2s: {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()

"""Beam search over many sources at once, beside PyTorch with the same weights: the answers, and the time.

    python benchmarks/beam_beside_torch.py FILE [--sources 500] [--beam 5] [--epochs 4] [--rounds 3]

The model, one LSTM on either side with dot attention, learns the pairs of FILE for some epochs first. Then each
contestant answers the held-out sources, all in one batch, in a process of its own, in turn; the best of its own runs
counts. PyTorch runs with 1 and 2 threads; its search is written for it: batched, in inference mode, without a loop
over sources, and sources that are done leave the batch.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from pairs_beside_torch import D, H, Ours, Theirs

from fasts2s.bench import machine

START, STOP, LENGTH, RUNS = 2, 3, 60, 6


def prepare(file: str, folder: Path, epochs: int, count: int) -> str:
    """Train, and write weights and sources as npz; return a line about them."""
    from fasts2s.models import EncoderDecoder, EncoderDecoderSettings  # noqa: PLC0415 - the peer's process has none
    from fasts2s.text import Batches, encode_pairs, read_pairs, split, tokenizers_for  # noqa: PLC0415

    train, held_out, _ = split(read_pairs(file), 0.13, 0.0)
    source, target = tokenizers_for(train, "char")
    np.random.seed(1)
    model = EncoderDecoder(EncoderDecoderSettings(len(source), len(target), D, H))
    ours = Ours(model.params)
    batches = Batches(encode_pairs(train, source, target), 8192, max_rows=64, seed=1)
    for epoch in range(epochs):
        for batch in batches.epoch(epoch):
            ours.step(batch.xs, batch.ts)
    asked = encode_pairs(held_out[:count], source, target)
    xs = next(iter(Batches(asked, 10**9, max_rows=count, prepared=0).epoch(0))).xs
    weights = {f"weight-{k:02}": p for k, p in enumerate(ours.model.params)}
    np.savez(folder / "data.npz", xs=xs, **weights)
    return f"{len(xs)} sources of at most {xs.shape[1]} symbols; vocabularies {len(source)}, {len(target)}"


def our_answers(weights: list[Any], xs: Any, width: int) -> Any:
    """Return a function that makes the best answer to every source."""
    from fasts2s.generation import GenerationOptions, generate  # noqa: PLC0415

    model = Ours(weights).model
    options = GenerationOptions(beam=width, start_id=START, stop_id=STOP, max_length=LENGTH)
    return lambda: [[int(i) for i in row[0].ids] for row in generate(model, xs, options)]


def their_answers(weights: list[Any], xs: Any, width: int, threads: int) -> Any:
    """As :func:`our_answers`, by PyTorch."""
    import torch  # noqa: PLC0415 # pyright: ignore[reportMissingImports]

    torch.set_num_threads(threads)
    model, sources = Theirs(weights, compiled=False).model, torch.from_numpy(xs).long()

    def answers() -> list[list[int]]:
        with torch.inference_mode():
            return _TorchBeam(torch, model, sources, width).run()

    return answers


class _TorchBeam:
    """A batched search of PyTorch: slots (A, W) of the sources that go on."""

    def __init__(self, torch: Any, model: Any, xs: Any, width: int) -> None:
        self.torch, self.model, self.width, N = torch, model, width, len(xs)
        mask = xs != 0
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            model.read(xs), mask.sum(1), batch_first=True, enforce_sorted=False
        )
        hs, self.state = model.encoder(packed)
        self.hs, _ = torch.nn.utils.rnn.pad_packed_sequence(hs, batch_first=True, total_length=xs.shape[1])
        self.bias = torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)
        self.active, self.ids = torch.arange(N), torch.full((N, 1), START)
        self.totals, self.words = torch.zeros(N, 1), torch.zeros(N, 1, 0, dtype=torch.long)
        self.best, self.answers = torch.full((N,), -torch.inf), [[] for _ in range(N)]

    def run(self) -> list[list[int]]:
        for t in range(LENGTH):
            if not self.step(t):
                break
        return self.answers

    def scores(self) -> Any:
        """Return the log-probabilities of what follows, (A, W, V)."""
        torch, model, (A, W) = self.torch, self.model, self.ids.shape
        out, self.state = model.decoder(model.write(self.ids.reshape(-1, 1)), self.state)
        out = out.view(A, W, -1)
        weights = torch.baddbmm(self.bias[:, None], out, self.hs.transpose(1, 2)).softmax(2)
        joined = torch.tanh(model.join(torch.cat((weights @ self.hs, out), 2)))
        return model.out(joined).log_softmax(2)

    def step(self, t: int) -> bool:
        """Take one word; return whether some source goes on."""
        torch, (A, W), scores = self.torch, self.ids.shape, self.scores()
        V = scores.shape[2]
        totals, order = (scores + self.totals[:, :, None]).view(A, -1).topk(self.width, 1)
        parents, words = order // V, order % V
        self.words = torch.cat((self.words.gather(1, parents[:, :, None].expand(-1, -1, t)), words[:, :, None]), 2)
        ends = (words == STOP) & (totals > -torch.inf)
        ending = totals.masked_fill(~(ends if t + 1 < LENGTH else totals > -torch.inf), -torch.inf)
        found, place = ending.max(1)
        for row in (found > self.best[self.active]).nonzero()[:, 0].tolist():
            self.answers[self.active[row]] = self.words[row, place[row]].tolist()
        self.best[self.active] = torch.maximum(self.best[self.active], found)
        self.totals, self.ids = totals.masked_fill(ends, -torch.inf), words
        goes_on = self.totals.max(1).values > self.best[self.active]
        if t + 1 == LENGTH or not goes_on.any():
            return False
        rows = parents + torch.arange(A)[:, None] * W
        if (~goes_on).sum() >= 0.1 * A:
            rows = rows[goes_on]
            for name in ("active", "totals", "ids", "words", "hs", "bias"):
                setattr(self, name, getattr(self, name)[goes_on])
        self.state = tuple(a[:, rows.reshape(-1)] for a in self.state)
        return True


def work(who: str, folder: Path, width: int) -> dict[str, Any]:
    """Answer a number of times; return the least seconds, and the answers without the end mark."""
    data = dict(np.load(folder / "data.npz"))
    weights = [data[name] for name in sorted(data) if name.startswith("weight-")]
    name, _, threads = who.partition(" ")
    asked = our_answers if name == "fasts2s" else their_answers
    answers = asked(weights, data["xs"], width, *([int(threads)] if threads else []))
    seconds, found = [], []
    for _ in range(RUNS):
        started = time.perf_counter()
        found = answers()
        seconds.append(time.perf_counter() - started)
    return {"seconds": min(seconds), "answers": [[i for i in row if i != STOP] for row in found]}


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file")
    parser.add_argument("--sources", type=int, default=500)
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.work:
        print(json.dumps(work(a.work[0], Path(a.work[1]), a.beam)))
        return
    with TemporaryDirectory() as folder:
        print(machine.heading(f"Beam search, {a.beam} wide, beside PyTorch", "as said", "torch"))
        print(prepare(a.file, Path(folder), a.epochs, a.sources))
        ratios = []
        for _ in range(a.rounds):
            found = {}
            for who in ("fasts2s", "PyTorch 1", "PyTorch 2"):
                command = [sys.executable, __file__, a.file, "--beam", str(a.beam), "--work", who, folder]
                found[who] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            ours, *theirs = found.values()
            same = sum(x == y for x, y in zip(ours["answers"], theirs[0]["answers"], strict=True))
            ratios.append(min(one["seconds"] for one in theirs) / ours["seconds"])
            times = ", ".join(f"{who} {1e3 * one['seconds']:.0f} ms" for who, one in found.items())
            print(f"{times}; {ratios[-1]:.2f} times; same answers: {same} of {len(ours['answers'])}", flush=True)
        print(f"median {np.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()

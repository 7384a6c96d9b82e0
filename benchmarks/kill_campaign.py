"""Trainings that are killed at random moments, and go on until they end: do they end with the same bits?

    python benchmarks/kill_campaign.py --kills 200

Every training runs once from beginning to end. Then it is begun again, killed by SIGKILL, SIGTERM or SIGINT at a
random moment, resumed, killed again, until it has ended by itself. Weights, the state of the optimiser, generators,
best weights, history and log must be those of the first run, to the last bit; times may differ. POSIX only: the
trainings are forks of this process, which has imported everything.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s import set_backend
from fasts2s.bench import machine
from fasts2s.checkpoint import load_arrays
from fasts2s.cli import main as fasts2s
from fasts2s.commands.run_log import read_log
from fasts2s.models import EncoderDecoder, EncoderDecoderSettings, StackedRnnlm
from fasts2s.optimizers import Adam, AdamW
from fasts2s.schedules import OneCycle
from fasts2s.sequence import addition_lines
from fasts2s.trainer import RnnlmTrainer, Trainer

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
#: Differ from run to run.
_TIMES = {"seconds", "all_seconds", "samples_per_second", "tokens_per_second", "words_per_second"}
_TIMES |= {"labels_per_second", "peak_memory_mb", "arguments", "settings", "environment"}
_LONGEST = 120.0


def commands(folder: Path) -> dict[str, list[str]]:
    """Write small data; return the trainings by name: arguments of ``fasts2s train``."""
    (folder / "sums.txt").write_text("\n".join(addition_lines(330, seed=5)) + "\n", encoding="utf-8")
    rng = random.Random(1)
    words = ["one", "two", "three", "four", "five", "six"]
    rows = [[rng.choice(words) for _ in range(rng.randint(1, 4))] for _ in range(120)]
    text = "\n".join(" ".join(row) + "\t" + " ".join(row[::-1]) for row in rows)
    (folder / "pairs.tsv").write_text(text + "\n", encoding="utf-8")
    (folder / "text.txt").write_text("\n".join(" ".join(row * 3) for row in rows) + "\n", encoding="utf-8")
    small = ["--hidden", "6", "--wordvec", "4", "--epochs", "3"]
    sums = [*small, "--data", str(folder / "sums.txt"), "--batch-size", "50"]
    return {
        "seq2seq": ["addition", "--model", "seq2seq", *sums],
        "attention": ["addition", "--model", "attention", "--schedule", "cosine", "--average", *sums],
        "pairs": ["pairs", str(folder / "pairs.tsv"), "--dropout", "0.3", "--batch-size", "12", *small],
        "lm": ["lm", str(folder / "text.txt"), *small[:2], "--epochs", "3", "--batch-size", "4", "--time-size", "5",
               "--model", "better"],
    }  # fmt: skip


def fits() -> dict[str, Callable[[Path], Any]]:
    """Return trainings in Python by name; each of them takes the path of its checkpoint."""
    ids = np.random.default_rng(2).integers(0, 7, 400)
    x, t = np.random.default_rng(1).integers(3, 7, (60, 4)), np.random.default_rng(3).integers(3, 7, (60, 5))

    def trainer(path: Path) -> None:
        np.random.seed(7)
        model = EncoderDecoder(EncoderDecoderSettings(7, 7, 4, 6, dropout=0.3, scheduled_sampling=0.2))
        schedule = OneCycle(0.01, 150)
        Trainer(model, AdamW(), schedule=schedule, accumulate=2, average=0.9).fit(
            x, t, 15, 6, 1.0, 5, checkpoint=path, checkpoint_every=2
        )

    def rnnlm(path: Path) -> None:
        np.random.seed(7)
        model = StackedRnnlm(7, 4, 6, cell="gru", layers=2, dropout_ratio=0.2)
        RnnlmTrainer(model, Adam()).fit(ids[:-1], ids[1:], 15, 4, 9, 0.5, 5, checkpoint=path, checkpoint_every=2)

    return {"Trainer": trainer, "RnnlmTrainer": rnnlm}


def started(work: Callable[[], int], log: Path) -> int:
    """Run something in a fork whose output goes to a file; return its number."""
    number = os.fork()
    if number:
        return number
    status = 70
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        try:
            status = work()
        except KeyboardInterrupt:
            status = 130
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def ended(number: int, seconds: float) -> int | None:
    """Wait for a fork so long; return its exit status, minus the signal that ended it, or None if it still runs."""
    until = time.monotonic() + seconds
    while True:
        found, status = os.waitpid(number, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            return None
        time.sleep(0.002)


class Training:
    """A training that can be begun and resumed: a command, or a function of the path of a checkpoint."""

    def __init__(self, name: str, what: Any, every: int) -> None:
        self.name, self._what, self._every = name, what, every

    def run(self, folder: Path) -> int:
        """Train in a folder, from where it is."""
        if callable(self._what):
            folder.mkdir(exist_ok=True)
            self._what(folder / "checkpoint.npz")
            return 0
        every = ["--checkpoint-every", str(self._every)]
        if (folder / "checkpoint.npz").exists():
            return fasts2s(["train", "--resume", str(folder), *every])
        return fasts2s(["train", *self._what, "--out", str(folder), "--overwrite", *every])

    def end(self, folder: Path) -> dict[str, Any]:
        """Return all that a training has left, but times."""
        arrays, meta = load_arrays(folder / "checkpoint.npz")
        found: dict[str, Any] = {"state": plain(meta), "arrays": as_bytes(arrays)}
        found["state"]["state"].get("trainer", {}).pop("place", None)
        if (folder / "model.npz").exists():
            found["model"] = as_bytes(load_arrays(folder / "model.npz")[0])
            found["history"] = plain(json.loads((folder / "history.json").read_text(encoding="utf-8")))
            found["log"] = plain(read_log(folder))
        return found


def plain(tree: Any) -> Any:
    """Return JSON without what differs from run to run."""
    if isinstance(tree, dict):
        return {k: plain(v) for k, v in tree.items() if k not in _TIMES}
    return [plain(v) for v in tree] if isinstance(tree, list) else tree


def as_bytes(arrays: dict[str, Any]) -> dict[str, Any]:
    """Return arrays as what can be compared bit by bit."""
    return {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in arrays.items()}


class KillError(Exception):
    """A training did not end as it should."""


def whole(training: Training, folder: Path) -> tuple[dict[str, Any], float]:
    """Run a training from beginning to end; return what it leaves, and its seconds."""
    began, log = time.monotonic(), folder.with_suffix(".log")
    status = ended(started(lambda: training.run(folder), log), _LONGEST)
    if status != 0:
        raise KillError(f"{training.name}: ended with {status}\n{log.read_text()[-2000:]}")
    return training.end(folder), time.monotonic() - began


def killed(training: Training, folder: Path, seconds: float, rng: random.Random, counts: Counter[str]) -> None:
    """Train with kills at random moments until the training ends by itself; count the signals that met it."""
    log = folder.with_suffix(".log")
    for _ in range(1000):
        number, kind = started(lambda: training.run(folder), log), rng.choice(SIGNALS)
        status = ended(number, rng.uniform(0, seconds))
        if status is None:
            os.kill(number, kind)
            status = ended(number, _LONGEST)
            if status is None:
                os.kill(number, signal.SIGKILL)
                ended(number, _LONGEST)
                raise KillError(f"{training.name}: {kind.name} did not end it")
            counts[kind.name] += status != 0
            allowed = {0, -kind, 128 + kind}
        else:
            allowed = {0}
        if status not in allowed or (not callable(training._what) and _shows_a_traceback(log.read_text())):
            raise KillError(f"{training.name}: ended with {status}\n{log.read_text()[-2000:]}")
        if status == 0:
            return
    raise KillError(f"{training.name}: does not come to an end")


def _shows_a_traceback(text: str) -> bool:
    """Return whether a command printed one; not Python itself, where Ctrl-C falls into a callback and is dropped."""
    lines = text.splitlines()
    return any(
        line.startswith("Traceback") and not before.startswith("Exception ignored in")
        for before, line in zip(["", *lines], lines, strict=False)
    )


def campaign(kills: int, seed: int, every: int, say: Callable[[str], None]) -> Counter[str]:
    """Kill every training in turn until there were so many kills; return them by signal. Raises KillError."""
    rng, counts = random.Random(seed), Counter[str]()
    place = Path(tempfile.mkdtemp())
    try:
        trainings = [Training(*pair, every) for pair in {**commands(place), **fits()}.items()]
        wanted = {t.name: whole(t, place / t.name) for t in trainings}
        for name, (_, seconds) in wanted.items():
            say(f"{name}: {seconds:.2f} s")
        rounds = 0
        while sum(counts.values()) < kills:
            training = trainings[rounds % len(trainings)]
            folder, (end, seconds) = place / f"{training.name}-{rounds}", wanted[training.name]
            before = sum(counts.values())
            killed(training, folder, seconds, rng, counts)
            compare(training.name, training.end(folder), end)
            say(f"{training.name}: {sum(counts.values()) - before} kills, all bits as in the whole run")
            shutil.rmtree(folder)
            rounds += 1
    finally:
        shutil.rmtree(place)
    return counts


def compare(name: str, got: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise KillError where two ends differ, saying where."""
    for part, value in wanted.items():
        if got.get(part) == value:
            continue
        inner: Any = got.get(part)
        keys = value.keys() if isinstance(value, dict) and isinstance(inner, dict) else ()
        raise KillError(f"{name}: {part} differs: {[k for k in keys if inner.get(k) != value[k]] or (inner, value)}")


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=2, help="steps between two checkpoints")
    parser.add_argument("--backend", default="numba")
    a = parser.parse_args()
    print(machine.heading("Trainings that are killed and go on", "1"))
    set_backend(a.backend)
    counts = campaign(a.kills, a.seed, a.every, print)
    print(f"{sum(counts.values())} kills ({dict(counts)}), backend {a.backend}: all ends equal bit by bit")


if __name__ == "__main__":
    main()

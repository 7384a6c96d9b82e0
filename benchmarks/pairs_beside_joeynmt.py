"""A file of pairs, learned by this package and by JoeyNMT: time of an epoch, chrF of held-out pairs.

    python benchmarks/pairs_beside_joeynmt.py FILE --joeynmt VENV/bin/python --epochs 15

Both read the same symbols of the same pairs (JoeyNMT as numbers, which are its words), with one model (an LSTM layer
each, attention, input feeding, the same sizes, dropout and clipping), one optimizer and one learning rate, for the
same number of epochs; answers are greedy. JoeyNMT (https://github.com/joeynmt/joeynmt) is another python's: it wants
other versions of libraries. Its configuration is that of its recurrent models. Its epochs are those of its log.
"""

import argparse
import json
import re
import subprocess
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from fasts2s.bench import machine
from fasts2s.metrics import chrf, exact_match
from fasts2s.models import EncoderDecoder, EncoderDecoderSettings
from fasts2s.optimizers import Adam
from fasts2s.text import Batches, Pairs, Tokenizer, encode_pairs, read_pairs, split, tokenizers_for
from fasts2s.text_to_text import TextToText
from fasts2s.trainer import Trainer

D, H, DROPOUT, RATE, CLIP, ROWS = 128, 256, 0.2, 0.002, 5.0, 64
_LONGEST = 100
#: A line of its log that begins or ends an epoch, with its time.
_EPOCH = re.compile(
    r"^(\S+ \S+),(\d+) - INFO - joeynmt.training - (?:EPOCH \d+|Epoch +\d+, total training loss)", re.M
)


class Task(NamedTuple):
    """What is learned, what is held out, and how."""

    learned: Pairs
    held: Pairs
    source: Tokenizer
    target: Tokenizer
    epochs: int
    seed: int


def ours(task: Task) -> tuple[list[float], list[str]]:
    """Train a model of this package; return the seconds of every epoch and the answers."""
    learned, held, source, target, epochs, seed = task
    np.random.seed(seed)
    model = EncoderDecoder(
        EncoderDecoderSettings(
            len(source),
            len(target),
            D,
            H,
            dropout=DROPOUT,
            bidirectional=True,
            attention="general",
            input_feeding=True,
        )
    )
    trainer = Trainer(model, Adam(RATE))
    batches = Batches(encode_pairs(learned, source, target), 8192, max_rows=ROWS, seed=seed)
    seconds = []
    for epoch in range(epochs):
        started = time.perf_counter()
        for batch in batches.epoch(epoch):
            trainer.train_step(batch.xs, batch.ts, CLIP)
        seconds.append(time.perf_counter() - started)
    said = [answers[0].text for answers in TextToText(model, source, target, _LONGEST).answers(held.sources)]
    return seconds, said


def configuration(folder: Path, epochs: int, seed: int) -> dict[str, Any]:
    """Return what JoeyNMT is told; JSON is YAML."""
    layer = {"rnn_type": "lstm", "embeddings": {"embedding_dim": D}, "hidden_size": H, "num_layers": 1}
    tongue = {"level": "word", "max_length": _LONGEST}
    return {
        "name": "pairs",
        "model_dir": str(folder / "model"),
        "use_cuda": False,
        "random_seed": seed,
        "data": {
            "train": str(folder / "train"),
            "dev": str(folder / "dev"),
            "dataset_type": "plain",
            "src": {"lang": "src", **tongue},
            "trg": {"lang": "trg", **tongue},
        },
        "testing": {"beam_size": 1, "batch_size": 500, "max_output_length": _LONGEST, "eval_metrics": ["chrf"]},
        "training": {
            "optimizer": "adam",
            "learning_rate": RATE,
            "scheduling": "exponential",
            "decrease_factor": 1.0,  # the rate stays
            "clip_grad_norm": CLIP,
            "batch_size": ROWS,
            "batch_type": "sentence",
            "epochs": epochs,
            "validation_freq": 10**9,
            "logging_freq": 10**9,
        },
        "model": {
            "encoder": {"type": "recurrent", "bidirectional": True, "dropout": DROPOUT, **layer},
            "decoder": {
                "type": "recurrent",
                "input_feeding": True,
                "attention": "luong",
                "init_hidden": "bridge",
                "dropout": DROPOUT,
                "hidden_dropout": DROPOUT,
                **layer,
            },
        },
    }


def numbers(tokenizer: Tokenizer, texts: Sequence[str]) -> str:
    """Return the ids of texts, a line each."""
    return "".join(" ".join(map(str, tokenizer.encode(text))) + "\n" for text in texts)


def texts(tokenizer: Tokenizer, lines: list[str]) -> list[str]:
    """Return what lines of ids say; what is no id is left out."""
    return [tokenizer.decode([int(word) for word in line.split() if word.isdigit()]) for line in lines]


def theirs(python: str, folder: Path, task: Task) -> tuple[list[float], list[str]]:
    """Train JoeyNMT's model; return the seconds of every epoch and the answers."""
    for name, pairs in (("train", task.learned), ("dev", task.held)):
        (folder / f"{name}.src").write_text(numbers(task.source, pairs.sources))
        (folder / f"{name}.trg").write_text(numbers(task.target, pairs.targets))
    config = folder / "config.yaml"
    config.write_text(json.dumps(configuration(folder, task.epochs, task.seed)))
    joeynmt = [python, "-m", "joeynmt"]
    trained = subprocess.run([*joeynmt, "train", str(config), "-t"], capture_output=True, text=True, check=False)
    log = trained.stdout + trained.stderr
    if trained.returncode:
        raise SystemExit(f"JoeyNMT ended with {trained.returncode}:\n{log[-2000:]}")
    times = [datetime.fromisoformat(moment).timestamp() + int(ms) / 1000 for moment, ms in _EPOCH.findall(log)]
    with (folder / "dev.src").open() as sources:
        answered = subprocess.run(
            [*joeynmt, "translate", str(config)], stdin=sources, capture_output=True, text=True, check=True
        )
    seconds = [end - begin for begin, end in zip(times[::2], times[1::2], strict=True)]
    return seconds, texts(task.target, answered.stdout.splitlines()[-len(task.held) :])


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file")
    parser.add_argument("--joeynmt", metavar="PYTHON", required=True, help="a python that has joeynmt")
    parser.add_argument("--tokens", default="word")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    learned, held, _ = split(read_pairs(a.file), 0.1, 0.0)
    task = Task(learned, held, *tokenizers_for(learned, a.tokens), a.epochs, a.seed)
    print(machine.heading("Pairs beside JoeyNMT", "the library's choice"))
    print(f"{a.file}: {len(learned):,} pairs learned, {len(held):,} held out, {a.epochs} epochs", flush=True)
    with TemporaryDirectory() as folder:
        for name in ("fasts2s", "JoeyNMT"):
            seconds, said = ours(task) if name == "fasts2s" else theirs(a.joeynmt, Path(folder), task)
            print(
                f"{name:<8} {median(seconds):6.2f} s an epoch  chrF {chrf(said, held.targets):5.1f}  "
                f"exact {exact_match(said, held.targets):6.1%}",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""Validation accuracy of the first epochs on the book's addition.txt, against what the book's own code prints."""

import sys
import time
from pathlib import Path

from data_folder import data_folder
from suite.heading import heading

from fasts2s.bench.machine import versions
from fasts2s.evaluation import exact_answers
from fasts2s.models import PeekySeq2seq, Seq2seq
from fasts2s.optimizers import Adam
from fasts2s.sequence import load_data
from fasts2s.trainer import Trainer

# Percent of 5,000 answers after epochs 1, 2, ...; one or two answers (0.02 to 0.04 points) are rounding.
GOLDEN = {
    "plain": [0.180, 0.220, 0.560, 1.060, 2.260],
    "reverse": [0.120, 0.400, 1.940, 5.780, 12.460],
    "reverse+peeky": [0.280, 0.400, 1.600, 5.140, 9.380],
}
TOLERANCE = 0.0401


def accuracies(variant: str, folder: Path) -> list[float]:
    """Train as ch07/train_seq2seq.py does, with its seed and order of random numbers; return percents."""
    (x_train, t_train), (x_test, t_test) = load_data(folder / "addition.txt.gz")
    if "reverse" in variant:
        x_train, x_test = x_train[:, ::-1], x_test[:, ::-1]
    model = (PeekySeq2seq if "peeky" in variant else Seq2seq)(13, 16, 128)
    trainer = Trainer(model, Adam())
    result = []
    for _ in GOLDEN[variant]:
        trainer.fit(x_train, t_train, max_epoch=1, batch_size=128, max_grad=5.0, eval_interval=None)
        result.append(100 * float(exact_answers(model, x_test, t_test).mean()))
    return result


def main() -> int:
    """Print one line per variant; return 1 if any accuracy is off by more than rounding."""
    folder = data_folder(__doc__ or "")
    heading("Accuracy of the first epochs", "the library's choice", versions("fasts2s"))
    print(f"percent of 5,000 answers after each epoch; tolerance {TOLERANCE:.2f} points")
    worst = 0.0
    for variant, golden in GOLDEN.items():
        started = time.perf_counter()
        measured = accuracies(variant, folder)
        off = max(abs(m - g) for m, g in zip(measured, golden, strict=True))
        worst = max(worst, off)
        seconds = time.perf_counter() - started
        print(f"{variant:<14} golden   " + " ".join(f"{g:7.3f}" for g in golden))
        print(
            f"{'':<14} measured " + " ".join(f"{m:7.3f}" for m in measured) + f"   off by {off:.3f} ({seconds:.0f} s)"
        )
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())

"""Do PyTorch, ONNX Runtime and a file of safetensors answer as the model does?

    python benchmarks/exchange.py [--epochs 8] [--questions 1000] [--json FILE]

Trains each of the book's three models on additions, gives it to all of them, and compares scores and answers.
Needs PyTorch, and the extras ``onnx`` and ``safetensors``.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fasts2s.backend import Backend, FloatName
from fasts2s.bench import machine
from fasts2s.exchange import from_torch, load_safetensors, save_safetensors, to_onnx, to_torch
from fasts2s.models import AttentionSeq2seq, PeekySeq2seq, Seq2seq
from fasts2s.optimizers import Adam
from fasts2s.sequence import load_file
from fasts2s.trainer import Trainer
from fasts2s_kernels.arrays import Array

_SIZES = {"wordvec_size": 16, "hidden_size": 128}
#: Sources (N, S) and the words that the decoder is given, (N, T) -> scores (N, T, V).
Scores = Callable[[Array, Array], Array]


def trained(kind: Any, epochs: int) -> tuple[Any, Array, Array]:
    """Return a model that has learned additions a little, and unseen questions (N, S) and answers (N, T)."""
    data = load_file("addition.txt")
    np.random.seed(1)
    model = kind(len(data.char_to_id), **_SIZES)
    Trainer(model, Adam()).fit(data.x_train[:, ::-1], data.t_train, epochs, 128, 5.0, eval_interval=None)
    return model, np.ascontiguousarray(data.x_test[:, ::-1]), data.t_test


def our_scores(model: Any) -> Scores:
    """Return the model's own."""
    return lambda xs, ts: model.decoder.forward(ts, model.encoder.forward(xs))


def torch_scores(model: Any) -> Scores:
    """Return those of its module."""
    import torch  # noqa: PLC0415 # pyright: ignore[reportMissingImports]

    module = to_torch(model)

    def scores(xs: Array, ts: Array) -> Array:
        with torch.no_grad():
            found: Array = module(torch.from_numpy(xs).long(), torch.from_numpy(ts).long()).numpy()
        return found

    return scores


def onnx_scores(model: Any, folder: Path) -> Scores:
    """Return those of its two graphs in ONNX Runtime."""
    import onnxruntime  # noqa: PLC0415 - as above

    files = to_onnx(model, folder / "model.onnx")
    encoder, step = (onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]) for file in files)
    inputs = [one.name for one in step.get_inputs()]

    def scores(xs: Array, ts: Array) -> Array:
        named = (one.name for one in encoder.get_outputs())
        state, found = dict(zip(named, encoder.run(None, {"xs": xs.astype(np.int64)}), strict=True)), []
        for ids in ts.T.astype(np.int64):
            given = {**state, "ids": ids}
            made = step.run(None, {name: given[name] for name in inputs})
            names = [one.name.removesuffix("_next") for one in step.get_outputs()]
            state |= dict(zip(names, made, strict=True))
            found.append(state.pop("scores"))
        return np.stack(found, 1)

    return scores


def answers(scores: Scores, xs: Array, start: int, length: int) -> Array:
    """Return the best ids (N, length), one after the other: each step is scored with all before it."""
    ts = np.full((len(xs), 1), start)
    for _ in range(length):
        ts = np.concatenate((ts, scores(xs, ts)[:, -1].argmax(1)[:, None]), axis=1)
    return ts[:, 1:]


def on_numpy(model: Any, dtype: FloatName) -> Any:
    """Return the model with the same weights on the reference backend, in float32 or float64."""
    again = type(model)(**model.config, backend=Backend("numpy", dtype=dtype))
    again.set_params(model.params)
    return again


def distance(scores: Array, wanted: Array) -> float:
    """Return the largest difference, of the largest score."""
    return float(np.abs(scores - wanted).max() / np.abs(wanted).max())


def compare(kind: Any, epochs: int, count: int) -> list[dict[str, Any]]:
    """Return how far each of them is from a trained model and from exact scores, and the share of the same answers.

    Exact are the scores of the same weights in float64.
    """
    model, xs, ts = trained(kind, epochs)
    xs, ts, double = xs[:count], ts[:count], on_numpy(model, "float64")
    given, start, length = ts[:, :-1], int(ts[0, 0]), ts.shape[1] - 1
    own = our_scores(model)
    wanted, exact, said = own(xs, given), our_scores(double)(xs, given), answers(own, xs, start, length)
    facts = {
        "model": kind.__name__,
        "questions": len(xs),
        "right": float((said == ts[:, 1:]).all(axis=1).mean()),
    }
    rows = []
    with TemporaryDirectory() as folder:
        save_safetensors(Path(folder) / "model.safetensors", model)
        all_scores: dict[str, Scores] = {
            f"itself, {model.backend.name}": own,
            "itself, numpy": our_scores(on_numpy(model, "float32")),
            "torch": torch_scores(model),
            "torch and back": our_scores(from_torch(to_torch(model))),
            "onnx": onnx_scores(model, Path(folder)),
            "safetensors": our_scores(load_safetensors(Path(folder) / "model.safetensors")[0]),
            "torch, float64": torch_scores(double),
        }
        for name, scores in all_scores.items():
            found = scores(xs, given)
            same = (answers(scores, xs, start, length) == said).all(axis=1)
            rows.append({
                **facts, "by": name, "difference": distance(found, wanted), "from float64": distance(found, exact),
                "same answers": int(same.sum()),
            })  # fmt: skip
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return 1 if an answer is another."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    a = parser.parse_args(arguments)
    rows = [row for kind in (Seq2seq, PeekySeq2seq, AttentionSeq2seq) for row in compare(kind, a.epochs, a.questions)]
    print("largest difference of the scores, of the largest: from the model in float32, from the model in float64")
    print("model              by                float32   float64   same answers")
    for row in rows:
        print(
            f"{row['model']:<18} {row['by']:<15} {row['difference']:>9.1e} {row['from float64']:>9.1e}   "
            f"{row['same answers']} of {row['questions']} ({100 * row['right']:.0f} % are right)"
        )
    if a.json:
        a.json.write_text(
            json.dumps({"machine": machine.describe(), "rows": rows}, indent=1) + "\n", encoding="utf-8"
        )
    return int(any(row["same answers"] != row["questions"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())

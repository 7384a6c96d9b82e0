"""What a type checker finds in a reader's script: every planted mistake, and nothing in a script that is right."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

RIGHT = '''
import numpy as np
import numpy.typing as npt

import fasts2s
from fasts2s import layers, models, optimizers
from fasts2s.corpus import load_text
from fasts2s.evaluation import exact_answers, perplexity
from fasts2s.generation import greedy, sample
from fasts2s.sequence import load_data, pad_batch
from fasts2s.testing import check_gradients, check_layer
from fasts2s.trainer import RnnlmTrainer, Trainer


class Mine:
    """A model and an optimiser of a reader."""

    def __init__(self) -> None:
        self.params: list[npt.NDArray[np.float32]] = [np.zeros((2, 3), "f")]
        self.grads = [np.zeros((2, 3), "f")]

    def forward(self, x: npt.NDArray[np.int64], t: npt.NDArray[np.int64], train_flg: bool = True) -> float:
        return 1.0

    def backward(self, dout: float = 1) -> None: ...

    def update(self, params: list[npt.NDArray[np.float32]], grads: list[npt.NDArray[np.float32]]) -> None: ...


fasts2s.set_backend("numba")
with fasts2s.use_backend("numpy", dtype="float64") as chosen:
    layer = layers.TimeLSTM(np.ones((3, 20)), np.ones((5, 20)), np.ones(20), stateful=True, backend=chosen)
hs = layer.forward(np.ones((2, 4, 3)))
dxs = layer.backward(np.ones_like(hs))
layer.params[0] -= 0.1 * layer.grads[0]
layer.params[0][...] = np.zeros_like(hs[0, 0, 0])
total = float(np.sum(hs)) + float((hs * 2).mean())
embed = layers.TimeEmbedding(np.ones((7, 3)))
embed.forward(np.array([[1, 2]]))[0, 0] += 1
layers.TimeSoftmaxWithLoss().forward(hs, np.zeros((2, 4), int))
layers.GRU(np.ones((3, 15)), np.ones((5, 15))).backward(np.ones((2, 5)))
(x, t), _ = load_data("addition.txt")
model = models.PeekySeq2seq(13, 16, 128, pad_id=None, reverse=True, backend="numpy")
Trainer(model, optimizers.Adam(), nonfinite="skip", on_step=print).fit(x, t, max_epoch=1)
Trainer(Mine(), Mine()).fit(x, t)
RnnlmTrainer(models.Rnnlm(), optimizers.SGD(lr=0.1)).fit(np.arange(9), np.arange(9), eval_interval=None)
load_text("text.txt", tokens="char")
pad_batch([[1, 2], [3]], 0, side="left")
exact_answers(model, x, t).mean()
perplexity(models.Rnnlm(), np.arange(99))
generator = models.RnnlmGen(9, 5, 5)
greedy(generator.step, None, np.array([1]), 3)
sample(generator.step, None, np.array([1]), 3, rng=1, backend="cpu")
check_layer(layers.Affine(np.ones((2, 3)), np.ones(3)), [np.ones((4, 2))], np.ones((4, 3)))
check_gradients(lambda: 0.0, {"x": np.ones(3)}, {"x": np.zeros(3)})
loaded, extra = models.load_model("model.npz", backend=fasts2s.get_backend())
loaded.summary()
'''

#: Every line is a mistake.
WRONG = """
fasts2s.use_backend("numby")
fasts2s.set_backend("numby")
fasts2s.get_backend(3)
fasts2s.use_backend("numpy", dtype="float16")
layers.Affine([[1, 2]], np.ones(2))
layers.Affine(np.ones((2, 3)), 0.5)
layers.TimeLSTM(np.ones((3, 20)), np.ones((5, 20)), np.ones(20), backend="numby")
layers.TimeLSTM(np.ones((3, 20)), np.ones((5, 20)), np.ones(20)).forward([[1.0]])
layers.TimeLSTM(np.ones((3, 20)), np.ones((5, 20)), np.ones(20)).forward("text")
layers.TimeLSTM(np.ones((3, 20)), np.ones((5, 20)), np.ones(20)).backwards(np.ones((2, 4, 5)))
layers.TimeEmbedding(np.ones((7, 3))).forward([[1, 2]])
layers.TimeDropout("a half")
layers.TimeSoftmaxWithLoss().forward(np.ones((2, 3, 4)))
models.Seq2seq("13", 16, 128)
models.Seq2seq(13, 16, 128, pad_id="a")
models.Seq2seq(13, 16, 128, backend="gpus")
models.Seq2seq(13, 16, 128).forward([[1]], [[2]])
models.Seq2seq(13, 16, 128).generate([1, 2], 0, 4)
models.load_model(5)
optimizers.Adam(lr="fast")
optimizers.Adam(beta=0.9)
Trainer(model, optimizers.Adam(), nonfinite="skp")
Trainer(model, optimizers.Adam(), non_finite="skip")
Trainer(5, optimizers.Adam())
Trainer(model, np.ones(3))
Trainer(model, optimizers.Adam()).fit([1, 2], [3, 4])
RnnlmTrainer(model, optimizers.SGD(), nonfinite="ignore")
load_text("text.txt", tokens="chars")
pad_batch([[1, 2]], 0, side="middle")
perplexity(models.Rnnlm(), [1, 2, 3])
greedy(5, None, np.array([1]), 3)
"""


def _checked(script: str, folder: Path, cache: Path) -> tuple[list[str], list[str]]:
    """Return the lines of a script, and what mypy says of them; what it knows of NumPy and of us is kept in cache."""
    file = folder / "script.py"
    file.write_text(script, encoding="utf-8")
    paths = {**os.environ, "MYPYPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")])}
    options = ["--strict", "--follow-imports=silent", "--config-file=", f"--cache-dir={cache}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, str(file)],
        cwd=folder, env=paths, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return script.split("\n"), [line for line in done.stdout.splitlines() if ": error:" in line]


def test_every_planted_mistake_is_found_and_nothing_else(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    if importlib.util.find_spec("mypy") is None:
        required = "mypy" in os.environ.get("FASTS2S_TEST_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)("mypy is not installed: pip install mypy")
    kept = pytestconfig.cache  # none under -p no:cacheprovider
    lines, errors = _checked(RIGHT + WRONG, tmp_path, kept.mkdir("mypy") if kept else tmp_path / "cache")
    found = {int(match[1]) for error in errors if (match := re.match(r"[^:]*script\.py:(\d+):", error))}
    first = RIGHT.count("\n") + 1
    missed = [line for number, line in enumerate(lines, 1) if number >= first and line and number not in found]
    assert not missed, "not found:\n" + "\n".join(missed)
    assert not [error for error in errors if int(error.split(":")[1]) < first]

"""What readers have written, on a made-up little folder: what is the same, what is not, what cannot be looked at."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
LIBRARY = Path(__file__).resolve().parents[1] / "dropin" / "book"

FLAT = '''
import numpy as np


class Squash:
    """The book's Sigmoid under another name."""

    def __init__(self):
        self.params, self.grads = [], []
        self.out = None

    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out


class Twice:
    """Nothing of the book's, of a layer's shape."""

    def forward(self, x):
        return 2 * x

    def backward(self, dout):
        return 2 * dout


class MatMul:
    def __init__(self, W):
        self.params, self.grads = [W], [np.zeros_like(W)]

    def forward(self, x):
        self.x = x
        return x @ self.params[0]

    def backward(self, dout):
        self.grads[0][...] = self.x.T @ dout
        return dout @ self.params[0].T + 1e-3  # a mistake


class Adam:
    def update(self, params, grads):
        raise NotImplementedError


class CBOW:
    pass


raise SystemExit("the training begins, and is left out")
'''
CELL = (
    "%matplotlib inline\nimport numpy as np\ndef sigmoid(x):\n    return 1 / (1 + np.exp(-x))\nsigmoid(undefined)\n"
)


@pytest.fixture
def rows(tmp_path):
    """The rows of two made-up repositories: (file, name) -> row."""
    library = shutil.copytree(LIBRARY, tmp_path / "folder" / "one")
    (library / "common" / "broken.py").write_text("import there_is_no_such_module\n\n\nclass LSTM:\n    pass\n")
    two = tmp_path / "folder" / "two"
    two.mkdir()
    (two / "flat.py").write_text(FLAT)
    (two / "mine.py").write_text("def clip_grads(grads, most):\n    pass\n")
    cells = [{"cell_type": "markdown", "source": ["# a title"]}, {"cell_type": "code", "source": [CELL]}]
    (two / "notes.ipynb").write_text(json.dumps({"cells": cells}))
    environment = os.environ | {"FASTS2S_BACKEND": "numpy", "MPLBACKEND": "Agg"}
    command = [sys.executable, BENCHMARKS / "wild_coverage.py", tmp_path / "folder", "--left"]
    done = subprocess.run(
        [*command, "--json", tmp_path / "rows.json"],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "two/flat.py: Squash" not in done.stdout  # there is no replacement for it
    assert "one/common/util.py: clip_grads: " in done.stdout
    return {(row["file"], row["name"]): row for row in json.loads((tmp_path / "rows.json").read_text())}


def test_every_definition_gets_its_verdict(rows):
    same = [("time_layers", name) for name in ("TimeLSTM", "TimeEmbedding", "TimeAffine")]
    for file, name in (
        *same,
        ("layers", "Embedding"),
        ("layers", "Affine"),
        ("functions", "softmax"),
        ("optimizer", "Adam"),
    ):
        row = rows[f"one/common/{file}.py", name]
        assert (row["verdict"], row["why"]) == ("same", ""), row
    assert rows["one/ch07/seq2seq.py", "Decoder"]["verdict"] == "same"
    assert rows["one/ch08/attention_layer.py", "TimeAttention"]["verdict"] == "same"
    clip = rows["two/mine.py", "clip_grads"]
    assert clip["verdict"] == "different"
    assert clip["why"].startswith("grads: relative difference")
    squash, twice = rows["two/flat.py", "Squash"], rows["two/flat.py", "Twice"]
    assert (squash["verdict"], squash["like"]) == ("same", "Sigmoid")
    assert twice["verdict"] == "like none"
    matmul = rows["two/flat.py", "MatMul"]
    assert (matmul["verdict"], matmul["why"].partition(":")[0]) == ("different", "backward")
    adam = rows["two/flat.py", "Adam"]
    assert (adam["verdict"], adam["why"].partition(" at ")[0]) == ("fails", "NotImplementedError: ")
    assert rows["two/flat.py", "CBOW"]["verdict"] == "fails"
    assert rows["two/notes.ipynb", "sigmoid"]["verdict"] == "same"
    broken = rows["one/common/broken.py", "LSTM"]
    assert broken["verdict"] == "cannot be imported"
    assert "there_is_no_such_module" in broken["why"]
    # None has the book's text; what was recognised was recognised by what it computes.
    replaced = {name for (_, name), row in rows.items() if row["replaced"]}
    assert {"TimeLSTM", "TimeEmbedding", "TimeAffine", "Decoder"} <= replaced
    # This CBOW draws three words, the book's five: a constructor may give other numbers, and the loop goes by them.
    assert {row["name"] for row in rows.values() if row["replaced"] and row["verdict"] == "different"} <= {
        "CBOW",
        "SkipGram",
    }
    assert {row["wrong"] for row in rows.values()} == {""}


@pytest.fixture
def coverage(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("wild_coverage")
    for name in [name for name in sys.modules if name.partition(".")[0] in {"wild", "wild_coverage", "wild_scripts"}]:
        del sys.modules[name]


def test_the_table_counts(coverage):
    row = coverage.Row("f.py", "TimeLSTM", "TimeLSTM", "same", "", False, "TimeLSTM.forward is not the book's")
    rows = [
        row,
        row._replace(replaced=True),
        row._replace(verdict="different", why="c: 1", replaced=True, wrong="c: 1"),
        row._replace(verdict="fails"),
        row._replace(verdict="cannot be imported"),
    ]
    assert coverage.counts(rows) == (5, 2, 2, 1, 1, 1, 1, 1)
    lines = coverage.table([*rows, row._replace(like="LSTM")]).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["TimeLSTM", "all", "LSTM", "all"]
    assert coverage.left(rows) == "f.py: TimeLSTM: TimeLSTM.forward is not the book's"


SCRIPT = """
import sys
import numpy as np
from dataset.ptb import words
max_epoch = 50
GPU = True
for epoch in range(max_epoch):
    print(epoch, GPU, np.int(words), np.random.rand() < 2)
"""


def test_scripts_run_both_ways(coverage, tmp_path):
    scripts = importlib.import_module("wild_scripts")
    one = tmp_path / "folder" / "one"
    (one / "dataset").mkdir(parents=True)
    (one / "train_words.py").write_text(SCRIPT)
    (one / "train_nothing.py").write_text("import sys\nsys.exit(3)\n")
    (one / "dataset" / "ptb.py").write_text(
        "from pathlib import Path\nwords = len((Path(__file__).parent / 'ptb.train.txt').read_text().split())\n"
    )
    (one / "dataset" / "date.txt").write_text("1+1 _2\n" * 6000)
    found = [about["script"] for about in scripts.found(tmp_path / "folder")]
    assert found == ["one/train_nothing.py", "one/train_words.py"]
    good = scripts.measured(tmp_path / "folder", {"script": found[1], "epochs": 2}, scripts.How(1, 120.0, cpu=True))
    assert (good.status, good.said) == ((0, 0), "same output")
    bad = scripts.measured(tmp_path / "folder", {"script": found[0]}, scripts.How(2, 120.0))
    assert bad.status == (3, 3)
    assert bad.ratio is None
    assert scripts.summary([good, bad]).startswith("1 scripts of 1 repositories, geometric mean ")
    slow = good._replace(seconds=(1.0, 2.0))
    assert scripts.summary([slow]).endswith("slower than 1.05 times plain: one/train_words.py (0.50)")
    book = tmp_path / "book"
    book.mkdir()
    for name in ("addition.txt", "date.txt", "sequence.py"):
        (book / name).write_text("1+1 _2\n" * 50)
    copy = scripts.copied(one, tmp_path / "copies", book)
    assert (copy / "dataset" / "sequence.py").exists()
    assert len((copy / "dataset" / "addition.txt").read_text().splitlines()) == 50
    assert not (one / "dataset" / "ptb.train.txt").exists()

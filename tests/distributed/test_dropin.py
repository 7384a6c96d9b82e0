"""``python -m fasts2s --distributed mpi``: the scripts of the book, on several ranks."""

import shutil

import pytest

from tests.distributed.helpers import ROOT, run

SCRIPT = """
import sys
sys.path.append("..")
import numpy as np
from common.optimizer import Adam
from common.trainer import Trainer
from dataset import sequence
from seq2seq import Seq2seq

x, t = sequence.load_data(90)
np.random.seed(3)
model = Seq2seq(13, 6, 8)
trainer = Trainer(model, Adam(0.01))
trainer.fit(x, t, max_epoch=2, batch_size=15, max_grad=1.0)
with open(sys.argv[1], "wb") as file:
    np.savez(file, *model.params)
print(model.params[0].dtype, np.random.rand())
"""
OWN_LOOP = """
import sys
sys.path.append("..")
from common.optimizer import Adam
from dataset import sequence
from seq2seq import Seq2seq

x, t = sequence.load_data(30)
model, optimizer = Seq2seq(13, 6, 8), Adam(0.01)
model.forward(x, t)
model.backward()
optimizer.update(model.params, model.grads)
with open("log.txt", "a") as file:
    file.write("x")
"""
OURS = ("-m", "fasts2s", "-q")


@pytest.fixture
def chapter(tmp_path):
    shutil.copytree(ROOT / "tests" / "dropin" / "book", tmp_path / "book")
    folder = tmp_path / "book" / "ch07"
    (folder / "script.py").write_text(SCRIPT)
    (folder / "own_loop.py").write_text(OWN_LOOP)
    return folder


@pytest.mark.parametrize("ranks", [2, 3])
def test_a_script_prints_and_writes_what_it_does_alone(ranks, chapter):
    import numpy as np  # noqa: PLC0415

    status, alone, err = run(1, *OURS, "script.py", "one.npz", cwd=chapter)
    assert status == 0, err
    status, together, err = run(ranks, *OURS, "--distributed", "mpi", "script.py", "all.npz", cwd=chapter)
    assert (status, together) == (0, alone), err
    with np.load(chapter / "one.npz") as one, np.load(chapter / "all.npz") as other:
        assert len(one.files) > 5
        for name in one.files:
            assert np.linalg.norm(one[name] - other[name]) <= 1e-6 * np.linalg.norm(one[name])


def test_a_loop_of_ones_own_is_left_alone_and_writes_once(chapter):
    status, _, err = run(2, *OURS, "--distributed", "mpi", "own_loop.py", cwd=chapter)
    assert status == 0
    assert err.count("nothing was trained together") == 1
    assert (chapter / "log.txt").read_text() == "x"


def test_identical_runs_are_noticed(chapter):
    status, _, err = run(2, *OURS, "-c", "print(1)", cwd=chapter)
    assert status == 0
    assert err.count("a launcher started 2 identical runs: add --distributed mpi") == 1


def test_a_script_that_fails_on_one_rank_ends_on_all(chapter):
    code = "import fasts2s.distributed as d; print(1 / (1 - d.current().rank))"
    status, _, err = run(2, *OURS, "--distributed", "mpi", "-c", code, cwd=chapter)
    assert status != 0
    assert "fasts2s: rank 1 cannot go on: ScriptError: ZeroDivisionError: " in err


def test_a_script_that_fails_on_all_ranks_says_so_once(chapter):
    status, _, err = run(2, *OURS, "--distributed", "mpi", "-c", "1 / 0", cwd=chapter)
    assert status == 1
    assert err.count("ZeroDivisionError") == 1

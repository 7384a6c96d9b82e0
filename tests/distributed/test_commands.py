"""``fasts2s train ... --distributed mpi`` on several ranks."""

import json

import pytest

from fasts2s_kernels.cores import available_cores
from tests.distributed.helpers import run

COMMAND = ("-m", "fasts2s.cli", "train")
LM = (
    "lm",
    "text.txt",
    "--epochs",
    "2",
    "--hidden",
    "8",
    "--model",
    "better",
    "--batch-size",
    "4",
    "--time-size",
    "5",
)
DATES = ("date", "--data", "pairs.txt", "--epochs", "2", "--hidden", "8", "--batch-size", "8")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "text.txt").write_text("the cook reads a long letter of the teacher\n" * 60, encoding="utf-8")
    (tmp_path / "pairs.txt").write_text("".join(f"{i:02d}_{99 - i:02d}\n" for i in range(90)), encoding="utf-8")
    return tmp_path


def measured(folder):
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    names = ("epoch", "finished", "loss", "perplexity", "accuracy", "lr")
    return [{name: row[name] for name in names if name in row} for row in history["epochs"]]


@pytest.mark.parametrize("task", [LM, DATES])
def test_a_command_measures_what_one_process_does(task, folder):
    status, alone, _ = run(1, *COMMAND, *task, "--out", "one", cwd=folder)
    assert status == 0
    status, together, err = run(2, *COMMAND, *task, "--out", "two", "--distributed", "mpi", cwd=folder)
    assert (status, err) == (0, "")
    assert len(together.splitlines()) == len(alone.splitlines())
    one, two = measured(folder / "one"), measured(folder / "two")
    assert len(one) == len(two) == 2
    for row, other in zip(one, two, strict=True):
        assert row == pytest.approx(other, rel=1e-5)
    files = {path.name for path in (folder / "one").iterdir()}
    assert files == {path.name for path in (folder / "two").iterdir()}


def test_an_error_is_said_once(folder):
    (folder / "two").mkdir()
    (folder / "two" / "history.json").write_text("{}", encoding="utf-8")
    status, out, err = run(2, *COMMAND, *LM, "--out", "two", "--distributed", "mpi", cwd=folder)
    assert (status, out) == (1, "")
    assert err.startswith("fasts2s: two holds a training run (history.json)")
    assert err.count("\n") == 1


def test_a_launcher_without_the_option_is_noticed(folder):
    _, _, err = run(2, *COMMAND, *LM, "--out", "two", "--overwrite", cwd=folder)
    assert "warning: a launcher started 2 processes, and each trains all by itself: add --distributed mpi" in err
    assert err.count("a launcher started") == 1


def test_one_process_alone_is_told_how_to_start_several(folder):
    status, _, err = run(1, *COMMAND, *LM, "--out", "one", "--distributed", "mpi", cwd=folder)
    assert status == 0
    assert "start several with mpiexec -n 4" in err


def test_a_run_goes_on_with_another_number_of_ranks(folder):
    status, _, _ = run(3, *COMMAND, *DATES, "--out", "run", "--distributed", "mpi", cwd=folder)
    assert status == 0
    status, out, err = run(2, *COMMAND, "--resume", "run", "--distributed", "mpi", cwd=folder)
    assert (status, err) == (0, "")
    assert "goes on after epoch 2 of 2" in out


def test_ranks_share_the_cores(folder):
    code = (
        "from fasts2s import distributed; from fasts2s.backend import _settings\n"
        "with distributed.session('mpi') as ranks:\n"
        "    ranks.require_same(threads=_settings().threads)\n"
        "    if ranks.rank == 0: print(ranks.size, _settings().threads)"
    )
    for chosen, wanted in (("", max(1, available_cores() // 2)), ("3", 3)):
        status, out, err = run(2, "-c", code, cwd=folder, FASTS2S_NUM_THREADS=chosen)
        assert (status, err) == (0, "")
        assert out == f"2 {wanted}\n"

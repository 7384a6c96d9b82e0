"""The folder of a training: one run, one training at a time, nothing overwritten that was not given up."""

import json
import os
import shlex
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fasts2s.cli import main
from fasts2s.commands import run_folder, training_run
from fasts2s.commands.errors import CommandError
from fasts2s.commands.run_folder import RunFolder
from fasts2s.models import load_model
from fasts2s.sequence import addition_lines
from tests.fresh_python import ROOT


@pytest.fixture
def addition(tmp_path):
    path = tmp_path / "few.txt"
    path.write_text("\n".join(addition_lines(500, seed=5)) + "\n", encoding="utf-8")
    sizes = ["--hidden", "4", "--wordvec", "2", "--batch-size", "50"]
    return ["train", "addition", "--data", str(path), "--epochs", "1", *sizes]


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("you say goodbye and i say hello .\n" * 300, encoding="utf-8")
    return ["train", "lm", str(path), "--epochs", "1", "--hidden", "4", "--batch-size", "5", "--time-size", "9"]


def _files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_used_folder_is_refused(tmp_path, addition, words, capsys):
    folder = tmp_path / "run"
    assert main([*addition, "--out", str(folder)]) == 0
    before = _files(folder)
    assert set(before) == {"model.npz", "history.json", "curve.png", "checkpoint.npz", "log.jsonl"}
    for again in (addition, words):
        capsys.readouterr()
        assert main([*again, "--out", str(folder)]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        assert f"{folder} holds a training run (model.npz, history.json, curve.png)" in printed.err
        assert "--overwrite" in printed.err
        assert _files(folder) == before


@pytest.mark.parametrize("left", run_folder._FILES)
def test_any_file_of_a_run_makes_a_folder_used(left, tmp_path):
    (tmp_path / left).write_text("")
    with pytest.raises(CommandError, match=rf"holds a training run \({left}\)"):
        RunFolder(str(tmp_path), "addition-peeky", False)
    RunFolder(str(tmp_path), "addition-peeky", True).close()


def test_a_folder_with_other_files_is_taken(tmp_path, addition):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    assert main([*addition, "--out", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_overwriting_leaves_nothing_of_the_older_run(tmp_path, addition, words):
    folder = tmp_path / "run"
    assert main([*addition, "--epochs", "3", "--out", str(folder)]) == 0
    (folder / "model.npz.prev").write_bytes((folder / "model.npz").read_bytes())
    assert main([*words, "--out", str(folder), "--overwrite"]) == 0
    kept = {"checkpoint.npz", "log.jsonl"}
    assert set(_files(folder)) == {"model.npz", "history.json", "curve.png", "text.tokenizer.json", *kept}
    assert load_model(folder / "model.npz")[1]["task"] == "lm"
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert [row["epoch"] for row in history["epochs"]] == [1]
    assert "perplexity" in history["epochs"][0]


def test_no_vocabulary_of_an_older_run_is_left(tmp_path, addition, words):
    folder = tmp_path / "run"
    assert main([*words, "--out", str(folder)]) == 0
    assert main([*addition, "--out", str(folder), "--overwrite"]) == 0
    assert "text.tokenizer.json" not in _files(folder)


def test_the_older_run_stays_until_there_is_a_new_one(tmp_path, addition, monkeypatch, capsys):
    folder = tmp_path / "run"
    assert main([*addition, "--out", str(folder)]) == 0
    before = _files(folder)

    def diverge(*_):
        raise FloatingPointError("the loss is nan")

    monkeypatch.setattr("fasts2s.commands.train_sequence._Run.fit", diverge)
    assert main([*addition, "--out", str(folder), "--overwrite"]) == 1
    assert _files(folder) == before


def test_overwrite_wants_a_folder(addition, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*addition, "--overwrite"]) == 1
    assert "--overwrite without --out" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_folder_made_for_nothing_does_not_stay(tmp_path, addition, monkeypatch):
    monkeypatch.setattr("fasts2s.commands.train_sequence._Run.fit", lambda _: 1 / 0)
    (tmp_path / "mine").mkdir()
    for name in ("new", "mine"):
        with pytest.raises(ZeroDivisionError):
            main([*addition, "--out", str(tmp_path / name)])
    assert not (tmp_path / "new").exists()
    assert list((tmp_path / "mine").iterdir()) == []  # it was there before


def test_runs_that_begin_at_once_get_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start, taken = threading.Barrier(8), []

    def take():
        start.wait()
        taken.append(RunFolder(None, "addition-peeky", False))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {"addition-peeky", *(f"addition-peeky-{k}" for k in range(2, 9))}
    assert {folder.path.name for folder in taken} == names
    for folder in taken:
        folder.close()


def test_a_place_that_is_no_folder_is_named(tmp_path, monkeypatch, capsys, addition):
    (tmp_path / "runs").write_text("")
    monkeypatch.chdir(tmp_path)
    for out in ([], ["--out", "runs"], ["--out", "runs/a"]):
        assert main([*addition, *out]) == 1
        assert "cannot write to the folder runs" in capsys.readouterr().err


HOLD = """
import sys
from fasts2s.commands.run_folder import RunFolder
folder = RunFolder(sys.argv[1], "", True)
print("held", flush=True)
input()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds a folder."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")])}
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout.readline() == b"held\n" or os.name == "nt"
        yield process
        process.kill()


@pytest.mark.parametrize("more", [[], ["--overwrite"]])
def test_a_folder_in_use_is_refused_until_its_training_ends(more, holder, tmp_path, addition, capsys):
    words = [*addition, "--out", str(tmp_path / "run"), *more]
    assert main(words) == 1
    err = capsys.readouterr().err
    assert f"another training is writing to {tmp_path / 'run'}" in err
    assert err.count("\n") == 1
    holder.kill()  # as at a power cut: the file stays, the lock does not
    holder.wait()
    assert main(words) == 0


def test_two_trainings_of_one_process_do_not_share_a_folder(tmp_path):
    first = RunFolder(str(tmp_path), "", False)
    with pytest.raises(CommandError, match="another training"):
        RunFolder(str(tmp_path), "", False)
    first.close()
    RunFolder(str(tmp_path), "", False).close()
    assert list(tmp_path.iterdir()) == []


def test_the_summary_is_of_its_own_run_whatever_became_of_the_file(tmp_path, words, addition, capsys, monkeypatch):
    other = tmp_path / "other"
    assert main([*addition, "--out", str(other)]) == 0
    perplexities = []
    for name, disturb in (("alone", False), ("disturbed", True)):
        folder = tmp_path / name
        save = training_run.TrainingRun.save

        def save_and_lose(run, save=save, folder=folder):
            save(run)
            (folder / "model.npz").write_bytes((other / "model.npz").read_bytes())

        if disturb:
            monkeypatch.setattr(training_run.TrainingRun, "save", save_and_lose)
        # A rate at which the last epoch is not the best one.
        assert main([*words, "--epochs", "2", "--lr", "60", "--out", str(folder)]) == 0
        history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
        perplexities.append(history["test_perplexity"])
        values = [row["perplexity"] for row in history["epochs"]]
        assert values.index(min(values)) + 1 < len(values)
    assert perplexities[0] == perplexities[1]


def test_the_summary_measures_the_model_that_was_saved(tmp_path, words, monkeypatch):
    folder, measured = tmp_path / "run", []
    use_best = training_run.TrainingRun.use_best

    def kept(run):
        use_best(run)
        measured.extend(p.copy() for p in run.model.params)

    monkeypatch.setattr(training_run.TrainingRun, "use_best", kept)
    assert main([*words, "--epochs", "2", "--lr", "60", "--out", str(folder)]) == 0
    saved = load_model(folder / "model.npz")[0].params
    assert all((a == b).all() for a, b in zip(saved, measured, strict=True))


def test_the_demo_can_be_repeated():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = (line for line in makefile.splitlines() if "train addition" in line)
    assert "--overwrite" in shlex.split(line)


def test_files_of_a_run_are_all_known(tmp_path, addition):
    folder = tmp_path / "run"
    for out in ([], ["--overwrite"]):
        assert main([*addition, "--epochs", "3", "--lr", "0.05", "--out", str(folder), *out]) == 0
        assert {path.name for path in Path(folder).iterdir()} <= set(run_folder._FILES)

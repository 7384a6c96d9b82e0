"""Ctrl-C during training, in a step or between two: what is there is saved, the exit is clean."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from fasts2s.cli import main
from fasts2s.commands import training_run
from fasts2s.models import load_model
from fasts2s.sequence import addition_lines


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT as a terminal does")
@pytest.mark.parametrize(
    "arguments", [["addition", "--epochs", "500", "--hidden", "16"], ["lm", "--epochs", "500", "--hidden", "16"]]
)
def test_interrupt_saves_and_exits_cleanly(tmp_path, arguments):
    folder = tmp_path / "run"
    # Whoever starts the tests in the background has Ctrl-C ignored, in their children too.
    heard = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    start = f"{heard}; from fasts2s.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "train", *arguments, "--out", str(folder)]
    # The child must find the packages as this process does, installed or not.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        deadline = time.monotonic() + 120
        while not (folder / "curve.png").exists():  # the first epoch is done and saved
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted" in out
    model, extra = load_model(folder / "model.npz")
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert all(row["finished"] for row in history["epochs"][:-1])
    assert extra["epoch"] <= len(history["epochs"])
    assert model.params


@pytest.fixture
def exercises(tmp_path):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield _exercises(tmp_path)
    signal.signal(signal.SIGINT, before)


def _exercises(tmp_path):
    path = tmp_path / "few.txt"
    path.write_text("\n".join(addition_lines(500, seed=5)) + "\n", encoding="utf-8")
    return ["--data", str(path), "--hidden", "4", "--wordvec", "2", "--batch-size", "50", "--epochs", "4"]


def _press_before(monkeypatch, name, *, times):
    """Let Ctrl-C come at the beginning of this function of training_run, each time it is called."""
    function = getattr(training_run, name)

    def pressed(*arguments):
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
        function(*arguments)

    monkeypatch.setattr(training_run, name, pressed)


def test_interrupt_between_two_epochs_waits_until_the_epoch_is_saved(tmp_path, exercises, capsys, monkeypatch):
    _press_before(monkeypatch, "draw_curve", times=1)
    folder = tmp_path / "run"
    assert main(["train", "addition", "--out", str(folder), *exercises]) == 130
    printed = capsys.readouterr().out
    assert "interrupted after epoch 1\n" in printed
    assert f"curve:   {folder / 'curve.png'}" in printed
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert [row["finished"] for row in history["epochs"]] == [True]
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert load_model(folder / "model.npz")[1]["epoch"] == 1


def test_second_interrupt_does_not_wait(tmp_path, exercises, capsys, monkeypatch):
    _press_before(monkeypatch, "draw_curve", times=2)
    assert main(["train", "addition", "--out", str(tmp_path / "run"), *exercises]) == 130
    printed = capsys.readouterr()
    assert "curve:" not in printed.out
    assert "fasts2s: interrupted" in printed.err
    assert not (tmp_path / "run" / "curve.png").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

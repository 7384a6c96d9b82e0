"""Ctrl-C during training: what is there is saved, the exit is clean."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from fasts2s.models import load_model


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT as a terminal does")
@pytest.mark.parametrize(
    "arguments", [["addition", "--epochs", "500", "--hidden", "16"], ["lm", "--epochs", "500", "--hidden", "16"]]
)
def test_interrupt_saves_and_exits_cleanly(tmp_path, arguments):
    folder = tmp_path / "run"
    start = "import sys; from fasts2s.cli import main; sys.exit(main())"
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
    assert not history["epochs"][-1]["finished"]
    assert extra["epoch"] <= len(history["epochs"])
    assert model.params

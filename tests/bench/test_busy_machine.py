"""The program that measures steps beside busy processes: what it starts ends, what it measures are steps."""

import importlib
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def program(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("benchmarks.busy_machine")


def test_busy_processes_run_during_the_block_and_end_with_it(program, monkeypatch):
    started, start = [], subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(start(*a, **k)) or started[-1])
    with pytest.raises(KeyboardInterrupt), program.busy(2):
        assert [process.poll() for process in started] == [None, None]
        raise KeyboardInterrupt
    assert [process.poll() is None for process in started] == [False, False]


def test_a_line_for_each_way_and_seconds_for_each_step(program, monkeypatch, capsys):
    assert len(program.step_seconds(ROOT, "numpy", "1", 2)) == 2
    seconds = {("numpy", ""): [0.1, 0.3, 0.2], ("numpy", "1"): [0.02] * 3}
    monkeypatch.setattr(program, "step_seconds", lambda source, *way: seconds.get(way[:2], [0.001]))
    assert program.main(["--beside", "0", "--rounds", "2"]) == 0
    words = [line.split() for line in capsys.readouterr().out.splitlines()[-4:]]
    assert words[0] == ["0", "numpy", "-", "100.0", "200.0", "300.0"]
    assert words[1] == ["0", "numpy", "1", "20.0", "20.0", "20.0"]
    assert [line[1:3] for line in words] == [["numpy", "-"], ["numpy", "1"], ["numba", "-"], ["numba", "1"]]

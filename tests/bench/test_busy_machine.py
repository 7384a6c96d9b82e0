"""The program that measures steps beside busy processes: what it starts ends, what it measures are steps."""

import subprocess
from pathlib import Path

import pytest

from benchmarks import busy_machine


def test_busy_processes_run_during_the_block_and_end_with_it(monkeypatch):
    started, start = [], subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(start(*a, **k)) or started[-1])
    with pytest.raises(KeyboardInterrupt), busy_machine.busy(2):
        assert [process.poll() for process in started] == [None, None]
        raise KeyboardInterrupt
    assert [process.poll() is None for process in started] == [False, False]


def test_a_line_for_each_way_and_seconds_for_each_step(monkeypatch, capsys):
    assert len(busy_machine.step_seconds(Path(__file__).parents[2], "numpy", "1", 2)) == 2
    seconds = {("numpy", ""): [0.1, 0.3, 0.2], ("numpy", "1"): [0.02] * 3}
    monkeypatch.setattr(busy_machine, "step_seconds", lambda source, *way: seconds.get(way[:2], [0.001]))
    assert busy_machine.main(["--beside", "0", "--rounds", "2"]) == 0
    words = [line.split() for line in capsys.readouterr().out.splitlines()[-4:]]
    assert words[:2] == [["0", "numpy", "-", "100.0", "200.0", "300.0"], ["0", "numpy", "1", "20.0", "20.0", "20.0"]]
    assert [line[1:3] for line in words] == [["numpy", "-"], ["numpy", "1"], ["numba", "-"], ["numba", "1"]]

"""Every program that prints a time says so where other programs were running: nobody may quote it then."""

import ast
import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from fasts2s.bench import machine
from fasts2s_kernels import blas

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
#: What prints the caution: the head of the text reports, and the report of the suite.
SAYS_SO = {"heading", "machine.heading", "tables.text"}
CLOCKS = {"time.perf_counter", "time.monotonic", "time.time", "timeit.Timer"}


def calls(path):
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}


def test_a_program_that_prints_times_has_a_caution():
    programs = {path.name: calls(path) for path in BENCHMARKS.glob("*.py")}
    timing = {name for name, found in programs.items() if "print" in found and found & CLOCKS}
    assert {"dropin_calls.py", "dropin_scripts.py", "readme_commands.py"} <= timing
    assert {name for name in timing if not programs[name] & SAYS_SO} == set(), "they are silent about the load"


@pytest.mark.parametrize("load", [0.1, None, True, "high", 3.14])
def test_the_caution_is_about_the_load_before_and_stands_in_the_head_of_a_text_report(load, monkeypatch):
    busy = load == 3.14
    assert ("do not quote these numbers" in machine.too_busy(load)) == ("load 3.14" in machine.too_busy(load)) == busy
    monkeypatch.setattr(machine, "load_average", lambda: load)
    printed = machine.heading("Times", "1", "numba")
    assert ("do not quote these numbers" in printed) is busy
    assert all(said in printed for said in ("Times, 20", "threads: 1;", "numba ", "commit: "))


@pytest.mark.parametrize(
    ("load", "crowded", "disabled", "lines"),
    [(3.14, "threads wait", False, 2), (3.14, "", False, 1), (0.1, "", False, 0), (3.14, "threads wait", True, 0)],
)
def test_pytest_benchmarks_says_it_under_its_table(load, crowded, disabled, lines, monkeypatch):
    hooks = importlib.import_module("benchmarks.conftest")
    monkeypatch.setattr(blas, "crowded", lambda: crowded)
    config = SimpleNamespace(stash={hooks._LOAD_BEFORE: load}, getoption=lambda name, default: disabled)
    said = []
    hooks.pytest_terminal_summary(SimpleNamespace(write_line=lambda text, **_: said.append(text)), config)
    assert len(said) == lines
    assert ("do not quote these numbers" in "".join(said)) is (lines > 0)

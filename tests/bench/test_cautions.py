"""Every program that prints a time says so where other programs were running: nobody may quote it then."""

import ast
import importlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from fasts2s.bench import machine
from fasts2s_kernels import blas

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
#: What prints the caution: the head of the text reports, the report of the suite, the head of the GPU programs.
SAYS_SO = {"heading", "tables.text", "program.Run"}
CLOCKS = {"perf_counter", "monotonic", "time"}


def calls(tree):
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def prints_times(tree):
    found = calls(tree)
    return "print" in found and any(f"time.{clock}" in found for clock in CLOCKS)


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*.py")), ids=lambda path: path.name)
def test_a_program_that_prints_times_has_a_caution(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if prints_times(tree):
        assert calls(tree) & SAYS_SO, f"{path.name} prints times without a word about the load: suite.heading.heading"


def test_such_programs_are_found():
    found = {p.name for p in BENCHMARKS.glob("*.py") if prints_times(ast.parse(p.read_text(encoding="utf-8")))}
    assert {
        "robustness.py",
        "book_weights.py",
        "golden_prefixes.py",
        "dropin_speed.py",
        "readme_commands.py",
    } <= found


@pytest.mark.parametrize(
    ("load", "said"), [(0.1, ""), (None, ""), (True, ""), ("high", ""), (3.14, "CAUTION: .* load 3.14")]
)
def test_the_caution_is_about_the_load_before(load, said):
    text = machine.too_busy(load)
    assert bool(text) == bool(said)
    assert not said or ("CAUTION" in text and "load 3.14" in text)


@pytest.mark.parametrize("load", [0.1, 3.14])
def test_the_head_of_a_text_report_has_it(load, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    head = importlib.import_module("suite.heading")
    monkeypatch.setattr(head, "load_average", lambda: load)
    head.heading("Times", "1", {})
    assert ("do not quote these numbers" in capsys.readouterr().out) is (load > 1)


@pytest.mark.parametrize(
    ("load", "crowded", "disabled", "lines"),
    [(3.14, "threads wait", False, 2), (3.14, "", False, 1), (0.1, "", False, 0), (3.14, "threads wait", True, 0)],
)
def test_pytest_benchmarks_says_it_under_its_table(load, crowded, disabled, lines, monkeypatch):
    hooks = importlib.import_module("benchmarks.conftest")
    monkeypatch.setattr(blas, "crowded", lambda: crowded)
    config = SimpleNamespace(stash={hooks._LOAD_BEFORE: load}, getoption=lambda name, default: disabled)
    said = []
    reporter = SimpleNamespace(write_line=lambda text, **style: said.append(text))
    hooks.pytest_terminal_summary(reporter, config)
    assert len(said) == lines
    assert ("do not quote these numbers" in "".join(said)) is (lines > 0)

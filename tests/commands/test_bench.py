"""``fasts2s bench``: what it prints and writes, and what it refuses."""

import json
import subprocess
import sys

import pytest

from fasts2s.bench import runner
from fasts2s.bench.measure import Contestant
from fasts2s.bench.plans import PLANS
from fasts2s.cli import main, make_parser
from tests.bench.small_plans import LAYER, STEP, small


@pytest.fixture
def steady(monkeypatch):
    """A small plan in place of quick, on a machine of constant speed."""
    monkeypatch.setattr(runner, "ANCHOR", LAYER)
    monkeypatch.setitem(PLANS, "quick", small(STEP))
    honest = Contestant.time
    monkeypatch.setattr(Contestant, "time", lambda one: 0.0 * honest(one) + 0.25)


def test_a_run_prints_a_table_and_writes_what_compare_reads(steady, tmp_path, capsys):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    assert main(["bench", "--backend", "numpy", "--json", str(old), "--html", str(tmp_path / "report")]) == 0
    printed = capsys.readouterr()
    assert STEP.name in printed.out
    assert "250 ms" in printed.out
    assert "steps: 1 cases, 3 rounds" in printed.err
    assert {path.name for path in (tmp_path / "report").iterdir()} >= {"index.html", "report.md", "results.json"}
    found = json.loads(old.read_text())
    assert found["machine"]["contestants"] == ["numpy"]
    for row in found["rows"]:
        row.update(value=0.5, low=0.5, high=0.5, rounds=[0.5] * 3)
    new.write_text(json.dumps(found))
    assert main(["bench", "compare", str(old), str(old)]) == 0
    assert "1 of 1 rows" in capsys.readouterr().out
    assert main(["bench", "compare", str(old), str(new)]) == 1
    assert "slower" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--backend", "numpy,torch"], "the backend 'torch' does not run here"),
        (["--backend", ","], "--backend names no backend"),
        (["quick", "a.json"], "only compare takes files"),
        (["compare", "a.json"], "compare takes two files, OLD.json NEW.json, and got 1"),
        (["compare", "a.json", "b.json"], "a.json"),
        (["--json", "no/such/folder/a.json"], "there is no folder"),
        (["--html", "no/such/folder/report"], "there is no folder"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(words, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *words]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert complaint in printed.err
    assert printed.err.count("\n") == 1


def test_a_checkout_without_the_books_code_is_said(steady, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(PLANS, "quick", small(STEP).__class__(**{**vars(small(STEP)), "peers": ("book",)}))
    monkeypatch.setenv("FASTS2S_BOOK", str(tmp_path))
    assert main(["bench", "--backend", "numpy"]) == 1
    assert "it has no common/time_layers.py" in capsys.readouterr().err


def test_every_plan_is_in_the_parser():
    for name in PLANS:
        assert make_parser().parse_args(["bench", name]).what == name


def test_asking_for_help_loads_no_library():
    code = (
        "import sys; from fasts2s.cli import make_parser; make_parser().parse_args(['bench', 'full']); "
        "print([m for m in ('numba', 'cupy', 'matplotlib', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""``fasts2s bench``: what it prints and writes, and what it refuses."""

import io
import json
import subprocess
import sys

import pytest

from fasts2s.bench import runner
from fasts2s.bench.measure import Contestant
from fasts2s.bench.plans import PLANS
from fasts2s.bench.processor import PROCESSORS
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
        (["--backend", "numpy", "--processor", "sse2"], "--processor is for the backend numba"),
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
    for name in PROCESSORS:
        assert make_parser().parse_args(["bench", "--processor", name]).processor == name


def test_asking_for_help_loads_no_library():
    code = (
        "import sys; from fasts2s.cli import make_parser; make_parser().parse_args(['bench', 'full']); "
        "print([m for m in ('numba', 'cupy', 'matplotlib', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nothing_that_was_measured_is_overwritten_unasked(steady, tmp_path, capsys):
    data, report = tmp_path / "old.json", tmp_path / "report"
    words = ["bench", "--backend", "numpy", "--json", str(data), "--html", str(report)]
    assert main(words) == 0
    before = data.read_bytes()
    capsys.readouterr()
    for some in (words[:5], words[:3] + words[5:], words):
        assert main(some) == 1
        printed = capsys.readouterr()
        assert "replace it with --overwrite" in printed.err
        assert printed.err.count("\n") == 1
        assert printed.out == ""
        assert data.read_bytes() == before
    (report / "peeky.svg").write_text("of an older report")
    assert main([*words, "--overwrite"]) == 0
    assert data.read_bytes() != before
    assert not (report / "peeky.svg").exists()


def test_a_place_that_can_never_be_written_is_refused_at_once(steady, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for words, said in (
        (["--json", str(tmp_path)], "is a folder: --json takes the name of a file"),
        (["--html", str(tmp_path / "file")], "is a file: --html takes the name of a folder"),
    ):
        assert main(["bench", "--backend", "numpy", *words, "--overwrite"]) == 1
        assert said in capsys.readouterr().err


def test_what_was_measured_is_saved_before_it_is_printed(steady, tmp_path, monkeypatch):
    class Closed(io.TextIOBase):
        def write(self, text):
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("sys.stdout", Closed())
    path = tmp_path / "a.json"
    assert main(["bench", "--backend", "numpy", "--json", str(path), "--html", str(tmp_path / "report")]) == 141
    assert json.loads(path.read_text())["rows"]
    assert (tmp_path / "report" / "index.html").exists()


def test_a_file_that_cannot_be_written_does_not_take_the_table_along(steady, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fasts2s.bench.results.write", full)
    assert main(["bench", "--backend", "numpy", "--json", str(tmp_path / "a.json")]) == 1
    printed = capsys.readouterr()
    assert STEP.name in printed.out
    assert "No space left" in printed.err

"""Every application, with tiny sizes: what it declares, and what it finds out at the end."""

import argparse
import importlib
import json

import pytest

from fasts2s.apps import program, rhyme
from fasts2s.apps.application import Application, pairs_of
from fasts2s.apps.running import options_of, run_application
from fasts2s.cli import main
from fasts2s.commands.arguments import Parser

CASES = [
    ("translate", []),
    ("translate", ["--task", "numbers", "--to", "ja"]),
    ("summarise", []),
    ("summarise", ["--task", "docstrings"]),
    ("mail", []),
    ("answer", ["--language", "ko"]),
    ("chat", []),
    ("program", []),
    ("program", ["--task", "reverse"]),
]


def parsed(name, *options):
    module, parser = importlib.import_module(f"fasts2s.apps.{name}"), Parser()
    module.add_arguments(parser)
    return module, parser.parse_args(options)


@pytest.mark.parametrize(("name", "options"), CASES, ids=[" ".join([name, *options]) for name, options in CASES])
def test_applications_run_from_end_to_end(name, options, tmp_path, capsys, monkeypatch):
    if "docstrings" in options:
        pytest.importorskip("rouge_score")
    module, a = parsed(name, *options, "--out", str(tmp_path / "run"), "--epochs", "1")
    app = module.application(a)
    combined = [*app.parts.train.sources, *app.parts.test.sources]
    assert len(set(combined)) == len(combined)
    settings = {**app.settings, "hidden": 8, "wordvec": 8, "batch_size": 64}
    short = app.parts._replace(train=app.parts.train[:64], held_out=app.parts.held_out[:8], test=app.parts.test[:8])
    small = Application(**{**vars(app), "parts": short, "settings": settings})
    monkeypatch.setattr("fasts2s.apps.program._FOR_CURVE", 2)
    monkeypatch.setattr("fasts2s.apps.answer._FOR_CURVE", 2)
    assert run_application(small, a) == 0
    history = json.loads((tmp_path / "run" / "history.json").read_text(encoding="utf-8"))
    assert history["application"] == name
    assert 0 <= history["test"]["accuracy"] <= 100
    assert ("report" in history) == (app.report is not None)
    assert main(["ask", str(tmp_path / "run"), app.parts.train.sources[0]]) == 0


def test_the_alignment_of_a_model_that_is_right(monkeypatch):
    class Said:
        text, words = "cba", ("c", "b", "a")
        attention = ((0.1, 0.2, 0.7, 0), (0.2, 0.5, 0.3, 0), (0.1, 0.6, 0.3, 0), (0, 0, 0, 1))

    class Whole:
        def answers(self, sources, options):
            assert options.attention
            return [[Said()] for _ in sources]

    pairs = pairs_of([("abc", "cba"), ("abd", "dba")], "test")
    assert program.alignment(Whole(), pairs, reverse=True) == pytest.approx(2 / 3)
    assert program.alignment(Whole(), pairs, reverse=False) == pytest.approx(1 / 3)


def test_verses_are_written_and_judged(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(rhyme, "_VERSES_QUICK", 300)
    monkeypatch.setattr(rhyme, "_WRITTEN", 5)
    out = tmp_path / "run"
    assert main(["app", "rhyme", "--quick", "--epochs", "1", "--out", str(out)]) == 0
    assert "of 5 verses rhyme" in capsys.readouterr().out
    assert set(json.loads((out / "history.json").read_text(encoding="utf-8"))["report"]) == {"rhyming", "new"}
    assert len((out / rhyme.TEXT).read_text(encoding="utf-8").splitlines()) == 300
    assert main(["generate", str(out), "--start", "the", "--length", "5", "--seed", "1"]) == 0
    assert capsys.readouterr().out.startswith("the")


def test_verses_do_not_replace_a_run(tmp_path, capsys):
    out = tmp_path / "run"
    out.mkdir()
    (out / "model.npz").write_bytes(b"something")
    assert main(["app", "rhyme", "--quick", "--out", str(out)]) == 1
    assert "holds a training run" in capsys.readouterr().err
    assert not (out / rhyme.TEXT).exists()


def test_a_text_of_ones_own(tmp_path, capsys):
    file = tmp_path / "text.txt"
    file.write_text("one line of a text\nanother line of it\n" * 200, encoding="utf-8")
    assert main(["app", "rhyme", "--data", str(file), "--epochs", "1", "--out", str(tmp_path / "run")]) == 0
    assert "bits per character" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["chat", "mail", "answer", "summarise"])
def test_files_of_ones_own(name, tmp_path, capsys, monkeypatch):
    file = tmp_path / "own.csv"
    rows = [(f"say {k}", f"said {k % 7}") for k in range(90)]
    file.write_text("Q,A\n" + "".join(f"{q},{a}\n" for q, a in rows), encoding="utf-8")
    small = {"hidden": 8, "wordvec": 8, "epochs": 1}
    monkeypatch.setattr("fasts2s.apps.own_pairs._SETTINGS", small)
    assert main(["app", name, "--data", str(file), "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().out
    assert "perplexity" in said
    if name == "chat":
        assert "have no <unk>" in said


def test_options_of_the_command_line_come_last():
    module, a = parsed("mail", "--model", "peeky", "--seed", "7", "--epochs", "2")
    assert isinstance(a, argparse.Namespace)
    options = options_of(module.application(a), a)
    assert (options.attention, options.decoder, options.seed, options.epochs) == ("none", "peeky", 7, 2)
    assert options.tokens == "word"

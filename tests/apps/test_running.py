"""An application from its command to a folder that is asked."""

import argparse
import json
import random

import pytest

from fasts2s.apps import APPS, translate
from fasts2s.apps.application import Application, Parts, pairs_of
from fasts2s.apps.running import options_of, run_application
from fasts2s.cli import main

LETTERS = "abcdefgh"
ROWS = [(f"{a} {b}", f"{b.upper()} {a.upper()}") for a in LETTERS for b in LETTERS]
random.Random(0).shuffle(ROWS)
SMALL = {"tokens": "word", "hidden": 24, "wordvec": 16, "epochs": 20, "batch_size": 4, "lr": 0.01}


def _options(out, **more):
    usual = {"out": str(out), "overwrite": False, "quick": False, "seed": 1, "epochs": None, "model": "attention"}
    return argparse.Namespace(**{**usual, **more})


def _application(**more):
    parts = Parts(pairs_of(ROWS[:40], "test"), pairs_of(ROWS[40:52], "test"), pairs_of(ROWS[:12], "test"))
    return Application("swap", "letters", parts, SMALL, **more)


def test_an_application_trains_scores_and_leaves_a_model(tmp_path, capsys):
    def report(whole, pairs, said):
        assert len(said) == len(pairs) == 12
        return ["the report"], {"found": 1.0}

    assert run_application(_application(report=report), _options(tmp_path / "run")) == 0
    said = capsys.readouterr().out
    assert "score: exact answers" in said
    assert "the report" in said
    history = json.loads((tmp_path / "run" / "history.json").read_text(encoding="utf-8"))
    assert history["test"]["accuracy"] > 60
    assert history["report"] == {"found": 1.0}
    assert history["epochs"][0]["lr"] == 0.01
    assert 0 < history["epochs"][-1]["lr"] < 0.002
    assert (tmp_path / "run" / "attention.png").read_bytes().startswith(b"\x89PNG")
    assert main(["ask", str(tmp_path / "run"), ROWS[0][0]]) == 0
    assert capsys.readouterr().out == f"{ROWS[0][1]}\n"


def test_a_model_without_attention_leaves_no_old_picture(tmp_path):
    for model in ("attention", "peeky"):
        options = _options(tmp_path / "run", model=model, epochs=1, overwrite=True)
        assert run_application(_application(), options) == 0
        assert (tmp_path / "run" / "attention.png").exists() == (model == "attention")


def test_rightness_decides_what_is_marked_and_what_is_best(tmp_path, capsys):
    assert run_application(_application(rightness=lambda *_: 0.5), _options(tmp_path / "run", epochs=2)) == 0
    assert "score: exact answers 50.00 %" in capsys.readouterr().out


def test_without_a_right_answer_the_perplexity_decides(tmp_path, capsys):
    assert run_application(_application(rightness=None), _options(tmp_path / "run", epochs=2)) == 0
    said = capsys.readouterr().out
    assert "perplexity by epoch" in said
    assert "score:" not in said


def test_quick_learns_from_less_and_stops_in_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("fasts2s.apps.arguments.QUICK_SECONDS", 0.0)
    assert run_application(_application(quick=8), _options(tmp_path / "run", quick=True)) == 0
    said = capsys.readouterr().out
    assert said.startswith("8 pairs")
    assert "stopped after epoch 1: --quick" in said


def test_the_models_are_three():
    chosen = {
        model: options_of(_application(), _options("x", model=model)) for model in ("attention", "peeky", "plain")
    }
    kinds = {model: (o.attention, o.decoder) for model, o in chosen.items()}
    assert kinds == {"attention": ("general", "plain"), "peeky": ("none", "peeky"), "plain": ("none", "plain")}
    assert options_of(_application(), _options("x", epochs=3)).epochs == 3


def test_applications_are_listed(capsys):
    assert main(["app"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(APPS)
    with pytest.raises(SystemExit):
        main(["app", "nothing"])
    assert "translate" in capsys.readouterr().err


@pytest.mark.parametrize("name", APPS)
def test_every_application_has_help_and_the_common_options(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["app", name, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for option in ("--out", "--overwrite", "--quick", "--seed", "--epochs", "--backend"):
        assert option in said


def test_errors_are_one_line(tmp_path, capsys):
    assert main(["app", "translate", "--from", "ko", "--to", "ko"]) == 1
    assert "--from and --to are both ko" in capsys.readouterr().err
    assert main(["app", "translate", "--data", str(tmp_path / "none.tsv")]) == 1
    assert "none.tsv" in capsys.readouterr().err
    few = tmp_path / "few.tsv"
    few.write_text("a\tb\n", encoding="utf-8")
    assert main(["app", "translate", "--data", str(few)]) == 1
    assert "too few pairs" in capsys.readouterr().err


def test_pairs_of_ones_own(tmp_path, capsys, monkeypatch):
    file = tmp_path / "own.tsv"
    file.write_text("".join(f"{a}\t{b}\n" for a, b in ROWS), encoding="utf-8")
    monkeypatch.setattr("fasts2s.apps.own_pairs._SETTINGS", SMALL)
    command = ["app", "translate", "--data", str(file), "--out", str(tmp_path / "run"), "--epochs", "2"]
    assert main(command) == 0
    assert "all scores: perplexity" in capsys.readouterr().out
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert history["settings"]["file"] == str(file)


def test_translations_of_every_direction_are_declared():
    usual = {"data": None, "seed": 1, "source": "ja", "target": "fr", "task": "numbers"}
    app = translate.application(argparse.Namespace(**usual))
    assert len(app.parts.train) > 5000
    assert app.parts.test.targets[0].isascii() or "é" in app.parts.test.targets[0]

"""fasts2s train, ask and generate, in the test's own process, on small data."""

import json

import numpy as np
import pytest

from fasts2s.cli import main
from fasts2s.models import load_model
from fasts2s.sequence import addition_lines


@pytest.fixture
def exercises(tmp_path):
    path = tmp_path / "few.txt"
    path.write_text("\n".join(addition_lines(2000, seed=5)) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def trained(tmp_path, exercises, capsys):
    folder = tmp_path / "run"
    small = ["--epochs", "2", "--hidden", "8", "--wordvec", "4", "--batch-size", "50"]
    assert main(["train", "addition", "--data", str(exercises), "--out", str(folder), *small]) == 0
    return folder, capsys.readouterr().out


@pytest.fixture
def text_model(tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("you say goodbye and i say hello .\n" * 300, encoding="utf-8")
    folder = tmp_path / "lm"
    options = ["--epochs", "6", "--hidden", "32", "--batch-size", "5", "--time-size", "9", "--lr", "5"]
    assert main(["train", "lm", str(text), "--out", str(folder), *options]) == 0
    return folder, capsys.readouterr().out


def test_training_writes_model_history_and_curve(trained):
    folder, printed = trained
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert [e["epoch"] for e in history["epochs"]] == [1, 2]
    assert all(e["finished"] and 0 <= e["accuracy"] <= 100 for e in history["epochs"])
    assert history["settings"]["hidden"] == 8
    assert history["rows"] == {"train": 1800, "validation": 200}
    assert (folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert "epoch  2/2  loss" in printed
    assert "samples/s" in printed
    assert f"curve:   {folder / 'curve.png'}" in printed


def test_the_saved_model_is_the_printed_one(trained):
    folder, _ = trained
    model, extra = load_model(folder / "model.npz")
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert extra["accuracy"] == max(e["accuracy"] for e in history["epochs"])
    assert model.parameter_count() == history["parameters"]
    assert model.config["reverse"] is True


def test_the_same_seed_gives_the_same_run(tmp_path, exercises):
    losses = []
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        small = ["--epochs", "1", "--hidden", "8", "--batch-size", "100", "--model", "seq2seq", "--no-reverse"]
        assert (
            main(
                ["train", "addition", "--data", str(exercises), "--out", str(tmp_path / name), "--seed", seed, *small]
            )
            == 0
        )
        losses.append(json.loads((tmp_path / name / "history.json").read_text(encoding="utf-8"))["epochs"][0]["loss"])
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.parametrize("model", ["seq2seq", "attention"])
def test_every_model_trains(tmp_path, exercises, model):
    small = ["--epochs", "1", "--hidden", "8", "--wordvec", "4", "--model", model]
    assert main(["train", "addition", "--data", str(exercises), "--out", str(tmp_path / model), *small]) == 0


def test_without_out_no_run_overwrites_another(tmp_path, exercises, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(3):
        assert main(["train", "addition", "--data", str(exercises), "--epochs", "1", "--hidden", "4"]) == 0
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == [
        "addition-peeky",
        "addition-peeky-2",
        "addition-peeky-3",
    ]


def test_ask_answers_each_question(trained, capsys):
    folder, _ = trained
    assert main(["ask", str(folder), "57+5", "1+999"]) == 0
    answers = capsys.readouterr().out.splitlines()
    assert len(answers) == 2
    assert all(set(a) <= set(" +0123456789_") for a in answers)


def test_ask_reads_standard_input(trained, capsys, monkeypatch):
    folder, _ = trained
    monkeypatch.setattr("sys.stdin", __import__("io").StringIO("57+5\n1-1\n2+2\n\n9+9\n"))
    assert main(["ask", str(folder)]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2  # 57+5 and 2+2; the empty line ends
    assert err.startswith("fasts2s: cannot ask '1-1': character '-'")
    monkeypatch.setattr("sys.stdin", __import__("io").StringIO("57+5\n"))
    assert main(["ask", str(folder)]) == 0


def test_a_typing_error_at_the_terminal_is_no_failure(trained, capsys, monkeypatch):
    folder, _ = trained
    typed = __import__("io").StringIO("1-1\n2+2\n")
    typed.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", typed)
    assert main(["ask", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert "'-'" in err


def test_ask_answers_what_it_can(trained, capsys):
    folder, _ = trained
    assert main(["ask", str(folder), "57-5", "57+5", "1234567+1", "1+999"]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    first, second = err.splitlines()
    assert first.startswith("fasts2s: cannot ask '57-5': character '-'")
    assert second.startswith("fasts2s: cannot ask '1234567+1': ")
    assert main(["ask", str(folder), "57+5", "1+999"]) == 0
    assert capsys.readouterr().out == out


def test_ask_refuses_what_the_model_cannot_read(trained, capsys):
    folder, _ = trained
    assert main(["ask", str(folder), "57-5"]) == 1
    assert "'-'" in capsys.readouterr().err
    assert main(["ask", str(folder), "1234567+1"]) == 1


def test_language_model_learns_and_reports_perplexity(text_model):
    folder, printed = text_model
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert history["epochs"][-1]["perplexity"] < 2  # a text that repeats itself
    assert history["test_perplexity"] < 2
    assert "test perplexity of that model" in printed


def test_generate_begins_with_the_prompt_and_skips_words(text_model, capsys):
    folder, _ = text_model
    common = ["generate", str(folder), "--length", "200"]
    assert main([*common, "--start", "and i", "--skip", "hello", "goodbye", "--seed", "3"]) == 0
    first = capsys.readouterr().out
    assert first.startswith("and i")
    assert "hello" not in first
    assert "goodbye" not in first
    assert main([*common, "--start", "and i", "--skip", "hello", "goodbye", "--seed", "3"]) == 0
    assert capsys.readouterr().out == first


def test_generate_greedily_until_the_end_of_the_sentence(text_model, capsys):
    folder, _ = text_model
    assert main(["generate", str(folder), "--start", "you", "--temperature", "0", "--stop", "<eos>"]) == 0
    assert capsys.readouterr().out.strip() == "you say goodbye and i say hello ."


def test_generate_names_an_unknown_word(text_model, capsys):
    folder, _ = text_model
    assert main(["generate", str(folder), "--start", "xyzzy"]) == 1
    assert "'xyzzy'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask", "nowhere", "1+1"], "nowhere"),
        (["generate", "nowhere", "--start", "a"], "nowhere"),
        (["train", "addition", "--data", "missing.txt"], "missing.txt"),
        (["train", "lm", "missing.txt"], "missing.txt"),
    ],
)
def test_errors_are_one_line(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_model_of_the_other_kind_is_named(trained, text_model, capsys):
    assert main(["generate", str(trained[0]), "--start", "you"]) == 1
    assert "'addition'" in capsys.readouterr().err
    assert main(["ask", str(text_model[0]), "1+1"]) == 1
    assert "'lm'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [["--epochs", "0"], ["--lr", "-1"], ["--hidden", "x"], ["--seed", "-1"], ["--model", "gpt"]]
)
def test_wrong_options_are_refused_by_the_parser(wrong, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["train", "addition", *wrong])
    assert stopped.value.code == 2
    assert wrong[1] in capsys.readouterr().err


def test_a_diverging_run_stops_with_one_line(tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("you say goodbye and i say hello .\n" * 300, encoding="utf-8")
    options = ["--hidden", "4", "--batch-size", "5", "--time-size", "9", "--lr", "1e30", "--max-grad", "1e30"]
    with np.errstate(all="ignore"):
        assert main(["train", "lm", str(text), "--out", str(tmp_path / "lm"), *options]) == 1
    said = capsys.readouterr().err
    assert said.startswith("fasts2s: training stopped: ")
    assert said.endswith(": lower --lr or --max-grad\n")
    assert said.count("\n") == 1


def test_info_lists_every_backend(capsys):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    for word in ("numpy", "numba", "cupy", "usable", "FASTS2S_BACKEND"):
        assert word in out


def test_info_explains_a_wrong_setting(capsys, monkeypatch):
    monkeypatch.setenv("FASTS2S_BACKEND", "nmpy")
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert "'nmpy', expected one of auto, numpy, numba, cupy" in out
    assert "usable" in out

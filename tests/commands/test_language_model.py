"""fasts2s train lm and generate: words, characters, what is unknown, the learning rate."""

import json
import random

import pytest

from fasts2s.cli import main
from fasts2s.commands import train_lm
from fasts2s.models import load_model, save_model

_SMALL = ["--epochs", "1", "--hidden", "4", "--batch-size", "2", "--time-size", "5"]
_SPOKEN = "Alice, said the cat, don't go (yet)! The cat's gone.\n" * 60
_JAPANESE = [
    "吾輩は猫である",
    "名前はまだ無い",
    "どこで生れたか",
    "とんと見当がつかぬ",
    "薄暗い所で",
    "泣いていた",
    "人間というもの",
]


@pytest.fixture
def train(tmp_path, capsys):
    """Return train(text, *options): the folder of a model and what was printed."""

    def run(text, *options):
        path = tmp_path / "own.txt"
        path.write_text(text, encoding="utf-8")
        capsys.readouterr()
        assert main(["train", "lm", str(path), "--out", str(tmp_path / "run"), *_SMALL, *options]) == 0
        return tmp_path / "run", capsys.readouterr()

    return run


@pytest.fixture
def generate(capsys):
    """Return generate(folder, *options): the status and what was printed."""

    def run(folder, *options):
        capsys.readouterr()
        status = main(["generate", str(folder), "--seed", "1", "--length", "8", *options])
        return status, capsys.readouterr()

    return run


def _japanese():
    draw = random.Random(5)
    return "\n".join("。".join("".join(draw.sample(_JAPANESE, 3)) for _ in range(3)) for _ in range(80))


@pytest.mark.parametrize(
    ("start", "shown"),
    [
        ("alice,", "alice,"),
        ("Alice, said THE cat,", "alice, said the cat,"),
        ("the cat's", "the cat's"),
        ("don't go (yet)!", "don't go (yet)!"),
        ("<eos> the", "\nthe"),
    ],
)
def test_a_prompt_is_cut_like_the_text(train, generate, start, shown):
    folder, _ = train(_SPOKEN)
    status, printed = generate(folder, "--start", start, "--skip", "(yet)!")
    assert (status, printed.err) == (0, "")
    assert printed.out.startswith(shown)
    assert set("(!") & set(printed.out.removeprefix(shown)) == set()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--start", "alice, xyzzy"], "the model does not know the word 'xyzzy' of --start"),
        (["--start", "  "], "--start is '  ', expected at least one word"),
        (["--start", "alice", "--skip", "the", "foo"], "does not know the word 'foo' of --skip"),
        (["--start", "alice", "--stop", "bar"], "does not know the word 'bar' of --stop"),
        (["--start", "alice", "--stop", "cat,"], "--stop is 'cat,', which is 'cat', ',', expected one word"),
    ],
)
def test_what_the_model_cannot_read_is_named(train, generate, options, said):
    folder, _ = train(_SPOKEN)
    status, printed = generate(folder, *options)
    assert (status, printed.out) == (1, "")
    assert said in printed.err
    assert printed.err.count("\n") == 1


def test_a_file_that_names_no_level_was_of_words(train, generate):
    folder, _ = train(_SPOKEN)
    model, extra = load_model(folder / "model.npz")
    assert extra.pop("level") == "word"
    save_model(folder / "model.npz", model, extra)
    assert generate(folder, "--start", "alice,")[0] == 0


def test_characters(train, generate):
    folder, printed = train(_japanese(), "--level", "char")
    assert "characters to learn" in printed.out
    assert "characters/s" in printed.out
    assert "perplexity of held-out characters" in printed.out
    assert printed.err == ""
    _, extra = load_model(folder / "model.npz")
    assert extra["level"] == "char"
    assert {"猫", "<eos>"} <= set(extra["words"])
    assert all(len(w) == 1 for w in extra["words"] if w not in {"<eos>", "<unk>"})
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert history["settings"]["level"] == "char"
    status, printed = generate(folder, "--start", "名前は", "--stop", "<eos>")
    assert (status, printed.err) == (0, "")
    assert printed.out.startswith("名前は")
    assert " " not in printed.out
    assert generate(folder, "--start", "名x")[1].err.startswith("fasts2s: the model does not know the character 'x'")


def test_the_share_of_unknown_words_stands_beside_every_perplexity(train):
    folder, printed = train(_japanese())
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    shares = {part: f"({round(percent)} % <unk>)" for part, percent in history["unk_percent"].items()}
    assert min(history["unk_percent"].values()) > 15
    model_line = next(line for line in printed.out.splitlines() if line.startswith("epoch"))
    assert f"training {_number(model_line, 'training')} {shares['train']}" in model_line
    assert f"validation {_number(model_line, 'validation')} {shares['valid']}" in model_line
    assert f"\nperplexity of held-out words {shares['valid']} by epoch\n" in printed.out
    last = printed.out.rpartition("validation perplexity")[2]
    assert last.splitlines()[0].endswith(f"{shares['valid']} (epoch 1)")
    assert f"{shares['test']}\n" in last.partition("test perplexity")[2]
    assert printed.err.startswith("fasts2s: warning: ")
    assert "--level char" in printed.err
    assert printed.err.count("\n") == 1


def _number(line, after):
    return line.partition(f"{after} ")[2].split()[0]


def test_an_ordinary_text_gets_no_warning(train):
    _, printed = train(_SPOKEN)
    assert printed.err == ""
    assert "(0 % <unk>)" in printed.out


def test_a_text_of_one_line(train, generate):
    folder, printed = train(_SPOKEN.replace("\n", " ").strip())
    assert "test perplexity of that model" in printed.out
    assert generate(folder, "--start", "alice,")[0] == 0


def test_a_learning_rate_that_helps_no_more_is_printed_and_ends_the_training(train, monkeypatch):
    monkeypatch.setattr(train_lm, "perplexity", lambda *_: 5.0)
    folder, printed = train(_SPOKEN, "--epochs", "30", "--lr", "8")
    epochs = [line for line in printed.out.splitlines() if line.startswith("epoch ")]
    assert len(epochs) == 6
    assert "learning rate" not in epochs[0] + epochs[1]  # the first epoch is progress, the second still has its rate
    assert [line.rpartition("learning rate ")[2] for line in epochs[2:]] == ["2", "0.5", "0.125", "0.03125"]
    stop = next(line for line in printed.out.splitlines() if line.startswith("stopped after epoch 6: "))
    assert "would be 0.0078, less than a 1000th of --lr 8" in stop
    assert "epoch 1 was the best" in stop
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert history["stopped"] in stop
    assert [row["lr"] for row in history["epochs"]] == [8, 8, 2, 0.5, 0.125, 0.03125]
    assert "test perplexity of that model" in printed.out


def test_the_last_epoch_needs_no_reason(train, monkeypatch):
    monkeypatch.setattr(train_lm, "perplexity", lambda *_: 5.0)
    folder, printed = train(_SPOKEN, "--epochs", "6", "--lr", "8")
    assert "stopped" not in printed.out
    assert "stopped" not in json.loads((folder / "history.json").read_text(encoding="utf-8"))

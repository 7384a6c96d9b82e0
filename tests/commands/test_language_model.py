"""fasts2s train lm: words, subwords, characters, tables, models, what is unknown, the learning rate."""

import json
import math
import random
import shlex

import pytest

from fasts2s.cli import main
from fasts2s.commands import train_lm
from fasts2s.models import load_model
from fasts2s.text import load_tokenizer

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


def _japanese():
    draw = random.Random(5)
    return "\n".join("。".join("".join(draw.sample(_JAPANESE, 3)) for _ in range(3)) for _ in range(80))


def _korean():
    """Return sentences whose every third word has an ending that it has nowhere else."""
    return "\n".join(f"고양이가 {chr(0xAC00 + 7 * n)}{chr(0xC000 + n)} 갑니다" for n in range(160))


def test_characters(train, generate):
    folder, printed = train(_japanese(), "--level", "char")
    assert "characters to learn" in printed.out
    assert "characters/s" in printed.out
    assert "perplexity of held-out characters" in printed.out
    assert printed.err == ""
    assert load_model(folder / "model.npz")[1]["tokens"] == "char"
    tokenizer = load_tokenizer(folder, "text")
    assert set("".join(_JAPANESE)) | {"。"} == set(tokenizer.symbols[4:])
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert history["settings"]["tokens"] == "char"
    row = history["epochs"][0]
    assert row["bits_per_character"] == pytest.approx(math.log2(row["perplexity"]))
    assert f"{row['bits_per_character']:.3f} bits per character" in printed.out
    status, printed = generate(folder, "--start", "名前は", "--stop", "<eos>")
    assert (status, printed.err) == (0, "")
    assert printed.out.startswith("名前は")
    assert " " not in printed.out
    assert generate(folder, "--start", "名x")[1].err.startswith("fasts2s: the model does not know the character 'x'")


def test_subwords(train, generate):
    pytest.importorskip("sentencepiece")
    folder, printed = train(_SPOKEN, "--tokens", "subword", "--vocabulary", "40")
    assert "subwords/s" in printed.out
    row = json.loads((folder / "history.json").read_text(encoding="utf-8"))["epochs"][0]
    assert row["bits_per_character"] < math.log2(row["perplexity"])  # there are fewer of them than characters
    status, printed = generate(folder, "--start", "Alice, said the c")
    assert (status, printed.err) == (0, "")
    assert printed.out.startswith("Alice, said the c")
    assert load_tokenizer(folder, "text").kind == "subword"


def test_a_column_of_a_table_in_another_encoding(tmp_path, capsys):
    path = tmp_path / "talk.tsv"
    path.write_text("\n".join(f"{n}\t질문 {n % 9}\t답 {n} 입니다" for n in range(400)), encoding="euc-kr")
    options = ["--column", "2", "--encoding", "euc-kr", "--tokens", "char", "--jamo"]
    assert main(["train", "lm", str(path), *options, "--out", str(tmp_path / "run"), *_SMALL]) == 0
    assert "질" not in load_tokenizer(tmp_path / "run", "text").decode(range(4, 20))
    capsys.readouterr()
    assert main(["generate", str(tmp_path / "run"), "--start", "답 7", "--length", "5"]) == 0
    assert capsys.readouterr().out.startswith("답 7")


@pytest.mark.parametrize(
    ("options", "config"),
    [
        (
            "--cell gru --layers 2 --tied --dropout 0.1",
            {"cell": "gru", "layers": 2, "tied": True, "dropout_ratio": 0.1},
        ),
        ("--cell rnn --wordvec 3", {"cell": "rnn", "layers": 1, "wordvec_size": 3, "hidden_size": 4}),
        ("--layers 3", {"cell": "lstm", "layers": 3, "tied": False, "dropout_ratio": 0.0, "wordvec_size": 4}),
    ],
)
def test_a_model_of_ones_own(train, generate, options, config):
    folder, printed = train(_SPOKEN, *options.split())
    model, _ = load_model(folder / "model.npz")
    assert type(model).__name__ == "StackedRnnlm"
    assert model.config | config == model.config
    assert f"{config['layers']} x {config['cell'].upper()}" in printed.out
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert history["settings"]["lr"] == {"lstm": 20, "gru": 5, "rnn": 2}[config["cell"]]
    assert generate(folder, "--start", "the cat", "--top-k", "3")[0] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--model better --cell gru", "--model better is the book's, --cell is for a model of your own"),
        ("--tied --wordvec 3", "--wordvec is 3, expected --hidden = 4 with --tied"),
        ("--tokens char --column 2 --format lines", "column is 2 with format 'lines'"),
    ],
)
def test_options_that_do_not_go_together(options, said, tmp_path, capsys):
    (tmp_path / "own.txt").write_text(_SPOKEN, encoding="utf-8")
    words = ["train", "lm", str(tmp_path / "own.txt"), "--out", str(tmp_path / "run"), *_SMALL, *options.split()]
    assert main(words) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_share_of_unknown_words_stands_beside_every_perplexity(train):
    folder, printed = train(_korean())
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
    assert "--tokens char" in printed.err
    assert printed.err.count("\n") == 1


def _number(line, after):
    return line.partition(f"{after} ")[2].split()[0]


def test_an_ordinary_text_gets_no_warning(train):
    _, printed = train(_SPOKEN)
    assert printed.err == ""
    assert "(0 % <unk>)" in printed.out


def test_an_example_is_written_after_every_epoch(train):
    _, printed = train(_SPOKEN, "--epochs", "2")
    lines = printed.out.splitlines()
    examples = [lines[k + 1] for k, line in enumerate(lines) if line.startswith("epoch ")]
    assert len(examples) == 2
    for example in examples:
        assert example.startswith("   ")
        assert set(example) <= set(_SPOKEN.lower())
    command = shlex.split(printed.out.rpartition("try:")[2])
    assert main(command[1:]) == 0


def test_a_text_may_begin_with_the_end_of_a_line(train):
    folder, printed = train("12 3, 4\n" * 200)
    assert printed.out.endswith(f"generate {folder} --start '<eos>'\n")
    assert main(["generate", str(folder), "--start", "<eos>"]) == 0


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

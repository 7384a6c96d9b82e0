"""fasts2s train lm and generate: words, subwords, characters, unknown ones, the learning rate, how text is chosen."""

import json
import math
import random
import shlex

import numpy as np
import pytest

from fasts2s.cli import main
from fasts2s.commands import train_lm
from fasts2s.generation import sample
from fasts2s.models import Rnnlm, load_model, save_model
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


def _trained(folder, capsys, text, *options):
    path = folder / "own.txt"
    path.write_text(text, encoding="utf-8")
    if capsys is not None:
        capsys.readouterr()
    assert main(["train", "lm", str(path), "--out", str(folder / "run"), *_SMALL, *options]) == 0
    return folder / "run", capsys and capsys.readouterr()


@pytest.fixture
def train(tmp_path, capsys):
    """Return train(text, *options): the folder of a model and what was printed."""
    return lambda text, *options: _trained(tmp_path, capsys, text, *options)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Return the folder of a model of words."""
    return _trained(tmp_path_factory.mktemp("spoken"), None, _SPOKEN)[0]


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


def _korean():
    """Return sentences whose every third word has an ending that it has nowhere else."""
    return "\n".join(f"고양이가 {chr(0xAC00 + 7 * n)}{chr(0xC000 + n)} 갑니다" for n in range(160))


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
def test_a_prompt_is_cut_like_the_text(spoken, generate, start, shown):
    status, printed = generate(spoken, "--start", start, "--skip", "(yet)!")
    assert (status, printed.err) == (0, "")
    assert printed.out.startswith(shown)
    assert set("(!") & set(printed.out.removeprefix(shown)) == set()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--start", "alice, xyzzy"], "the model does not know the word 'xyzzy' of --start"),
        (["--start", "  "], "--start is '  ', expected at least one word"),
        (["--start", "alice", "--skip", "the", "foo"], "does not know the word 'foo' of --skip"),
        (["--start", "alice", "--ban", "foo"], "does not know the word 'foo' of --ban"),
        (["--start", "alice", "--stop", "bar"], "does not know the word 'bar' of --stop"),
        (["--start", "alice", "--stop", "cat,"], "--stop is 'cat,', which is 'cat', ',', expected one word"),
    ],
)
def test_what_the_model_cannot_read_is_named(spoken, generate, options, said):
    status, printed = generate(spoken, *options)
    assert (status, printed.out) == (1, "")
    assert said in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("level", "start"), [({}, "B a,"), ({"level": "word"}, "<eos> b"), ({"level": "char"}, "ba")]
)
def test_folders_of_former_versions_write_what_they_wrote(level, start, tmp_path, generate):
    words = ["a", "b", ",", "<eos>", "<unk>"]
    np.random.seed(4)
    model = Rnnlm(5, 3, 4, backend="numpy")
    model.params[-1][...] = np.random.randn(5)
    save_model(tmp_path / "model.npz", model, {"task": "lm", "words": words, **level})
    ids = [words.index(word) for word in (start if "level" in level and level["level"] == "char" else _OLD[start])]
    state = None
    for i in ids[:-1]:
        _, state = model.step(np.array([i]), state)
    (drawn,) = sample(model.step, state, np.array([ids[-1]]), 8, rng=1, skip_ids=[1, 4])
    status, printed = generate(tmp_path, "--start", start, "--skip", "b")
    assert (status, printed.err) == (0, "")
    shown = "".join(words[i] for i in [*ids, *drawn]).replace("<eos>", "\n")
    assert "".join(printed.out.split(" ")).removesuffix("\n") == shown.removesuffix("\n")


_OLD = {"B a,": ["b", "a", ","], "<eos> b": ["<eos>", "b"]}


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
        ("--cell rnn --wordvec 3 --lr 1", {"cell": "rnn", "layers": 1, "wordvec_size": 3, "hidden_size": 4}),
        ("--layers 3", {"cell": "lstm", "layers": 3, "tied": False, "dropout_ratio": 0.0, "wordvec_size": 4}),
    ],
)
def test_a_model_of_ones_own(train, generate, options, config):
    folder, printed = train(_SPOKEN, *options.split())
    model, _ = load_model(folder / "model.npz")
    assert type(model).__name__ == "StackedRnnlm"
    assert model.config | config == model.config
    assert f"{config['layers']} x {config['cell'].upper()}" in printed.out
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


def test_a_text_of_several_words_is_read_before_the_first_is_written(spoken, generate):
    model, _ = load_model(spoken / "model.npz")
    tokenizer = load_tokenizer(spoken, "text")
    for start in ("alice", "the cat's", "alice, said the cat, don't"):
        model.reset_state()
        scores = model.predict(np.array([tokenizer.encode(start)]))[0, -1]
        scores[:3] = -np.inf  # marks
        best = tokenizer.decode([*tokenizer.encode(start), int(scores.argmax())])
        assert generate(spoken, "--start", start, "--temperature", "0", "--length", "1")[1].out == f"{best}\n"


def test_texts_are_chosen_with_all_options(spoken, generate):
    def written(*options):
        status, printed = generate(spoken, "--start", "alice", *options)
        assert (status, printed.err) == (0, "")
        return printed.out.removesuffix("\n")

    assert written() == written() != written("--seed", "2")
    assert not set(",!") & set(written("--ban", ",", "!", "--length", "60"))  # also those after a blank
    words = written("--temperature", "0", "--no-repeat-ngram", "1", "--length", "9").replace(",", " ,").split()
    assert len(words) == len(set(words))
    assert written("--temperature", "0") == written("--beam", "1", "--temperature", "0") == written("--top-k", "1")
    assert written("--top-p", "0.001") == written("--temperature", "0")
    several = written("--beam", "4", "--nbest", "3", "--length", "5").split("\n\n")
    scores = [float(text.partition("\n")[0].removeprefix("log-probability ")) for text in several]
    assert scores == sorted(scores, reverse=True)
    assert len({text.partition("\n")[2] for text in several}) == 3
    assert len(written("--nbest", "2").split("\n\n")) == 2  # drawn
    stopped = written("--stop", ".", "--max-length", "60")
    assert stopped.endswith(".")
    assert stopped.count(".") == 1
    assert written("--stop", "<eos>", "--min-length", "20", "--length", "20").count("\n") == 0


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

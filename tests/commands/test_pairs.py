"""train pairs, evaluate, ask and chat: from a file of text to a model that is asked."""

import io
import json

import numpy as np
import pytest

from fasts2s.cli import main
from fasts2s.commands.chat import Chat
from fasts2s.generation import GenerationOptions
from fasts2s.text_to_text import TextToText

WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
SHORT = ["--hidden", "48", "--wordvec", "32", "--dropout", "0", "--lr", "0.01", "--seed", "3"]


def _pairs():
    """Return sources of three words and their words from the last to the first, in capitals."""
    rng = np.random.default_rng(0)
    rows = {tuple(rng.choice(WORDS, 3)) for _ in range(220)}
    return [f"{' '.join(row)}\t{' '.join(word.upper() for word in reversed(row))}" for row in sorted(rows)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with pairs.tsv, and a model trained on it in run."""
    made = tmp_path_factory.mktemp("pairs")
    (made / "pairs.tsv").write_text("\n".join(_pairs()) + "\n", encoding="utf-8")
    options = [*SHORT, "--epochs", "14", "--batch-size", "16", "--validation", "0.2", "--test", "0.1"]
    assert main(["train", "pairs", str(made / "pairs.tsv"), "--out", str(made / "run"), *options]) == 0
    return made


def test_training_leaves_a_model_a_history_and_a_curve(folder):
    names = {path.name for path in (folder / "run").iterdir()}
    assert names >= {"model.npz", "history.json", "curve.png", "source.tokenizer.json", "target.tokenizer.json"}
    history = json.loads((folder / "run" / "history.json").read_text(encoding="utf-8"))
    epochs = history["epochs"]
    assert epochs[-1]["perplexity"] < 1.5 < epochs[0]["perplexity"]
    assert epochs[-1]["exact"] > 0.5
    assert history["test"]["exact"] > 0.5
    assert sum(history["pairs"].values()) == len(_pairs())


def test_questions_are_answered(folder, capsys):
    run = str(folder / "run")
    assert main(["ask", run, "two five one", "one two three"]) == 0
    assert capsys.readouterr().out == "ONE FIVE TWO\nTHREE TWO ONE\n"
    assert main(["ask", run, "two five one", "--beam", "4", "--nbest", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    chances = [float(line.split("  ")[0]) for line in lines]
    assert len(lines) == 3
    assert chances == sorted(chances, reverse=True)
    assert lines[0].endswith("  ONE FIVE TWO")


def test_constraints_of_the_command_line(folder, capsys):
    run = str(folder / "run")
    assert main(["ask", run, "two five one", "--prefix", "SIX", "--ban", "FIVE", "--max-length", "3"]) == 0
    said = capsys.readouterr().out.split()
    assert said[0] == "SIX"
    assert len(said) <= 3
    assert "FIVE" not in said
    assert main(["ask", run, "two", "--ban", "ELEVEN"]) == 1
    assert "the model does not know the word 'ELEVEN' of --ban" in capsys.readouterr().err


def test_seeds_repeat_what_is_drawn(folder, capsys):
    said = []
    for seed in ("1", "1", "2"):
        main(["ask", str(folder / "run"), "two five one", "--temperature", "3", "--seed", seed])
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]


def test_lines_of_standard_input(folder, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("two five one\none one two\n"))
    assert main(["ask", str(folder / "run")]) == 0
    assert capsys.readouterr().out == "ONE FIVE TWO\nTWO ONE ONE\n"


def test_a_map_of_the_attention(folder, capsys, tmp_path):
    path = tmp_path / "map.png"
    assert main(["ask", str(folder / "run"), "two five one", "--attention-map", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    whole = TextToText.load(folder / "run")
    ((said,),) = whole.answers(["two five one"], GenerationOptions(attention=True))
    assert said.asked == ["two", "five", "one"]
    assert said.words == ["ONE", "FIVE", "TWO"]
    assert said.attention is not None
    assert said.attention.shape == (4, 4)
    np.testing.assert_allclose(said.attention.sum(axis=1), 1, atol=1e-5)


def test_evaluation_prints_all_scores(folder, capsys):
    assert main(["evaluate", str(folder / "run"), str(folder / "pairs.tsv"), "--examples", "2"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("perplexity", "exact", "right symbols"))
    assert said.count(" = ") == 2


def test_a_conversation(folder, capsys, monkeypatch):
    lines = ["two five one", "", "/beam 3", "two five one", "/temperature x", "/history", "/quit", "never read"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))
    assert main(["chat", str(folder / "run")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == ["ONE FIVE TWO", "beam 3", "ONE FIVE TWO"]
    assert "'x' is not a finite number >= 0" in said[3]
    assert said[4:] == ["> two five one", "ONE FIVE TWO"] * 2


def test_commands_of_a_conversation(folder):
    talk = Chat(TextToText.load(folder / "run"), GenerationOptions(beam=2, nbest=2), False)
    assert len(str(talk.reply("two five one")).splitlines()) == 2
    assert talk.reply("/temperature 0.5") == "temperature 0.5"
    assert talk.options.temperature == 0.5
    assert talk.reply("/beam 2") == "beam 2"
    assert (talk.options.beam, talk.options.temperature) == (2, 0.0)
    assert "there is no /foo" in str(talk.reply("/foo"))
    assert talk.reply("/quit") is None


def test_unknown_words_become_words_of_the_source(folder):
    whole = TextToText.load(folder / "run")
    options = GenerationOptions(prefix=[1], max_length=2)
    ((said,),) = whole.answers(["two zebra one"], options, replace_unk=True)
    assert said.text.split()[0] in {"two", "zebra", "one"}
    assert "<unk>" not in said.text


def test_answers_do_not_depend_on_their_neighbours(folder):
    whole = TextToText.load(folder / "run")
    sources = [line.split("\t")[0] for line in _pairs()[:40]] + ["two", "one two three four five six"]
    together = [said[0].text for said in whole.answers(sources)]
    assert together == [whole.answers([source])[0][0].text for source in sources]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["missing.tsv"], "missing.tsv"),
        (["pairs.tsv", "--cell", "gru", "--bidirectional", "--hidden", "9"], "hidden_size is 9, expected an even"),
        (["pairs.tsv", "--validation", "0"], "0 to measure with, expected at least one of each"),
        (["pairs.tsv", "--format", "jsonl"], "line 1"),
        (["pairs.tsv", "--max-length", "1"], "max_source is 1"),
        (["pairs.tsv", "--tokens", "char", "--lower"], "lower is True with kind 'char'"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_line(options, said, folder, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(folder)
    assert main(["train", "pairs", *options, "--out", str(tmp_path / "new")]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_a_folder_without_a_model_of_pairs(tmp_path, capsys):
    for command in (["chat", str(tmp_path)], ["evaluate", str(tmp_path), "x.tsv"], ["ask", str(tmp_path), "x"]):
        assert main(command) == 1
        assert "train one with fasts2s train" in capsys.readouterr().err


@pytest.mark.parametrize("tokens", ["char", "word"])
def test_every_option_of_the_model_reaches_it(tokens, folder, tmp_path):
    options = (
        "--cell gru --layers 2 --residual --dropout 0.1 --variational --bidirectional --bridge h --decoder plain"
    )
    options += " --attention additive --input-feeding --tied --label-smoothing 0.1 --scheduled-sampling 0.1"
    options += " --hidden 8 --wordvec 8 --epochs 1 --batch-size 64 --shared-vocabulary --min-count 2 --vocabulary 40"
    out = tmp_path / "run"
    words = ["train", "pairs", str(folder / "pairs.tsv"), "--tokens", tokens, "--out", str(out), *options.split()]
    assert main(words) == 0
    settings = TextToText.load(out).model.settings
    assert settings.source_size == settings.target_size
    wanted = {"cell": "gru", "layers": 2, "dropout": 0.1, "bridge": "h", "decoder": "plain", "attention": "additive"}
    assert {name: getattr(settings, name) for name in wanted} == wanted
    assert all(
        getattr(settings, name) for name in ("residual", "variational", "bidirectional", "input_feeding", "tied")
    )
    assert not (out / "target.tokenizer.json").exists()

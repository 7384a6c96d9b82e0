"""`fasts2s convert`: every format, and what is refused."""

import importlib.util
import sys

import numpy as np
import pytest

from fasts2s.checkpoint import load_book_pickle
from fasts2s.cli import main
from fasts2s.commands.convert_parser import _MODELS
from fasts2s.exchange._params import NAMES
from fasts2s.models import load_model, save_model
from tests.exchange.test_params import LANGUAGE, PAIRS

with_safetensors = pytest.mark.skipif(
    importlib.util.find_spec("safetensors") is None, reason="safetensors is not installed"
)
with_onnx = pytest.mark.skipif(importlib.util.find_spec("onnx") is None, reason="onnx is not installed")

with_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        status = main(["convert", *map(str, words)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def test_the_command_names_all_models():
    assert list(NAMES) == list(_MODELS)


@with_safetensors
def test_there_and_back_nothing_is_lost(run, tmp_path):
    model = LANGUAGE["BetterRnnlm"]()
    (tmp_path / "run").mkdir()
    save_model(tmp_path / "run" / "model.npz", model, {"words": ["a"]})
    status, said, _ = run("run", "m.safetensors")
    assert (status, said.count("\n"), said[:13]) == (0, 1, "BetterRnnlm, ")
    assert run("m.safetensors", "back.npz")[0] == 0
    back, extra = load_model("back.npz")
    assert extra == {"words": ["a"]}
    for a, b in zip(model.params, back.params, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_pickle_of_the_book(run):
    PAIRS["PeekySeq2seq"]().save_params("book.pkl")
    assert run("book.pkl", "m.npz")[1].startswith("PeekySeq2seq, ")
    assert run("book.pkl", "m.npz", "--overwrite", "--model", "peeky-seq2seq")[0] == 0
    assert run("m.npz", "again.pkl")[0] == 0
    status, said, error = run("book.pkl", "other.npz", "--model", "rnnlm")
    assert (status, said) == (1, "")
    assert "expected those of rnnlm" in error


def test_what_a_pickle_does_not_say(run):
    PAIRS["AttentionSeq2seq"]().save_params("book.pkl")
    assert run("book.pkl", "m.npz", "--reverse", "--pad-id", 2)[0] == 0
    config = load_model("m.npz")[0].config
    assert (config["reverse"], config["pad_id"]) == (True, 2)
    assert run("book.pkl", "n.npz", "--pad-id", 11)[2].startswith("fasts2s: pad_id is 11, expected an id of")
    for options in (("--reverse",), ("--pad-id", 0)):
        status, _, error = run("m.npz", "n.npz", *options)
        said = " ".join(map(str, options))
        assert (status, error) == (1, f"fasts2s: {said}: m.npz says itself what it holds: leave it out\n")
    LANGUAGE["Rnnlm"]().save_params("lm.pkl")
    assert "a Rnnlm reads no source" in run("lm.pkl", "n.npz", "--reverse")[2]


@with_safetensors
@pytest.mark.parametrize("name", ["Rnnlm", "AttentionSeq2seq"])
def test_the_books_own_pickles_there_and_back(name, run, book_data):
    book = book_data / f"{name}.pkl"
    if not book.exists():
        pytest.skip(f"there is no {book}")
    assert run(book, "m.safetensors")[1].startswith(f"{name}, ")
    assert run("m.safetensors", "again.pkl")[0] == 0
    for a, b in zip(load_book_pickle(book), load_book_pickle("again.pkl"), strict=True):
        assert a.tobytes() == b.tobytes()


@with_torch
def test_a_state_dict_there_and_back(run):
    save_model("m.npz", PAIRS["AttentionSeq2seq"](), {"words": ["a"]})
    assert run("m.npz", "m.pt")[1].endswith("wrote m.pt\n")
    assert run("m.pt", "n.npz")[0] == 0
    (model, _), (back, extra) = load_model("m.npz"), load_model("n.npz")
    assert extra == {"words": ["a"]}
    for a, b in zip(model.params, back.params, strict=True):
        np.testing.assert_array_equal(a, b)
    assert "says itself what it holds" in run("m.pt", "o.npz", "--reverse")[2]


def test_without_pytorch_the_command_that_installs_it_is_named(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    save_model("m.npz", LANGUAGE["Rnnlm"]())
    (tmp_path / "a.pt").write_bytes(b"")
    for words in (("m.npz", "m.pt"), ("a.pt", "n.npz")):
        status, said, error = run(*words)
        assert (status, said, error.count("\n")) == (1, "", 1)
        assert "by the library torch, which cannot be imported" in error
        assert "pip install 'fasts2s[peers]'" in error
    assert not (tmp_path / "m.pt").exists()


@with_onnx
def test_an_encoder_and_a_step_are_two_files(run, tmp_path):
    save_model("m.npz", PAIRS["Seq2seq"](), {"words": []})
    assert run("m.npz", "m.onnx")[1].endswith("wrote m.encoder.onnx and m.step.onnx; the vocabulary is not in it\n")
    status, _, error = run("m.npz", "m.onnx")
    assert status == 1
    assert "m.encoder.onnx is there already" in error
    assert run("m.npz", "m.onnx", "--overwrite")[0] == 0


def test_what_is_wrong_is_said_in_one_line(run, tmp_path):
    save_model("m.npz", LANGUAGE["Rnnlm"]())
    before = (tmp_path / "m.npz").read_bytes()
    for words, said in (
        (("m.npz", "m.txt"), "expected a file that ends with"),
        (("m.h5", "m.npz"), "expected a folder that train wrote"),
        (("none.npz", "m.pkl"), "there is no file"),
        (("m.npz", "m.npz", "--overwrite"), "is what is read"),
        (("m.npz", "n.pkl", "--model", "rnnlm"), "leave it out"),
    ):
        status, out, error = run(*words)
        assert (status, out, error.count("\n")) == (1, "", 1), words
        assert said in error
    assert (tmp_path / "m.npz").read_bytes() == before

"""What no command can do is said in one line that names it: no traceback, no option that does not exist."""

import argparse
import gzip
import io
import json
import os
import re
import shlex

import numpy as np
import pytest

from fasts2s.backend import get_backend
from fasts2s.cli import main, make_parser
from fasts2s.commands import sizes
from fasts2s.commands.run_folder import write_history
from fasts2s.models import PeekySeq2seq, Rnnlm, save_model

_FILES = {
    "empty.txt": b"",
    "blank.txt": b" \n\n",
    "binary.dat": bytes(range(256)) * 20,
    "cut.gz": gzip.compress(b"a b c\n" * 90)[:-9],
    "tiny.txt": b"a b c\n",
    "one.txt": b"1+1_2 \n",
    "other.txt": b"1+1=2 \n",
    "model/model.npz": b"no archive",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, content in _FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _options(parser):
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from _options(one)


def _said(capsys, *arguments):
    """Return the line on stderr, after a look at its form."""
    status = main(arguments)
    printed = capsys.readouterr()
    assert (status, printed.out) == (1, "")
    assert printed.err.startswith("fasts2s: ")
    assert printed.err.count("\n") == 1
    assert set(re.findall(r"(?<!\w)--[\w-]+", printed.err)) <= set(_options(make_parser()))
    assert not re.search(r"\b(mark|nonfinite|level)=|_fraction|load_text|\[Errno|codec", printed.err), printed.err
    return printed.err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("train lm empty.txt", "empty.txt has no text"),
        ("train lm blank.txt", "blank.txt has no text"),
        ("train lm binary.dat", "binary.dat, line 3: byte 0x80 is no UTF-8"),
        ("train lm cut.gz", "damaged gzip data"),
        ("train lm folder", "folder is a folder, expected a text file"),
        ("train lm folder/none.txt", "no file 'folder/none.txt'"),
        ("train lm tiny.txt", "--batch-size"),
        ("train lm tiny.txt --level char", "characters to train on"),
        ("train addition --data folder", "folder is a folder, expected a text file"),
        ("train addition --data empty.txt", "empty.txt is empty"),
        ("train addition --data binary.dat", "no UTF-8"),
        ("train addition --data other.txt", "no mark '_'"),
        ("train addition --data one.txt", "--batch-size"),
        ("train addition --out one.txt", "one.txt"),
        ("train addition --out one.txt/x", "one.txt"),
        ("train date --batch-size 999999999", "--batch-size = 999999999"),
        ("train lm --batch-size 999999999", "--batch-size"),
        ("train lm --time-size 999999999", "--time-size"),
        ("ask folder 1", "there is no folder/model.npz"),
        ("ask one.txt 1", "there is no one.txt/model.npz"),
        ("ask model 1", "model.npz"),
        ("generate folder --start a", "there is no folder/model.npz"),
        ("generate model --start a", "model.npz"),
        ("bench compare empty.txt binary.dat", "empty.txt is not JSON"),
        ("warmup --backend foo", "'foo', expected one of"),
    ],
)
def test_files(folder, command, said, capsys):
    assert said in _said(capsys, *shlex.split(command))


_HUGE = [
    "train addition --hidden 999999999",
    "train addition --wordvec 999999999",
    "train date --hidden 2147483647 --wordvec 2147483647",
    "train lm --hidden 999999999",
    "train lm --model better --hidden 999999999",
    "train lm --level char --hidden 2147483647",
]


@pytest.mark.parametrize("command", _HUGE)
def test_sizes_beyond_the_machine(folder, command, capsys):
    said = _said(capsys, *shlex.split(command))
    assert re.search(r"has [\d,]+ weights and takes [\d,]+ GB to train, this machine has [\d,]+ GB", said)
    assert not (folder / "runs").exists()


@pytest.mark.parametrize("command", _HUGE)
def test_sizes_where_the_system_does_not_tell_its_memory(folder, command, capsys, monkeypatch):
    def no_memory(*shape):
        # Not tried out: some systems promise any memory, and end the process that uses it.
        raise MemoryError(f"Unable to allocate an array with shape {shape}")

    monkeypatch.setattr(sizes, "machine_memory", lambda: None)
    monkeypatch.setattr(np.random, "randn", no_memory)
    assert re.search("not enough memory .* take smaller sizes|fits into no memory", _said(capsys, *command.split()))


def test_a_matrix_that_no_computer_can_address():
    with pytest.raises(ValueError, match="a matrix of 3 x 4611686018427387904 weights fits into no memory"):
        PeekySeq2seq(7, 3, 2**60)


@pytest.mark.parametrize("length", ["0", "1000001", "99999999999999999999"])
def test_lengths(length, capsys):
    with pytest.raises(SystemExit):
        main(["generate", "DIR", "--start", "a", "--length", length])
    assert f"'{length}' is not a whole number from 1 to 1000000" in capsys.readouterr().err


_FACTS = {"task": "addition", "characters": "01_+ ", "mark": "_", "question_length": 3, "answer_length": 2}


@pytest.mark.parametrize(
    "wrong", [{"characters": None}, {"characters": "01"}, {"mark": "x"}, {"mark": 7}, {"question_length": "3"}]
)
def test_a_model_file_without_what_ask_needs(folder, wrong, capsys):
    model = PeekySeq2seq(5, 2, 3, backend="numpy")
    save_model("folder/model.npz", model, _FACTS)
    assert main(["ask", "folder", "0+1"]) == 0
    capsys.readouterr()
    save_model("folder/model.npz", model, _FACTS | wrong)
    assert "does not come with its characters" in _said(capsys, "ask", "folder", "0+1")


@pytest.mark.parametrize("wrong", [{}, {"words": "abc"}, {"words": ["a"]}, {"words": ["a", "b", 3]}])
def test_a_model_file_without_what_generate_needs(folder, wrong, capsys):
    model = Rnnlm(3, 2, 2, backend="numpy")
    save_model("folder/model.npz", model, {"task": "lm", "words": ["a", "b", "c"]})
    assert main(["generate", "folder", "--start", "a", "--length", "2"]) == 0
    capsys.readouterr()
    save_model("folder/model.npz", model, {"task": "lm", **wrong})
    assert "does not come with its words" in _said(capsys, "generate", "folder", "--start", "a")


def test_questions_that_are_no_text(folder, capsys, monkeypatch):
    save_model("folder/model.npz", PeekySeq2seq(5, 2, 3, backend="numpy"), _FACTS)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff1\n"), encoding="utf-8"))
    assert "standard input: byte 0xff is no utf-8" in _said(capsys, "ask", "folder")


@pytest.mark.parametrize("temperature", ["1e-300", "1e-45", "1e300"])
def test_extreme_temperatures(folder, temperature, capsys):
    model = Rnnlm(3, 2, 2, backend="numpy")
    save_model("folder/model.npz", model, {"task": "lm", "words": ["a", "b", "c"]})
    command = ["generate", "folder", "--start", "a", "--length", "5", "--seed", "1", "--temperature", temperature]
    with np.errstate(all="raise"):
        assert main(command) == 0
    assert len(capsys.readouterr().out.split()) == 6


def test_nothing_left_to_choose(folder, capsys):
    model = Rnnlm(3, 2, 2, backend="numpy")
    save_model("folder/model.npz", model, {"task": "lm", "words": ["a", "b", "<unk>"]})
    assert "--skip leaves none" in _said(capsys, "generate", "folder", "--start", "a", "--skip", "a", "b")


def test_a_wrong_setting_is_no_fault_of_the_model_file(folder, capsys, monkeypatch):
    save_model("folder/model.npz", PeekySeq2seq(5, 2, 3, backend="numpy"), _FACTS)
    broken = get_backend("numpy")

    def kernels(_):
        raise ValueError("FASTS2S_NUM_THREADS is 'abc', expected a whole number >= 1")

    monkeypatch.setattr(type(broken), "kernels", kernels)
    assert _said(capsys, "ask", "folder", "1", "--backend", "numpy").startswith(
        "fasts2s: FASTS2S_NUM_THREADS is 'abc'"
    )


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_names_of_files_that_are_no_text(folder):
    name = os.fsdecode(b"own\xff.txt")
    write_history(folder, {"settings": {"text": name}})
    assert json.loads((folder / "history.json").read_text(encoding="utf-8"))["settings"]["text"] == name

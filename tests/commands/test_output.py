"""Streams that cannot hold what is printed, or that nobody reads: nothing learned is lost."""

import io
import json
import os
import subprocess
import sys

import pytest

from fasts2s.cli import main
from fasts2s.commands import output, training_run
from fasts2s.commands.output import Beside, complain, fit_output, fitting, to_be_typed
from fasts2s.commands.progress import progress_bar
from fasts2s.models import load_model
from fasts2s.sequence import addition_lines
from tests.fresh_python import ROOT

START = "import sys; from fasts2s.cli import main; sys.exit(main())"
SMALL = ["--hidden", "8", "--wordvec", "4", "--batch-size", "50"]
NEEDS_PIPES = pytest.mark.skipif(os.name == "nt", reason="pipes as a shell of POSIX makes them")


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("the cat and the dog .\n" * 300, encoding="utf-8")
    return [str(path), "--hidden", "4", "--batch-size", "5", "--time-size", "9"]


@pytest.fixture
def exercises(tmp_path):
    path = tmp_path / "few.txt"
    path.write_text("\n".join(addition_lines(1000, seed=5)) + "\n", encoding="utf-8")
    return ["--data", str(path), *SMALL]


def _start(arguments, *, stdout=subprocess.PIPE, **environment):
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    command = [sys.executable, "-c", START, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": path, "FASTS2S_BACKEND": "numpy", **environment}
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, env=environment)


def _run(arguments, **environment):
    with _start(arguments, **environment) as process:
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err.decode()


def _epochs(folder):
    return json.loads((folder / "history.json").read_text(encoding="utf-8"))["epochs"]


@pytest.mark.parametrize("encoding", ["cp949", "cp932", "ascii", "cp437"])
def test_a_training_is_printed_in_every_encoding(encoding, tmp_path, exercises):
    folder = tmp_path / "run"
    arguments = ["train", "addition", "--epochs", "2", "--out", folder, *exercises]
    status, out, err = _run(arguments, PYTHONIOENCODING=encoding)
    assert status == 0, err
    lines = out.decode(encoding).splitlines()
    assert sum(line.startswith("epoch ") for line in lines) == 2
    (first,) = (line for line in lines if line.startswith("   1 |"))
    assert set(first[6 : first.rindex("|")]) <= set("█·" if encoding == "cp437" else "#.")
    assert any(line.endswith(" ok") or " no (" in line for line in lines)
    assert err == ""
    assert len(_epochs(folder)) == 2


def test_what_a_utf8_stream_holds_is_printed_as_it_is(tmp_path, exercises):
    arguments = ["train", "addition", "--epochs", "1", "--out", tmp_path / "run", *exercises]
    out = _run(arguments, PYTHONIOENCODING="utf-8")[1].decode()
    assert "·|" in out
    assert "☑" in out or "☒ (" in out


def test_an_error_handler_that_was_asked_for_is_kept(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    monkeypatch.setattr(sys, "stdout", stream)
    with fit_output():
        sys.stdout.write("가 あ\n")
    assert stream.buffer.getvalue().split() == [b"?", b"?"]
    assert stream.errors == "replace"


@pytest.mark.parametrize("encoding", ["ascii", "cp949", "cp932", "gbk", "latin-1", "utf-8"])
def test_every_character_can_be_printed(encoding, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    text = "☑ \xd7 \xb5 \xb1 가 あ ü € 𝄞 \udcff"
    with fit_output():
        sys.stdout.write(f"{text}\n")
        shown = stream.buffer.getvalue()  # at the end of the line, not of the block
    assert shown.endswith(os.linesep.encode())
    assert b"\xff" in shown  # a byte of a name comes out as it is
    if encoding == "ascii":
        assert shown.split()[:5] == [b"\\u2611", b"x", b"u", b"+-", b"\\uac00"]
    if encoding == "utf-8":
        assert shown.startswith(text[:-1].encode())
    assert (stream.errors, stream.line_buffering) == ("strict", False)


def test_all_of_a_choice_fits_or_none_is_taken(monkeypatch):
    for encoding, taken in (("cp949", "#."), ("ascii", "#."), ("utf-8", "█·")):
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
        assert "".join(fitting(("█", "·"), ("#", "."))) == taken  # cp949 has the dot alone
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert fitting("█", "#") == "█"


@NEEDS_PIPES
@pytest.mark.parametrize("task", ["addition", "lm"])
def test_a_closed_pipe_ends_a_training_with_what_is_there(task, tmp_path, exercises, words):
    folder = tmp_path / "run"
    options = exercises if task == "addition" else words
    process = _start(["train", task, *options, "--epochs", "50", "--out", folder])
    assert process.stdout.readline()  # as head -1 does
    process.stdout.close()
    err = process.stderr.read().decode()
    assert process.wait(timeout=120) == 141
    process.stderr.close()
    assert err == ""
    assert len(_epochs(folder)) == 1
    assert load_model(folder / "model.npz")[1]["epoch"] == 1
    assert (folder / "curve.png").exists()


@NEEDS_PIPES
@pytest.mark.parametrize("command", ["info", "ask", "generate", "warmup", "help"])
def test_a_closed_pipe_ends_every_command_quietly(command, tmp_path, exercises, words):
    folder = tmp_path / "run"
    arguments = {"ask": ["ask", folder, *["1+1"] * 3], "generate": ["generate", folder, "--start", "the"]}
    if command == "ask":
        assert main(["train", "addition", "--epochs", "1", "--out", str(folder), *exercises]) == 0
    if command == "generate":
        assert main(["train", "lm", *words, "--epochs", "1", "--out", str(folder)]) == 0
    read, write = os.pipe()
    os.close(read)  # nobody reads from the beginning
    process = _start(arguments.get(command, ["--help" if command == "help" else command]), stdout=write)
    os.close(write)
    err = process.communicate(timeout=120)[1].decode()
    assert err == ""
    assert process.returncode in ({0, 141} if command == "help" else {141})  # some argparse keep it to themselves


@NEEDS_PIPES
def test_a_log_that_cannot_be_written_does_not_end_the_training(tmp_path, exercises, capfd, monkeypatch):
    class Full(io.RawIOBase):
        """A log on a disk that is full from the second line on."""

        lines = 0

        def writable(self):
            return True

        def write(self, data):
            self.lines += 1
            if self.lines > 1:
                raise OSError(28, "No space left on device")
            return len(data)

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(Full()), encoding="utf-8"))
    folder = tmp_path / "run"
    status = main(["train", "addition", "--epochs", "3", "--out", str(folder), *exercises])
    sys.stdout.buffer.raw.lines = -100
    assert status == 1  # the summary could not be printed
    assert len(_epochs(folder)) == 3
    warned, failed = capfd.readouterr().err.splitlines()
    assert warned.startswith("fasts2s: warning: printing failed, the rest goes on (OSError")
    assert failed == "fasts2s: [Errno 28] No space left on device"


class _Broken:
    """A terminal that was taken away."""

    encoding = "utf-8"

    def isatty(self):
        return True

    def write(self, text):
        raise OSError(5, "Input/output error")

    flush = fileno = lambda self: self.write("")


@pytest.mark.parametrize("stream", [_Broken(), None])
def test_a_lost_terminal_does_not_end_the_training(stream, tmp_path, exercises, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    folder = tmp_path / "run"
    assert main(["train", "addition", "--epochs", "2", "--out", str(folder), *exercises]) == 0
    assert len(_epochs(folder)) == 2


def test_a_progress_bar_that_fails_is_said_once(monkeypatch, capsys):
    monkeypatch.setattr("tqdm.tqdm.update", lambda *_: 1 / 0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress_bar(3, "epoch 1") as advance:
        for _ in range(3):
            advance()
    assert capsys.readouterr().err.count("the progress bar failed") == 1


def test_announcing_the_compiler_to_nobody_is_no_error(monkeypatch):
    jit = pytest.importorskip("fasts2s_kernels.cpu.jit")
    monkeypatch.setattr(jit, "_announced", False)
    monkeypatch.setattr(sys, "stderr", _Broken())
    jit._announce()
    assert jit._announced


def test_what_fails_beside_the_work_is_said_once_and_interrupts_go_through(capsys):
    beside = Beside("drawing")
    for _ in range(2):
        with beside:
            raise ValueError("one\ntwo")
    assert capsys.readouterr().err == "fasts2s: warning: drawing failed, the rest goes on (ValueError: one two)\n"
    with pytest.raises(KeyboardInterrupt), beside:
        raise KeyboardInterrupt
    with pytest.raises(ZeroDivisionError), Beside("printing", (OSError, ValueError)):
        raise ZeroDivisionError


def test_complaints_never_go_to_standard_output(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    complain("lost")
    assert capsys.readouterr().out == ""


def test_an_epoch_is_saved_before_it_is_printed(tmp_path, exercises, monkeypatch, capsys):
    folder, seen = tmp_path / "run", []
    show = "fasts2s.commands.train_sequence._Run.show"
    monkeypatch.setattr(show, lambda run, row: seen.append((row["epoch"], len(_epochs(folder)))))
    assert main(["train", "addition", "--epochs", "2", "--out", str(folder), *exercises]) == 0
    assert seen == [(1, 1), (2, 2)]


def test_commands_to_be_typed_are_quoted_as_the_shell_wants_it(monkeypatch):
    words = ["fasts2s", "ask", "my runs/$5", "57+5", 'a "b"']
    monkeypatch.setattr(os, "name", "posix")
    assert to_be_typed(words) == """fasts2s ask 'my runs/$5' 57+5 'a "b"'"""
    monkeypatch.setattr(output.os, "name", "nt")
    assert to_be_typed(words) == r'fasts2s ask "my runs/$5" 57+5 "a \"b\""'


def test_the_command_to_try_can_be_typed(tmp_path, exercises, capsys, monkeypatch):
    monkeypatch.setattr(training_run.shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "my bin" / "fasts2s")])
    folder = tmp_path / "my runs" / "it's"
    assert main(["train", "addition", "--epochs", "1", "--out", str(folder), *exercises]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("try:"))
    if os.name != "nt":
        shown = subprocess.run(["sh", "-c", f"printf '%s\\n' {line[4:]}"], capture_output=True, text=True, check=True)
        program, command, where, question = shown.stdout.splitlines()
        assert [program, command, where] == [str(tmp_path / "my bin" / "fasts2s"), "ask", str(folder)]
        assert main([command, where, question]) == 0


@NEEDS_PIPES
def test_a_name_that_is_no_text_is_printed_and_kept(tmp_path, exercises):
    folder = tmp_path / os.fsdecode(b"run-\xff")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system wants text")
    arguments = ["train", "addition", "--epochs", "1", "--out", folder, *exercises]
    status, out, err = _run(arguments, PYTHONIOENCODING="utf-8")
    assert status == 0, err
    assert b"run-\xff/model.npz" in out
    kept = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert kept["settings"]["out"] == str(folder)

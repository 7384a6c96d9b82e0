"""One training at a time has a checkpoint: of two processes, threads or calls, a command or a program."""

import os
import subprocess
import sys

import pytest

from fasts2s.commands.errors import CommandError
from fasts2s.commands.folder_lock import CHECKPOINT, FolderLock
from fasts2s.resuming import ResumeError, fitting, lock
from fasts2s.resuming.lock import HeldError, Lock, lock_of
from tests.resuming.helpers import fit, made
from tests.resuming.test_fit import PROGRAM


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
def test_a_lock_whose_file_was_removed_is_not_taken(tmp_path, monkeypatch):
    path, take, tries = tmp_path / "lock", lock._lock, []
    first = Lock(path)

    def released_in_between(handle):
        tries.append(handle)
        if len(tries) == 1:
            first.release()  # after the file was opened, before it is locked
        take(handle)

    monkeypatch.setattr(lock, "_lock", released_in_between)
    second = Lock(path)
    assert len(tries) == 2
    with pytest.raises(HeldError):
        Lock(path)
    second.release()
    second.release()
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_locks_nothing(tmp_path, monkeypatch):
    def unknown(handle):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lock, "_lock", unknown)
    FolderLock(tmp_path).release()
    fit(made("seq2seq"), 1, checkpoint=tmp_path / "a.npz")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_of_two_calls_the_second_is_refused_and_the_first_goes_on(tmp_path, capsys):
    path, refused, trainer = tmp_path / "a.npz", [], made("seq2seq")

    def another(_):
        if not refused:
            with pytest.raises(ResumeError, match=r"another training is writing to .*a\.npz: wait for it") as caught:
                fit(made("seq2seq"), checkpoint=path)
            refused.append(caught.value)
            fit(made("seq2seq"), 1, checkpoint=tmp_path / "b.npz")  # another file of the same folder

    trainer.on_step = another
    fit(trainer, checkpoint=path)
    assert trainer.updates == 15 and len(refused) == 1
    fit(made("seq2seq"), checkpoint=path)
    assert not [one for one in tmp_path.iterdir() if one.suffix == ".lock"]


@pytest.mark.parametrize("wrong", [{"checkpoint_every": 0}, {}])
def test_a_call_that_is_refused_leaves_no_lock(wrong, tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"no checkpoint")
    with pytest.raises(ValueError, match=r"checkpoint_every|a\.npz"):
        fit(made("seq2seq"), checkpoint=path, **wrong)
    assert list(tmp_path.iterdir()) == [path]
    lock_of(path).release()


def test_a_command_and_a_program_do_not_share_a_checkpoint(tmp_path):
    path = tmp_path / CHECKPOINT
    folder = FolderLock(tmp_path)
    with pytest.raises(ResumeError, match="another training is writing to"):
        fit(made("seq2seq"), checkpoint=path)
    folder.release()
    program = lock_of(path)
    with pytest.raises(CommandError, match="another training is writing to"):
        FolderLock(tmp_path)
    program.release()
    FolderLock(tmp_path).release()
    assert list(tmp_path.iterdir()) == []


def test_of_two_processes_the_second_is_refused_by_name(tmp_path):
    path = tmp_path / "a.npz"
    command = [sys.executable, "-c", PROGRAM, str(path), *sys.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.stdout.readline() != "step\n":
            assert process.poll() is None
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert process.poll() is None
        process.kill()
        process.communicate()
    assert second.returncode == 1
    assert second.stderr.rstrip().endswith(
        f"ResumeError: another training is writing to {path}: wait for it, or give another checkpoint"
    )
    lock_of(path).release()  # the process that was killed has nothing any more


def test_where_no_lock_can_be_made_a_training_goes_on(tmp_path, monkeypatch):
    def read_only(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(fitting, "lock_of", read_only)
    trainer = made("seq2seq")
    fit(trainer, checkpoint=tmp_path / "a.npz")
    assert trainer.updates == 15

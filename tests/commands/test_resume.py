"""``fasts2s train --resume DIR``: runs that were stopped end as those that were not; what is refused, and how."""

import errno
import json
import os
import random
import signal
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.kill_campaign import Training, as_bytes, commands, compare, fits, killed, plain, whole
from fasts2s.checkpoint import atomic, load_arrays, previous_path, save_arrays
from fasts2s.cli import main
from fasts2s.commands import training_run
from fasts2s.commands.folder_lock import CHECKPOINT, FolderLock
from fasts2s.commands.run_log import read_log
from fasts2s.models import load_model
from fasts2s.resuming.lock import lock_of

STEPS = 6  # of an epoch of `sums`


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Small trainings by name: the arguments of their commands."""
    return commands(tmp_path_factory.mktemp("data"))


@pytest.fixture
def sums(data):
    return ["train", *data["seq2seq"], "--checkpoint-every", "1"]


def stop_after(monkeypatch, step, what):
    """Let a signal come, or an exception be raised, in this step of a run."""
    after, count = training_run.TrainingRun._after_step, [0]

    def stopping(run, number, is_asked):
        count[0] += 1
        if count[0] == step and isinstance(what, Exception):
            raise what
        after(run, number, is_asked)
        if count[0] == step:
            signal.raise_signal(what)

    monkeypatch.setattr(training_run.TrainingRun, "_after_step", stopping)


@pytest.fixture(autouse=True)
def _handlers():
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before:
        signal.signal(number, handler)


def end_of(folder):
    return Training("", None, 1).end(Path(folder))


@pytest.mark.parametrize(("name", "step"), [("seq2seq", 1), ("attention", 9), ("pairs", 12), ("lm", 2)])
def test_a_run_that_crashed_ends_as_one_that_did_not(name, step, data, tmp_path, monkeypatch, capsys):
    command = ["train", *data[name], "--checkpoint-every", "1", "--epochs", "2"]
    assert main([*command, "--out", str(tmp_path / "whole")]) == 0
    wanted, folder = end_of(tmp_path / "whole"), tmp_path / "run"
    with monkeypatch.context() as context:
        stop_after(context, step + 1, OverflowError("a crash"))
        assert main([*command, "--out", str(folder)]) == 1
    capsys.readouterr()
    assert main(["train", "--resume", str(folder)]) == 0
    printed = capsys.readouterr()
    assert "goes on after epoch" in printed.out and printed.err == ""
    compare(name, end_of(folder), wanted)
    last = read_log(folder)[-1]
    assert set(last) == {"step", "epoch", "loss", "lr", "norm", "labels_per_second"} and last["epoch"] == 2


@pytest.mark.parametrize("app", ["program", "ntm", "tones"])
def test_an_application_goes_on_too(app, tmp_path, monkeypatch, capsys):
    _shorten(monkeypatch)
    command = ["app", app, "--quick", "--epochs", "2", "--checkpoint-every", "1"]
    assert main([*command, "--out", str(tmp_path / "whole")]) == 0
    with monkeypatch.context() as context:
        stop_after(context, 3, OverflowError("a crash"))
        assert main([*command, "--out", str(tmp_path / "run")]) == 1
    assert main(["app", app, "--resume", str(tmp_path / "run")]) == 0
    ends = [as_bytes(load_arrays(tmp_path / name / "model.npz")[0]) for name in ("whole", "run")]
    assert ends[0] == ends[1]
    compare(app, end_of(tmp_path / "run"), end_of(tmp_path / "whole"))
    said = refused(capsys, "app", "rhyme", "--resume", str(tmp_path / "run"))
    assert f"{tmp_path / 'run'} holds a run of app {app}, not of app rhyme" in said


def _shorten(monkeypatch):
    """Let applications train on next to nothing."""
    from fasts2s.apps import ntm, program, tones  # noqa: PLC0415

    monkeypatch.setattr(ntm, "_STEPS", 3)
    monkeypatch.setattr(ntm, "_AT_THE_END", 2)
    monkeypatch.setattr(ntm, "_AFTER", 2)
    monkeypatch.setattr(program, "_FOR_CURVE", 2)
    make = program.draw
    monkeypatch.setattr(
        program, "draw", lambda world, counts, *more: make(world, tuple(min(n, 150) for n in counts), *more)
    )
    monkeypatch.setattr(tones, "_QUICK", (100, 2))
    monkeypatch.setattr(tones, "_HELD_OUT", 5)


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(
    ("number", "status", "step"),
    [
        (signal.SIGINT, 130, 1),
        (signal.SIGINT, 130, STEPS),
        (signal.SIGTERM, 143, STEPS),
        (signal.SIGTERM, 143, STEPS + 2),
    ],
)
def test_a_signal_saves_the_step_and_the_run_goes_on(sums, tmp_path, monkeypatch, capsys, number, status, step):
    assert main([*sums, "--out", str(tmp_path / "whole")]) == 0
    folder = tmp_path / "run"
    no_steps = [word if word != "1" else "10m" for word in sums]
    with monkeypatch.context() as context:
        stop_after(context, step, number)
        assert main([*no_steps, "--out", str(folder)]) == status
    printed = capsys.readouterr()
    assert f"train --resume {folder}" in printed.out and "Traceback" not in printed.err
    assert load_arrays(folder / "checkpoint.npz")[1]["state"]["trainer"]["counts"]["updates"] >= step
    if number == signal.SIGINT:
        assert load_model(folder / "model.npz")[0].params  # Ctrl-C: what was learned can be asked
    else:
        assert "ended by SIGTERM after" in printed.out
    assert main(["train", "--resume", str(folder)]) == 0
    compare("sums", end_of(folder), end_of(tmp_path / "whole"))


def test_a_full_disk_stops_no_training(sums, tmp_path, monkeypatch, capsys):
    assert main([*sums, "--out", str(tmp_path / "whole")]) == 0
    capsys.readouterr()
    create, show = atomic._create, training_run.TrainingRun.save

    def full(fresh):
        raise OSError(errno.ENOSPC, "No space left on device", str(fresh))

    def room_after_two_epochs(run):
        if len(run.epochs) == 2:
            monkeypatch.setattr(atomic, "_create", create)
        show(run)

    monkeypatch.setattr(atomic, "_create", full)
    monkeypatch.setattr(training_run.TrainingRun, "save", room_after_two_epochs)
    assert main([*sums, "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err.splitlines()
    assert sum("checkpoint.npz: the disk is full; the last good one stays" in line for line in said) == 1
    assert sum("writing model.npz failed, the rest goes on" in line for line in said) == 1
    compare("sums", end_of(tmp_path / "run"), end_of(tmp_path / "whole"))


def test_a_disk_that_is_full_at_the_end_is_an_error(sums, tmp_path, monkeypatch, capsys):
    def full(fresh):
        raise OSError(errno.ENOSPC, "No space left on device", str(fresh))

    monkeypatch.setattr(atomic, "_create", full)
    assert main([*sums, "--out", str(tmp_path / "run")]) == 1
    assert "No space left on device" in capsys.readouterr().err.splitlines()[-1]


def test_a_run_that_has_ended_gives_its_summary_again(sums, tmp_path, capsys):
    folder = tmp_path / "run"
    assert main([*sums, "--out", str(folder)]) == 0
    before, first = end_of(folder), capsys.readouterr().out
    assert main(["train", "--resume", str(folder)]) == 0
    again = capsys.readouterr().out
    assert "goes on after epoch 3 of 3" in again
    assert first.partition("accuracy by epoch")[2].partition("time")[0] in again
    compare("sums", end_of(folder), before)


@pytest.fixture
def stopped(sums, tmp_path, monkeypatch, capsys):
    """The folder of a run that stopped in its second epoch."""
    folder = tmp_path / "run"
    with monkeypatch.context() as context:
        stop_after(context, STEPS + 3, OverflowError("a crash"))
        assert main([*sums, "--out", str(folder)]) == 1
    capsys.readouterr()
    return folder


def refused(capsys, *words):
    capsys.readouterr()
    assert main([*words]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1 and printed.err.startswith("fasts2s: ")
    return printed.err


def test_folders_without_a_checkpoint_are_refused(tmp_path, capsys):
    assert f"there is no folder {tmp_path / 'no'}" in refused(capsys, "train", "--resume", str(tmp_path / "no"))
    said = refused(capsys, "train", "--resume", str(tmp_path))
    assert f"there is no checkpoint {tmp_path / 'checkpoint.npz'}: start the training anew" in said
    (tmp_path / "checkpoint.npz").write_bytes(b"rubbish")
    assert "is damaged or not a file" in refused(capsys, "train", "--resume", str(tmp_path))
    save_arrays(tmp_path / "checkpoint.npz", {"a": np.zeros(1)})
    assert "is no checkpoint of a training" in refused(capsys, "train", "--resume", str(tmp_path))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["checkpoint.npz"]


def test_a_second_training_in_a_folder_is_refused_by_name(stopped, sums, capsys):
    lock = FolderLock(stopped)
    for words in (["train", "--resume", str(stopped)], [*sums, "--out", str(stopped), "--overwrite"]):
        assert f"another training is writing to {stopped}" in refused(capsys, *words)
    lock.release()
    program = lock_of(stopped / CHECKPOINT)  # fit(checkpoint=...) has it
    assert f"another training is writing to {stopped}" in refused(capsys, "train", "--resume", str(stopped))
    program.release()
    assert main(["train", "--resume", str(stopped)]) == 0


def test_other_data_are_refused(stopped, sums, capsys):
    data = Path(sums[sums.index("--data") + 1])
    content = data.read_text(encoding="utf-8")
    data.write_text(content.replace("1+", "2+", 1), encoding="utf-8")
    try:
        said = refused(capsys, "train", "--resume", str(stopped))
    finally:
        data.write_text(content, encoding="utf-8")
    assert "the data are not those that the run was started with" in said


def test_a_damaged_checkpoint_is_replaced_by_the_one_before(stopped, capsys):
    path = stopped / "checkpoint.npz"
    assert previous_path(path).exists()
    path.write_bytes(path.read_bytes()[:-10])
    assert main(["train", "--resume", str(stopped)]) == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "Loaded the previous file" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 9}, "has version 9 of the format, this release reads 1"),
        ({"format": "x"}, "is no checkpoint of a training"),
    ],
)
def test_other_formats_are_refused(stopped, capsys, change, said):
    arrays, meta = load_arrays(stopped / "checkpoint.npz")
    save_arrays(stopped / "checkpoint.npz", arrays, meta | change)
    assert said in refused(capsys, "train", "--resume", str(stopped))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"task": "walks"}, "is of train walks, which this release does not have"),
        ({"hidden": 9}, "does not fit what this release trains"),
    ],
)
def test_arguments_that_fit_nothing_are_refused(stopped, capsys, change, said):
    arrays, meta = load_arrays(stopped / "checkpoint.npz")
    meta["state"]["arguments"] |= change
    save_arrays(stopped / "checkpoint.npz", arrays, meta)
    assert said in refused(capsys, "train", "--resume", str(stopped))


def test_an_option_that_is_new_has_its_usual_value(stopped, capsys):
    arrays, meta = load_arrays(stopped / "checkpoint.npz")
    for name in ("patience", "average", "wordvec"):
        meta["state"]["arguments"].pop(name)
    save_arrays(stopped / "checkpoint.npz", arrays, meta)
    assert "does not fit what this release trains" in refused(capsys, "train", "--resume", str(stopped))
    meta["state"]["arguments"]["wordvec"] = 4
    save_arrays(stopped / "checkpoint.npz", arrays, meta)
    assert main(["train", "--resume", str(stopped)]) == 0


def test_another_backend_goes_on_and_is_said(stopped, capsys):
    was = load_arrays(stopped / "checkpoint.npz")[1]["state"]["environment"]["backend"]
    other = "numpy" if was == "numba" else "numba"
    assert main(["train", "--resume", str(stopped), "--backend", other]) == 0
    assert f"backend {was} then, {other} now" in capsys.readouterr().err


def test_a_folder_that_was_stopped_early_is_not_overwritten_unasked(sums, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "run"
    with monkeypatch.context() as context:
        stop_after(context, 3, OverflowError("a crash"))
        assert main([*sums, "--out", str(folder)]) == 1
    said = refused(capsys, *sums, "--out", str(folder))
    assert "holds a training run (checkpoint.npz" in said and "go on with train --resume" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train --resume x addition", "--resume x goes on with a run as it was started: leave out addition"),
        ("train --backend numpy addition", "--backend, --checkpoint-every and --distributed come after addition"),
        ("train addition --checkpoint-every 0", "'0' is not a whole number from 1"),
        ("train addition --checkpoint-every 0m", "'0' is not a finite number > 0"),
        ("train addition --schedule linear", "invalid choice: 'linear'"),
    ],
)
def test_wrong_words(words, said, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words.split())
    assert stop.value.code == 2 and said in capsys.readouterr().err


def test_patience_stops_and_so_does_the_run_that_goes_on(data, tmp_path, monkeypatch, capsys):
    command = ["train", *data["seq2seq"], "--epochs", "9", "--patience", "2", "--lr", "1e-12"]
    folder = tmp_path / "run"
    assert main([*command, "--out", str(folder)]) == 0
    history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
    assert len(history["epochs"]) == 3 and "no progress in 2 epochs (--patience)" in history["stopped"]
    assert main(["train", "--resume", str(folder)]) == 0
    assert plain(json.loads((folder / "history.json").read_text(encoding="utf-8"))) == plain(history)


def test_schedules_set_the_rate_and_averages_are_what_is_kept(data, tmp_path, capsys):
    command = ["train", *data["pairs"], "--epochs", "2", "--lr", "0.01"]
    ends = {}
    for name, more in {"plain": [], "cosine": ["--schedule", "cosine", "--warmup", "3", "--average"]}.items():
        assert main([*command, *more, "--out", str(tmp_path / name)]) == 0
        ends[name] = [line["lr"] for line in read_log(tmp_path / name)]
    assert set(ends["plain"]) == {0.01} and ends["cosine"][-1] < 1e-4
    arrays, meta = load_arrays(tmp_path / "cosine" / "checkpoint.npz")
    state = meta["state"]["trainer"]
    assert {"schedule", "average"} <= set(state)
    best = arrays["run/best/0"]
    np.testing.assert_array_equal(load_arrays(tmp_path / "cosine" / "model.npz")[0]["param_00"], best)
    assert not np.array_equal(arrays["model/0"], best)


@pytest.mark.skipif(not hasattr(os, "fork") or os.name == "nt", reason="kills forks of this process")
@pytest.mark.parametrize("name", ["pairs", "RnnlmTrainer"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork beside threads
def test_kills_at_random_moments(name, tmp_path, data):
    """A sample of benchmarks/kill_campaign.py."""
    training = Training(name, {**data, **fits()}[name], 2)
    wanted, seconds = whole(training, tmp_path / "whole")
    counts, rng = Counter(), random.Random(5)
    for k in range(10):
        killed(training, tmp_path / f"run{k}", seconds, rng, counts)
        compare(name, training.end(tmp_path / f"run{k}"), wanted)
        if sum(counts.values()) >= 2:
            return
    pytest.fail(f"the kills did not meet a training: {counts}")

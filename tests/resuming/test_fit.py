"""``fit(checkpoint=...)``: a training that was stopped anywhere ends with the bits of one that was not."""

import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest

import fasts2s
from fasts2s.checkpoint import CheckpointWarning, load_arrays, previous_path, save_arrays
from fasts2s.resuming import Keeper, ResumeError
from fasts2s.schedules import Constant
from fasts2s.trainer import RnnlmTrainer, Trainer
from tests.resuming.helpers import TRAINERS, data, end_of, fit, made


class StopError(Exception):
    pass


def stop_at(trainer, step):
    """Let a step raise, as a crash would: what was saved before is all there is."""
    count = [0]

    def on_step(_):
        count[0] += 1
        if count[0] == step:
            raise StopError

    trainer.on_step = on_step


@pytest.mark.parametrize("name", TRAINERS)
@pytest.mark.parametrize("step", [2, 5, 6, 11, 15])
def test_a_stopped_training_ends_with_the_bits_of_a_whole_one(tmp_path, name, step, capsys):
    whole = made(name)
    fit(whole)
    wanted = end_of(whole)
    lines = [line.partition("| time")[0] for line in capsys.readouterr().out.splitlines()]
    path = tmp_path / "checkpoint.npz"
    stopped = made(name)
    stop_at(stopped, step)
    with pytest.raises(StopError):
        fit(stopped, checkpoint=path, checkpoint_every=1)
    capsys.readouterr()
    resumed = made(name, seed=99)  # other weights, another generator: all comes from the file
    fit(resumed, checkpoint=path, checkpoint_every=1)
    got = end_of(resumed)
    for key, value in wanted.items():
        assert got[key] == value, key
    printed = [line.partition("| time")[0] for line in capsys.readouterr().out.splitlines()]
    assert printed == lines[len(lines) - len(printed) :]


def test_stopped_again_and_again(tmp_path, capsys):
    whole = made("pairs")
    fit(whole)
    path = tmp_path / "checkpoint.npz"
    runs = 0
    while True:
        trainer = made("pairs")
        stop_at(trainer, 3)
        runs += 1
        try:
            fit(trainer, checkpoint=path, checkpoint_every=1)
            break
        except StopError:
            assert runs < 20
    assert runs > 5
    # The last one to be stopped is not the one that ended, which did no steps or a few.
    assert end_of(trainer)["arrays"] == end_of(whole)["arrays"]


def test_a_finished_training_does_nothing_and_more_epochs_are_added(tmp_path, capsys):
    path = tmp_path / "checkpoint.npz"
    fit(made("seq2seq"), 2, checkpoint=path)
    again = made("seq2seq", 7)
    steps = []
    again.on_step = steps.append
    fit(again, 2, checkpoint=path)
    assert steps == []
    more = made("seq2seq", 8)
    fit(more, 3, checkpoint=path)
    whole = made("seq2seq")
    fit(whole, 3)
    assert end_of(more) == end_of(whole)


def test_without_a_checkpoint_nothing_is_written_and_a_second_call_begins_anew(tmp_path, capsys):
    once, twice = made("lm"), made("lm")
    fit(once, 1)
    fit(twice, 1, checkpoint=tmp_path / "checkpoint.npz")
    assert end_of(once) == end_of(twice)
    fit(once, 1)
    fit(twice, 1)
    assert end_of(once) == end_of(twice) and once.time_idx == 30
    assert sorted(file.name for file in tmp_path.iterdir()) == ["checkpoint.npz"]


@pytest.fixture
def kept(tmp_path, capsys):
    """A checkpoint of two epochs, and the one before."""
    path = tmp_path / "checkpoint.npz"
    fit(made("seq2seq"), 2, checkpoint=path)
    assert path.exists() and previous_path(path).exists()
    return path


def test_a_damaged_file_costs_an_epoch_and_is_said(kept, capsys):
    kept.write_bytes(kept.read_bytes()[:-30])
    trainer = made("seq2seq", 3)
    with pytest.warns(CheckpointWarning, match="Loaded the previous file"):
        fit(trainer, 3, checkpoint=kept)
    whole = made("seq2seq")
    fit(whole, 3)
    assert end_of(trainer) == end_of(whole)


def test_both_damaged(kept):
    for path in (kept, previous_path(kept)):
        path.write_bytes(b"rubbish")
    with pytest.raises(ResumeError, match=r"checkpoint.npz is damaged .* cannot be used either"):
        fit(made("seq2seq"), checkpoint=kept)


def test_other_data_options_models_trainers_are_refused_and_nothing_changes(kept):
    x, t = data()
    trainer = made("seq2seq", 3)
    before = end_of(trainer)
    with pytest.raises(ResumeError, match="checkpoint of another training: other data came"):
        trainer.fit(x + 0 * x + (x == 3), t, 3, 2, 1.0, 2, checkpoint=kept)
    with pytest.raises(ResumeError, match="batch_size = 5 came, expected 2"):
        trainer.fit(x, t, 3, 5, 1.0, checkpoint=kept)
    assert end_of(trainer) == before
    with pytest.raises(ResumeError, match="checkpoint of Trainer, expected one of RnnlmTrainer"):
        fit(made("lm"), checkpoint=kept)
    for name in ("attention", "variational"):
        with pytest.raises(ResumeError, match="checkpoint of another model or optimizer"):
            fit(made(name), checkpoint=kept)
    with_schedule = made("seq2seq")
    with_schedule.schedule = Constant(0.01)
    with pytest.raises(ResumeError, match="its trainer has optimizer, this one optimizer, schedule"):
        fit(with_schedule, checkpoint=kept)


def test_another_format_or_version_is_refused(kept):
    arrays, meta = load_arrays(kept)
    save_arrays(kept, arrays, meta | {"version": 2})
    with pytest.raises(ResumeError, match="version 2 of the format, this release reads 1"):
        fit(made("seq2seq"), checkpoint=kept)
    save_arrays(kept, arrays, {"format": "other"})
    with pytest.raises(ResumeError, match="no checkpoint of a training"):
        fit(made("seq2seq"), checkpoint=kept)


def test_another_backend_or_number_of_threads_is_said(kept, capsys):
    arrays, meta = load_arrays(kept)
    meta["state"]["environment"] |= {"backend": "abacus", "threads": "77"}
    save_arrays(kept, arrays, meta)
    trainer = made("seq2seq")
    with pytest.warns(
        CheckpointWarning, match=r"backend abacus then, \w+ now; number of threads 77 then, .* may differ"
    ):
        fit(trainer, 3, checkpoint=kept)
    assert trainer.updates == 15


def test_arguments():
    with pytest.raises(ValueError, match="checkpoint_every is 3 without a checkpoint"):
        fit(made("lm"), checkpoint_every=3)
    for wrong in ({"checkpoint": 5}, {"checkpoint": "x.npz", "checkpoint_every": 0}):
        with pytest.raises(ValueError, match="checkpoint"):
            fit(made("lm"), **wrong)


def test_what_cannot_be_kept_is_an_error_that_names_it(tmp_path, capsys):
    trainer = made("seq2seq")
    trainer.optimizer.notes = {1, 2}
    with pytest.raises(ValueError, match=r"optimizer/notes is .* which a checkpoint cannot hold"):
        fit(trainer, checkpoint=tmp_path / "x.npz")


PROGRAM = """
import sys
sys.path[:] = sys.argv[2:]
from tests.resuming.helpers import fit, made
trainer = made("lm")
trainer.on_step = lambda loss: print("step", flush=True)
fit(trainer, 10**6, checkpoint=sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 1)])
def test_a_signal_saves_and_ends_as_it_would(tmp_path, number, status):
    path = tmp_path / "checkpoint.npz"
    heard = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    command = [sys.executable, "-c", heard + PROGRAM, str(path), *sys.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.stdout.readline() != "step\n":
            assert process.poll() is None
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode in {status, -signal.SIGINT if number == signal.SIGINT else status}
    assert ("KeyboardInterrupt" in err) is (number == signal.SIGINT)
    assert load_arrays(path)[1]["state"]["trainer"]["counts"]["updates"] >= 1


def test_signals_are_heard_as_before_afterwards(tmp_path, capsys):
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    fit(made("lm"), checkpoint=tmp_path / "x.npz")
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("kind", [Trainer, RnnlmTrainer])
def test_every_backend(tmp_path, backend, kind, capsys):
    fasts2s.set_backend(backend)
    name = "seq2seq" if kind is Trainer else "lm"
    whole = made(name)
    fit(whole)
    stopped = made(name)
    stop_at(stopped, 8)
    with pytest.raises(StopError), warnings.catch_warnings():
        fit(stopped, checkpoint=tmp_path / "x.npz", checkpoint_every=1)
    resumed = made(name, 3)
    fit(resumed, checkpoint=tmp_path / "x.npz")
    assert np.array_equal(*(fasts2s.to_cpu(t.model.params[-1]) for t in (resumed, whole)))
    assert end_of(resumed)["arrays"] == end_of(whole)["arrays"]


def without_optimizer(state):
    state["optimizer"] = {"lr": state["optimizer"]["lr"]} | {"iter": 0, "m": None, "v": None}


def without_generator(state):
    state["numpy"]["dict"]["state"]["dict"]["pos"] -= 1


def without_generator_of_dropout(state):
    rest = state["model"]["rest"]
    (name,) = (n for n in rest if n.endswith("rng"))
    rest[name]["dict"]["has_uint32"], rest[name]["dict"]["uinteger"] = 1, 5


def without_states(state):
    rest = state["model"]["rest"]
    for name in rest:
        rest[name] = None


def without_place_in_the_text(state):
    state["counts"]["time_idx"] -= 6


def without_place(state):
    state["place"]["dict"]["step"] -= 1


def without_average(state):
    state["average"]["updates"] -= 1


def without_sums(state):
    state["counts"]["_gathered"] = 0


@pytest.mark.parametrize(
    ("name", "lose"),
    [
        ("seq2seq", without_optimizer),
        ("seq2seq", without_generator),
        ("pairs", without_generator_of_dropout),
        ("lm", without_states),
        ("gru", without_states),
        ("lm", without_place_in_the_text),
        ("pairs", without_place),
        ("variational", without_average),
        ("accumulating", without_sums),
    ],
)
def test_every_part_of_the_state_is_needed(tmp_path, name, lose, capsys, monkeypatch):
    """What the tests above compare sees the loss of any part."""
    whole, path = made(name), tmp_path / "x.npz"
    fit(whole)
    stopped = made(name)
    stop_at(stopped, 8)
    with pytest.raises(StopError), monkeypatch.context() as context:
        context.setattr(Keeper, "step", lambda keeper: keeper.save())
        fit(stopped, checkpoint=path)
    arrays, meta = load_arrays(path)
    lose(meta["state"]["trainer"])
    save_arrays(path, arrays, meta)
    resumed = made(name, seed=99)
    fit(resumed, checkpoint=path)
    assert end_of(resumed) != end_of(whole)

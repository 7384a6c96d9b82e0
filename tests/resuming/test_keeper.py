"""The file beside the training: when it is written, what a failing disk costs, what is copied."""

import errno
import threading
import time

import numpy as np
import pytest

from fasts2s.checkpoint import atomic, load_arrays, previous_path
from fasts2s.distributed import Ranks
from fasts2s.resuming import Keeper, Packed, ResumeError, fingerprint, frozen, pack, read_state, unpack
from fasts2s.resuming import keeper as keeper_module
from tests.checkpoint.test_crash import ERRORS, Disk


class Training:
    """A state of which every element tells the step."""

    def __init__(self):
        self.step, self.w = 0, np.zeros(50, np.float32)
        self.best = frozen(np.arange(3.0))

    def go_on(self):
        self.step += 1
        self.w += 1

    def state(self):
        return Packed({"step": self.step}, {"w": self.w, "best": self.best})


def kept_step(path):
    tree, arrays = read_state(path, lambda _: None)
    assert (arrays["w"] == tree["step"]).all()
    return tree["step"]


@pytest.fixture
def training():
    return Training()


@pytest.fixture
def make(tmp_path, training):
    said = []

    def made(**options):
        keeper = Keeper(tmp_path / "c.npz", training.state, say=said.append, **{**USUAL, **options})
        keeper.said = said
        return keeper

    return made


USUAL = {"steps": None, "seconds": None, "fresh": False, "ranks": Ranks()}


def run(training, keeper, steps):
    for _ in range(steps):
        training.go_on()
        keeper.step()
        assert keeper._idle.wait(30)  # the training is slower than the disk


def test_after_so_many_steps(training, make):
    keeper = make(steps=3)
    run(training, keeper, 2)
    assert not keeper.path.exists()
    run(training, keeper, 6)
    keeper.close()
    assert kept_step(keeper.path) == 6 and kept_step(previous_path(keeper.path)) == 3


def test_after_so_much_time(training, make, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    keeper = make(seconds=10.0)
    for wait, wanted in ((9, 0), (2, 1), (9, 1), (2, 2)):
        now[0] += wait
        run(training, keeper, 1)
        keeper.close()
        assert keeper.path.exists() is (wanted > 0)
        assert not keeper.path.exists() or kept_step(keeper.path) == {1: 2, 2: 4}[wanted]


def test_the_training_does_not_wait_for_the_disk_and_changes_nothing_that_is_being_written(
    training, make, monkeypatch
):
    may_go_on, real = threading.Event(), keeper_module.save_arrays

    def slow(*arguments, **options):
        may_go_on.wait(30)
        real(*arguments, **options)

    monkeypatch.setattr(keeper_module, "save_arrays", slow)
    keeper = make(steps=1)
    for _ in range(20):  # the first one is being written all the time, the others do not wait
        training.go_on()
        keeper.step()
    may_go_on.set()
    keeper.close()
    assert kept_step(keeper.path) == 1
    training.go_on()
    keeper.step()
    keeper.close()
    assert kept_step(keeper.path) == 21


def test_memory_of_copies_is_used_again_and_what_cannot_change_is_not_copied(training, make):
    keeper = make()
    keeper.save()
    first = dict(keeper._copies)
    training.go_on()
    keeper.save()
    assert keeper._copies["w"] is first["w"] and keeper._copies["w"] is not training.w
    assert keeper._copies["best"] is training.best


def test_the_state_of_another_training_is_not_kept_as_the_one_before(training, make):
    make().save()
    make().save()
    keeper = make(fresh=True)
    training.go_on()
    keeper.save()
    assert kept_step(keeper.path) == 1 and not previous_path(keeper.path).exists()
    training.go_on()
    keeper.save()
    assert kept_step(previous_path(keeper.path)) == 1


FAILING = {name: error for name, error in ERRORS.items() if name not in {"Ctrl-C"}}


@pytest.mark.parametrize("case", FAILING)
@pytest.mark.parametrize("wait", [True, False])
def test_whatever_fails_at_whatever_call_the_last_good_file_stays_and_the_training_goes_on(
    training, make, monkeypatch, case, wait
):
    error, lasting = FAILING[case]
    keeper = make()
    failures = 0
    for fail_at in range(1, 100):
        training.go_on()
        keeper.save()
        good = training.step
        keeper.said.clear()
        disk = Disk(fail_at, error, lasting)
        training.go_on()
        with monkeypatch.context() as context:
            disk.install(context)
            keeper.save(wait=wait)
            keeper.close()
        failures += bool(keeper.said)
        assert kept_step(keeper.path) in ({good} if keeper.said else {good, good + 1}) | {good + 1}
        assert len(keeper.said) <= 1
        if keeper.said and isinstance(error, OSError) and error.errno == errno.ENOSPC:
            assert "c.npz" in keeper.said[0]
        left = {file.name for file in keeper.path.parent.iterdir()}
        assert left <= {"c.npz", "c.npz.prev"}
        if disk.calls < fail_at:
            break
    assert failures >= 5


def test_a_full_disk_is_said_once_until_there_is_room_again(training, make, monkeypatch):
    keeper = make(steps=1)
    run(training, keeper, 1)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(atomic, "_create", full)
        run(training, keeper, 5)
        keeper.close()
    (line,) = keeper.said
    assert line.startswith(f"warning: cannot save {keeper.path}: the disk is full; the last good one stays")
    assert kept_step(keeper.path) == 1
    run(training, keeper, 1)
    keeper.close()
    assert kept_step(keeper.path) == 7
    with monkeypatch.context() as context:
        context.setattr(atomic, "_create", full)
        run(training, keeper, 2)
        keeper.close()
    assert len(keeper.said) == 2


def test_no_memory_for_a_copy(make, training, monkeypatch):
    keeper = make()

    def no_memory(_):
        raise MemoryError

    monkeypatch.setattr(keeper, "_copied", no_memory)
    keeper.save()
    assert "no memory" in keeper.said[0]


def test_no_file_and_a_damaged_one(make, training, tmp_path):
    with pytest.raises(ResumeError, match="there is no checkpoint"):
        read_state(tmp_path / "c.npz", print)
    keeper = make()
    for _ in range(2):
        training.go_on()
        keeper.save()
    content = keeper.path.read_bytes()
    keeper.path.write_bytes(content[:200] + b"x" + content[201:])
    said = []
    assert read_state(keeper.path, said.append)[0]["step"] == 1
    assert len(said) == 1 and "Loaded the previous file" in said[0]
    keeper.path.unlink()
    assert read_state(keeper.path, said.append)[0]["step"] == 1
    (tmp_path / "folder").mkdir()
    with pytest.raises(ResumeError, match="not a plain file"):
        read_state(tmp_path / "folder", print)


VALUES = [
    None, True, -3, 2**100, 0.1, 5e-324, "a\udc80", [], [1, [2.5]], (1, (2,)), {"a": {"b": ()}}, float("inf"), -0.0,
    np.float32(0.1), np.int64(-5), np.arange(6).reshape(2, 3), np.zeros((0, 2), bool), np.array(2.5, np.float16),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=[ascii(v)[:20] for v in VALUES])
def test_values_come_back_as_they_were(value, tmp_path):
    Keeper(tmp_path / "c.npz", lambda: packed(value), say=print, **USUAL).save()
    tree, arrays = read_state(tmp_path / "c.npz", print)
    got = unpack(tree, arrays)
    assert type(got) is type(value)
    assert repr(got) == repr(value) and getattr(got, "dtype", None) == getattr(value, "dtype", None)


def packed(value):
    state = Packed()
    state.tree = {"dict": {"v": pack(value, state.arrays, "v")}}
    state.tree = pack(value, state.arrays, "v")
    return state


def test_values_that_cannot_be_kept_and_trees_that_nobody_made():
    for value in ({1: 2}, {1, 2}, object(), np.array(["a"]), b"a"):
        with pytest.raises(ValueError, match=r"here is .* which a checkpoint cannot hold"):
            pack(value, {}, "here")
    with pytest.raises(ValueError, match="'pickle', which this release does not know"):
        unpack({"pickle": "a"}, {"a": np.zeros(1)})


def test_a_fingerprint_tells_data_apart():
    a = np.arange(6)
    things = [
        (a,), (a.reshape(2, 3),), (a.astype(np.float64),), (a, a), ([a, a],), (a[::-1],), ("a",), ("b",),
        (["a", "b"],), (["ab"],), (1,), (1.0,), (None,), ({"a": 1},), (Training(),),
    ]  # fmt: skip
    assert len({fingerprint(*thing) for thing in things}) == len(things)
    assert fingerprint(a[::2]) == fingerprint(a[::2].copy())
    with pytest.raises(ValueError, match="data hold a set"):
        fingerprint({1})


def test_arrays_of_a_file_are_those_of_the_state(make, training):
    keeper = make()
    keeper.save()
    arrays, meta = load_arrays(keeper.path)
    assert sorted(arrays) == ["best", "w"] and meta["format"] == "fasts2s-training" and meta["version"] == 1

"""Learning curves on a made-up task small enough to be learnt in seconds: the same numbers as the command's."""

import json
import math
import random

import numpy as np
import pytest

from fasts2s.backend import use_backend
from fasts2s.bench import learning
from fasts2s.bench.learning import VARIANTS, Variant, curve, curves, epochs_to, rows
from fasts2s.bench.results import Curve
from fasts2s.cli import main
from fasts2s.sequence import load_file

PEEKY, PLAIN = Variant("PeekySeq2seq", True), Variant("Seq2seq", False)


@pytest.fixture(autouse=True)
def _numpy():
    with use_backend("numpy"):
        yield


@pytest.fixture
def exercises(tmp_path):
    """A file of 1500 questions of three characters; the answer is the first of them."""
    draw = random.Random(3)
    lines = ["".join(draw.choice("abcd") for _ in range(3)) for _ in range(1500)]
    path = tmp_path / "first.txt"
    path.write_text("".join(f"{line}_{line[0]}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def data(exercises):
    return load_file(str(exercises), seed=1984)


@pytest.fixture
def scripted(monkeypatch, data):
    """Make the accuracies of every training those of a list; nothing is learnt from more than a batch."""
    accuracies = [0.1, 0.5, 0.9, 0.7, 0.8, 0.95, 0.99]
    fit = learning._Training.fit

    def answers(model, xs, ts):
        right = np.zeros(len(xs))
        right[: round(len(xs) * accuracies[len(asked)])] = 1
        asked.append(model)
        return right

    asked = []
    monkeypatch.setattr(learning, "exact_answers", answers)
    monkeypatch.setattr(learning._Training, "fit", lambda self, rows=128: fit(self, rows))
    return data


# ---- one training ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variant", "options", "seed"),
    [
        (PEEKY, ["--model", "peeky", "--reverse"], 1984),
        (PEEKY, ["--model", "peeky", "--reverse"], 7),
        (PLAIN, ["--model", "seq2seq", "--no-reverse"], 1984),
    ],
)
def test_a_curve_is_the_run_of_the_command(variant, options, seed, data, exercises, tmp_path, monkeypatch):
    monkeypatch.setattr("fasts2s.commands.training_run.draw_curve", lambda *_: None)
    where = ["--data", str(exercises), "--out", str(tmp_path / "run")]
    assert main(["train", "addition", *options, *where, "--seed", str(seed), "--epochs", "6"]) == 0
    epochs = json.loads((tmp_path / "run" / "history.json").read_text(encoding="utf-8"))["epochs"]
    np.random.seed(99)  # whatever was drawn before
    found = curve(variant, seed, 6, data=data)
    assert [100 * accuracy for accuracy in found.accuracy] == [epoch["accuracy"] for epoch in epochs]
    assert list(found.loss) == [epoch["loss"] for epoch in epochs]
    assert len(set(found.accuracy)) > 2, "the task is too easy or too hard to tell runs apart"


def test_the_same_seed_gives_the_same_bits_and_another_gives_others(data):
    first, again, other = (curve(PEEKY, seed, 2, data=data) for seed in (3, 3, 4))
    assert (first.accuracy, first.loss) == (again.accuracy, again.loss)
    assert first.loss != other.loss


def test_a_curve_says_what_it_is(data):
    said = []
    found = curve(PEEKY, 5, 2, data=data, after_epoch=said.append)
    assert (found.model, found.reverse, found.seed, found.contestant) == ("PeekySeq2seq", True, 5, "numpy")
    assert len(found.accuracy) == len(found.loss) == len(found.seconds) == 2
    assert all(0 <= accuracy <= 1 for accuracy in found.accuracy)
    assert 0 < found.seconds[0] < found.seconds[1]
    assert [line.partition(",")[0] for line in said] == ["PeekySeq2seq reversed"] * 2
    assert "seed 5: epoch 2/2" in said[1]
    assert f"{100 * found.accuracy[1]:.2f} %" in said[1]
    assert curve(PLAIN, 5, 1, data=data, contestant="somebody").contestant == "somebody"


def test_the_four_variants_are_four_runs(data):
    losses = {variant: curve(variant, 1984, 1, data=data).loss for variant in VARIANTS}
    assert len(set(losses.values())) == len(VARIANTS) == 4


def test_the_seconds_are_those_of_training_alone(data, monkeypatch):
    # A clock that moves by one second whenever it is read, and by a thousand while questions are answered.
    now = [0.0]

    def clock():
        now[0] += 1
        return now[0]

    def answers(model, xs, ts):
        now[0] += 1000
        return np.ones(len(xs), dtype=bool)

    monkeypatch.setattr(learning, "exact_answers", answers)
    monkeypatch.setattr(learning.time, "perf_counter", clock)
    assert curve(PLAIN, 1, 3, data=data).seconds == (1.0, 2.0, 3.0)


def test_kernels_are_compiled_before_the_first_epoch_is_timed(data, monkeypatch):
    trained = []
    fit = learning._Training.fit
    monkeypatch.setattr(learning._Training, "fit", lambda self, rows=None: (trained.append(rows), fit(self, rows))[1])
    curve(PLAIN, 1, 2, data=data)
    assert trained == [128, None, None]


@pytest.mark.parametrize(
    ("stop_at", "epochs", "done"), [(None, 7, 7), (0.9, 7, 5), (0.5, 7, 4), (0.9, 4, 4), (0.999, 6, 6)]
)
def test_it_ends_two_epochs_after_the_accuracy_was_reached(scripted, stop_at, epochs, done):
    assert len(curve(PLAIN, 1, epochs, stop_at=stop_at, data=scripted).accuracy) == done


def test_what_cannot_be_trained_is_refused(data, tmp_path):
    with pytest.raises(ValueError, match="expected 1 or more"):
        curve(PLAIN, 1, 0, data=data)
    path = tmp_path / "few.txt"
    for count in (5, 100):  # none to answer; too few for a batch
        path.write_text("ab_a\n" * count, encoding="utf-8")
        with pytest.raises(ValueError, match="expected"):
            curve(PLAIN, 1, 1, data=load_file(str(path)))


# ---- many --------------------------------------------------------------------------------------------------------


def test_variants_take_turns_within_each_seed(scripted, monkeypatch):
    monkeypatch.setattr(learning, "exact_answers", lambda model, xs, ts: np.ones(len(xs)))
    found = curves((3, 1), 4, data=scripted, stop_at=0.5, contestant="x")
    expected = [(variant.model, variant.reverse, seed) for seed in (3, 1) for variant in VARIANTS]
    assert [(one.model, one.reverse, one.seed) for one in found] == expected
    assert {(one.contestant, len(one.accuracy)) for one in found} == {("x", 3)}


def test_the_built_in_exercises_are_the_books(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    data = learning.load()
    assert (data.vocab_size, data.x_train.shape, data.t_test.shape) == (13, (45000, 7), (5000, 5))


def test_the_epoch_that_reached_a_goal():
    assert epochs_to((0.1, 0.9, 0.8, 0.95), 0.9) == 2
    assert epochs_to((0.1, 0.8), 0.9) is None
    assert epochs_to((), 0.9) is None


# ---- rows --------------------------------------------------------------------------------------------------------


def made(seed, accuracy, seconds, variant=PEEKY, contestant="numba"):
    return Curve(*variant, seed, contestant, tuple(accuracy), (1.0,) * len(accuracy), tuple(seconds))


def test_rows_of_three_seeds():
    found = [
        made(9, (0.1, 0.95, 0.96), (1.0, 3.0, 6.0)),
        made(2, (0.2, 0.80, 0.90), (2.0, 4.0, 6.0)),
        made(5, (0.3, 0.40, 0.50), (2.0, 5.0, 7.0)),
    ]
    accuracy, epoch = rows(found)
    assert accuracy.key == ("learning", "PeekySeq2seq reversed: accuracy after 3 epochs", "numba")
    assert (accuracy.unit, accuracy.rounds, accuracy.noise) == ("share", (0.96, 0.90, 0.50), 0.0)
    assert (accuracy.low, accuracy.value, accuracy.high) == pytest.approx((0.7, 0.9, 0.93))
    assert epoch.key == ("learning", "PeekySeq2seq reversed: one epoch", "numba")
    assert (epoch.unit, epoch.rounds) == ("s", (1.0, 2.0, 3.0, 2.0, 2.0, 2.0, 2.0, 3.0, 2.0))
    assert (epoch.low, epoch.value, epoch.high, epoch.noise) == (2.0, 2.0, 2.0, 0.0)
    assert accuracy.info == epoch.info
    assert accuracy.info == {
        "sizes": {"D": 16, "H": 128, "N": 128},
        "seeds": [9, 2, 5],
        "epochs": [3, 3, 3],
        "epochs_to_90": [2, 3, None],
        "seconds_to_90": [3.0, 6.0, None],
    }


def test_the_noise_of_an_epoch_is_its_relative_scatter():
    _, epoch = rows([made(1, (0.5,) * 5, (1.0, 3.0, 6.0, 10.0, 15.0))])
    assert (epoch.low, epoch.value, epoch.high) == (2.0, 3.0, 4.0)
    assert math.isclose(epoch.noise, 2 / 3 * 5 / 3.7)


def test_variants_and_contestants_have_rows_of_their_own():
    found = [made(1, (0.5,), (1.0,), variant, name) for name in ("numba", "numpy") for variant in (PEEKY, PLAIN)]
    keys = [row.key[1:] for row in rows([*found, made(2, (0.7,), (1.0,))])]
    assert keys == [
        ("PeekySeq2seq reversed: accuracy after 1 epoch", "numba"),
        ("PeekySeq2seq reversed: one epoch", "numba"),
        ("Seq2seq: accuracy after 1 epoch", "numba"),
        ("Seq2seq: one epoch", "numba"),
        ("PeekySeq2seq reversed: accuracy after 1 epoch", "numpy"),
        ("PeekySeq2seq reversed: one epoch", "numpy"),
        ("Seq2seq: accuracy after 1 epoch", "numpy"),
        ("Seq2seq: one epoch", "numpy"),
    ]


def test_curves_that_ended_early_are_compared_where_all_have_been():
    accuracy, epoch = rows([made(1, (0.1, 0.9, 0.95), (1.0, 2.0, 3.0)), made(2, (0.2, 0.92), (1.0, 2.0))])
    assert accuracy.case.endswith("accuracy after 2 epochs")
    assert accuracy.rounds == (0.9, 0.92)
    assert len(epoch.rounds) == 5


def test_no_curves_no_rows():
    assert rows([]) == []

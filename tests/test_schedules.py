"""Schedules against their formulas; averages and sums of gradients against plain loops; when to stop."""

import math

import numpy as np
import pytest

from fasts2s.optimizers import SGD, Adam, AdamW
from fasts2s.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    EarlyStopping,
    InverseRoot,
    OneCycle,
    Plateau,
    WeightAverage,
    make_schedule,
)
from fasts2s.trainer import Trainer


def rates(schedule, count):
    return [schedule.rate(step) for step in range(count)]


def test_constant_and_its_warm_up():
    assert rates(Constant(0.5), 3) == [0.5] * 3
    np.testing.assert_allclose(rates(Constant(0.5, warmup=4), 6), [0.125, 0.25, 0.375, 0.5, 0.5, 0.5])


def test_inverse_root_is_that_of_the_paper():
    lr, warmup = 0.3, 5
    # d^-0.5 min(step^-0.5, step warmup^-1.5) of the paper, scaled so that its top is lr.
    wanted = [lr * math.sqrt(warmup) * min(s**-0.5, s * warmup**-1.5) for s in range(1, 40)]
    np.testing.assert_allclose(rates(InverseRoot(lr, warmup), 39), wanted, rtol=1e-12)


def test_cosine():
    got = rates(Cosine(1.0, 11, 0.2), 14)
    wanted = [0.2 + 0.8 * (1 + math.cos(math.pi * s / 10)) / 2 for s in range(11)]
    np.testing.assert_allclose(got, [*wanted, 0.2, 0.2, 0.2], atol=1e-12)
    warm = rates(Cosine(1.0, 11, warmup=3), 11)
    np.testing.assert_allclose(warm[:4], [1 / 3, 2 / 3, 1.0, 1.0], atol=1e-12)
    assert warm[-1] == pytest.approx(0, abs=1e-12) and warm[3:] == sorted(warm[3:], reverse=True)


def test_one_cycle():
    got = rates(OneCycle(1.0, 101), 103)
    assert got[0] == pytest.approx(1 / 25) and got[30] == 1.0 and max(got) == 1.0
    assert got[15] == pytest.approx((1 / 25 + 1) / 2)
    assert got[65] == pytest.approx((1 + 1 / 250_000) / 2)
    assert got[100] == got[102] == pytest.approx(1 / 250_000)
    assert rates(OneCycle(1.0, 11, warmup=0), 1) == [1.0]


def test_plateau_divides_whenever_nothing_is_better():
    schedule, seen = Plateau(20.0, 4), []
    for perplexity in (100, 90, 90, 95, 80, math.nan):
        schedule.measured(perplexity)
        seen.append(schedule.rate(0))
    assert seen == [20, 20, 5, 1.25, 1.25, 0.3125]
    patient = Plateau(8.0, 2, patience=1, larger_is_better=True)
    seen = []
    for accuracy in (10, 9, 8, 7, 6, 11):
        patient.measured(accuracy)
        seen.append(patient.rate(0))
    assert seen == [8, 8, 4, 4, 2, 2]


def test_early_stopping():
    stopping = EarlyStopping(2)
    assert [stopping.enough(v) for v in (5, 4, 4, 3, 9, math.nan)] == [False, False, False, False, False, True]
    rising = EarlyStopping(1, larger_is_better=True)
    assert [rising.enough(v) for v in (1, 2, 2)] == [False, False, True]


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_name_makes_a_schedule(name):
    schedule = make_schedule(name, 0.1, 100, 10)
    got = rates(schedule, 100)
    assert max(got) == pytest.approx(0.1, rel=1e-3) and min(got) >= 0
    schedule.measured(3.0)


def test_wrong_arguments_are_errors_that_name_them():
    for call, named in (
        (lambda: make_schedule("linear", 0.1, 10), "name is 'linear'"),
        (lambda: make_schedule("cosine", 0.1, 0), "steps is 0"),
        (lambda: Constant(math.nan), "lr is nan"),
        (lambda: Constant(0.1, -1), "warmup is -1"),
        (lambda: Plateau(0.1, 1.0), "divisor is 1.0"),
        (lambda: Cosine(0.1, 10, 0.2), "least is 0.2"),
        (lambda: InverseRoot(0.1, 0), "warmup is 0"),
        (lambda: EarlyStopping(0), "patience is 0"),
        (lambda: EarlyStopping(1).enough("a"), "value is 'a'"),
        (lambda: WeightAverage(1.0), "decay is 1"),
        (lambda: Constant(0.1).rate(-1), "step is -1"),
        (lambda: Trainer(Line(), SGD(), schedule=0.1), "schedule is 0.1"),
        (lambda: Trainer(Line(), SGD(), accumulate=0), "accumulate is 0"),
        (lambda: Trainer(Line(), SGD(), average=2.0), "decay is 2"),
    ):
        with pytest.raises(ValueError, match=named):
            call()


class Line:
    """The loss is (w - x)^2, for the mean of x."""

    def __init__(self):
        self.params, self.grads = [np.zeros(2, np.float32)], [np.zeros(2, np.float32)]

    def forward(self, xs, ts):
        self._difference = self.params[0] - xs.mean(axis=0)
        return np.float32((self._difference**2).sum())

    def backward(self):
        self.grads[0][...] = 2 * self._difference


def test_the_trainer_asks_for_the_rate_of_every_update():
    seen = []

    class Schedule:
        def rate(self, step):
            seen.append(step)
            return 0.1 / (step + 1)

    model = Line()
    fitted = Trainer(model, SGD(9.0), schedule=Schedule(), accumulate=2)
    x = np.ones((8, 2), np.float32)
    fitted.fit(x, x, 2, 1, eval_interval=None)
    assert seen == list(range(8)) and fitted.updates == 8
    assert fitted.optimizer.lr == pytest.approx(0.1 / 8)
    w = 0.0
    for step in range(8):
        w -= 0.1 / (step + 1) * 2 * (w - 1)
    np.testing.assert_allclose(model.params[0], w, rtol=1e-5)


def test_gathered_gradients_are_those_of_one_large_batch():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((12, 2)).astype(np.float32)
    one, four = Line(), Line()
    Trainer(one, Adam(0.1)).train_step(x, x, 0.5)
    fitted = Trainer(four, Adam(0.1), accumulate=4)
    for k in range(4):
        np.testing.assert_array_equal(four.params[0], 0)
        fitted.train_step(x[3 * k : 3 * k + 3], x, 0.5)
    np.testing.assert_allclose(four.params[0], one.params[0], rtol=1e-5)


def test_a_batch_that_is_not_finite_is_left_out_of_a_sum():
    x = np.ones((4, 2), np.float32)
    broken = x * np.float32(np.nan)
    clean, skipping = Line(), Line()
    Trainer(clean, SGD(0.1)).train_step(x, x)
    fitted = Trainer(skipping, SGD(0.1), accumulate=2, nonfinite="skip")
    for batch in (x, broken, x):
        fitted.train_step(batch, x)
    np.testing.assert_array_equal(skipping.params[0], clean.params[0])
    with pytest.raises(FloatingPointError, match="the loss is nan"):
        Trainer(Line(), SGD(0.1), accumulate=2).train_step(broken, x)


def test_weight_average_is_the_mean_with_falling_weights():
    rng, decay = np.random.default_rng(4), 0.7
    values = rng.standard_normal((6, 3)).astype(np.float32)
    average, w = WeightAverage(decay), np.zeros(3, np.float32)
    with average.averaged([w]):
        np.testing.assert_array_equal(w, 0)
    for value in values:
        w[...] = value
        average.add([w])
    shares = np.array([decay**k for k in range(5, -1, -1)])
    with average.averaged([w]):
        np.testing.assert_allclose(w, (shares[:, None] * values).sum(axis=0) / shares.sum(), rtol=1e-5)
    np.testing.assert_array_equal(w, values[-1])
    with pytest.raises(ValueError, match="expected those of the average"):
        average.add([w, w])


def test_the_trainer_averages_after_every_update():
    model, x = Line(), np.ones((4, 2), np.float32)
    fitted = Trainer(model, SGD(0.25), average=0.5)
    seen = []
    for _ in range(3):
        fitted.train_step(x, x)
        seen.append(float(model.params[0][0]))
    with fitted.averaged():
        wanted = (0.25 * seen[0] + 0.5 * seen[1] + seen[2]) / 1.75
        assert model.params[0][0] == pytest.approx(wanted, rel=1e-5)
    assert model.params[0][0] == np.float32(seen[2])
    plain = Trainer(Line(), SGD())
    with plain.averaged():
        pass


def test_adamw_is_adam_beside_a_decay():
    rng = np.random.default_rng(5)
    w, plain = (np.linspace(-1, 1, 7, dtype=np.float32) for _ in range(2))
    decaying, adam = AdamW(0.01, weight_decay=0.5), Adam(0.01)
    for _ in range(5):
        g = rng.standard_normal(7).astype(np.float32)
        decaying.update([w], [g.copy()], scale=0.5)
        before = plain.copy()
        adam.update([plain], [g.copy()], scale=0.5)
        plain -= np.float32(0.01 * 0.5) * before
    np.testing.assert_allclose(w, plain, rtol=1e-6)
    free, same = np.ones(3, np.float32), np.ones(3, np.float32)
    AdamW(0.01, weight_decay=0).update([free], [np.ones(3, np.float32)])
    Adam(0.01).update([same], [np.ones(3, np.float32)])
    np.testing.assert_array_equal(free, same)
    with pytest.raises(ValueError, match="weight_decay is -1"):
        AdamW(weight_decay=-1)

"""The sentences about the peeky model, and the numbers to quote."""
# ruff: noqa: RUF001 - the sign of multiplication is meant

from dataclasses import replace

import pytest

from fasts2s.bench.report import story
from fasts2s.bench.results import Curve
from tests.bench.results_of import made_up, row

WITHIN = "Peeky costs, within the noise (\u00b1{} %), as much per step as the baseline"
NEVER = "; the baseline does not reach 90 % within 3 epochs (best 54 %)"


def training(model, accuracy, step, reverse=True, seed=0, contestant="numba"):
    seconds = [step * (k + 1) for k in range(len(accuracy))]
    return Curve(model, reverse, seed, contestant, accuracy, [1.0] * len(accuracy), seconds)


def steps(plain=(1.0,), peeky=(1.14,), H=128, contestant="numba", noise=0.04):
    pairs = zip(("Seq2seq", "PeekySeq2seq"), (plain, peeky), strict=True)
    rows = [(row("steps", f"{m} H={H}", contestant, sorted(r)[len(r) // 2]), tuple(r)) for m, r in pairs]
    return tuple(replace(one, rounds=rounds, noise=noise) for one, rounds in rows)


def result(*curves, more=()):
    return made_up(groups=("steps",), contestants=(), curves=list(curves), more=tuple(more))


LEARNS = training("PeekySeq2seq", [0.2, 0.95, 0.97], 1.14)
LATE = training("Seq2seq", [0.1] * 6 + [0.92], 1.0)
FAILS = training("Seq2seq", [0.1, 0.54, 0.5], 1.0)


@pytest.mark.parametrize(
    ("curves", "more", "text"),
    [
        ([LATE, LEARNS], steps(), "Peeky costs 14 % more per step and reaches 90 % 3.1 times sooner"),
        ([FAILS, LEARNS], steps(), f"Peeky costs 14 % more per step and reaches 90 % after 2 epochs{NEVER}"),
        ([FAILS, LEARNS], (), f"Peeky reaches 90 % after 2 epochs{NEVER}"),
        ([LEARNS], steps(peeky=(0.9,)), "Peeky costs 10 % less per step"),
        ([LEARNS], steps(peeky=(0.97,)), WITHIN.format(6)),
        ([LEARNS], steps((1.0,) * 5, (0.9, 0.95, 1.08, 1.2, 1.3)), WITHIN.format(6)),
        ([LATE, LEARNS], steps(noise=0.45), WITHIN.format(69) + " and reaches 90 % 3.1 times sooner"),
        (
            [training("Seq2seq", [0.2, 0.5, 0.4], 6.0), training("PeekySeq2seq", [0.3, 0.6, 0.95], 2.0)],
            (),
            "Peeky reaches 90 % after 3 epochs; the baseline does not reach 90 % within 3 epochs "
            "(best 50 %, where Peeky is 3.0 times sooner)",
        ),
        (
            [LATE, training("PeekySeq2seq", [0.3] * 7, 1.0)],
            (),
            "Peeky does not reach 90 % within 7 epochs (best 30 %); the baseline does after 7",
        ),
        (
            [FAILS, training("PeekySeq2seq", [0.1, 0.2, 0.3], 1.0)],
            (),
            "Peeky does not reach 90 % within 3 epochs (best 30 %); nor does the baseline (best 54 %)",
        ),
        (
            [
                training(model, [0.95], step, reverse=False)
                for model, step in (("Seq2seq", 1.0), ("PeekySeq2seq", 9.0))
            ],
            (),
            "Peeky reaches 90 % 9.0 times later",
        ),
        (
            [training("Seq2seq", [0.95], 1.0, False), training("PeekySeq2seq", [0.95], 9.0, False), LATE, LEARNS],
            (),
            "Peeky reaches 90 % 3.1 times sooner",
        ),
        ([], (), ""),
    ],
)
def test_the_headline_is_about_reversed_questions_if_both_models_read_them(curves, more, text):
    assert story.headline(result(*curves, more=more)) == text


@pytest.mark.parametrize(
    ("plain", "peeky", "expected"),
    [((1.0, 2.0, 4.0), (1.1, 2.4, 4.4), (1.1, 1.1, 1.15)), ((1.0, 2.0, 4.0), (3.0,), (1.5, 1.5, 1.5))],
)
def test_the_overhead_is_taken_within_each_round_or_from_the_medians(plain, peeky, expected):
    (found,) = story.overheads(result(more=steps(plain, peeky)))
    assert (found.low, found.middle, found.high) == pytest.approx(expected)


def test_the_overhead_is_that_of_numba_or_of_who_is_asked_for():
    both = result(
        more=(*steps(contestant="book", peeky=(1.5,)), *steps(), *steps(H=256, peeky=(1.1,)), *steps(H=32)[:1])
    )
    found = [(o.hidden, o.contestant, round(o.middle, 6)) for o in story.overheads(both)]
    assert found == [(128, "numba", 1.14), (256, "numba", 1.1)]
    assert [(o.hidden, o.middle) for o in story.overheads(both, "book")] == [(128, 1.5)]
    assert [o.contestant for o in story.overheads(result(more=steps(contestant="book")))] == ["book"]


def test_the_price_in_time_parameters_and_operations():
    found = story.sentences(made_up(curves=[]))
    assert found[0] == (
        "H=128: a step of PeekySeq2seq takes 15 % more time than one of Seq2seq (numba; quartiles +15 to +15 %); "
        "it has 48 % more parameters and 51 % more operations in matrix products."
    )
    assert found[1].startswith("H=256: a step of PeekySeq2seq takes 11 % more time")
    assert story.sentences(result(more=steps(noise=0.45))) == [
        "H=128: a step of PeekySeq2seq takes 14 % more time than one of Seq2seq, which is within the noise of "
        "\u00b169 % (numba; quartiles +14 to +14 %)."
    ]


def test_learning_is_told_by_medians_over_the_seeds():
    seeds = [training("PeekySeq2seq", [0.1] * k + [0.9, 0.95 + k / 100], 2.0, seed=k) for k in (0, 1, 3)]
    (found,) = story.learning(result(*seeds, training("PeekySeq2seq", [0.5], 2.0, contestant="numpy")))
    assert found == ("PeekySeq2seq", True, 3, 2, 3, 2, 4.0, 0.95, 0.96, 0.98, 0.98), "of one backend"
    assert story.sentences(result(*seeds)) == [
        "Peeky, reversed: 90 % right after 2 epochs, 4 s of training; at the end 96.0 % (95.0 to 98.0, 3 trainings)."
    ]


def test_a_seed_that_never_learns_leaves_no_median():
    curves = [training("Seq2seq", [0.1, share], 1.0, reverse=False) for share in (0.95, 0.2)]
    assert story.sentences(result(*curves)) == [
        "Baseline: 90 % not within 2 epochs in 1 of 2 trainings; at the end 57.5 % (20.0 to 95.0, 2 trainings)."
    ]


def test_numbers_to_quote_lie_beyond_their_noise():
    quiet = made_up()
    found = story.numbers(quiet)
    assert ("3.0×", "as fast as numpy in a training step (numba, geometric mean of 7 cases)") in found
    assert ("1.50×", "as fast as PyTorch for one layer (numba, geometric mean of 3 cases)") in found
    assert not any("numpy for one layer" in what for _, what in found)  # PyTorch comes closer
    assert ("80 %", "of the processor's peak in LSTM layers (numba)") in found
    noisy = replace(quiet, rows=[replace(r, noise=30.0) for r in quiet.rows])
    assert not any("as fast as" in what for _, what in story.numbers(noisy))

"""Learning curves are those of the command; what rows are made of them."""

import random

import pytest

from fasts2s.backend import use_backend
from fasts2s.bench.learning import VARIANTS, Variant, curve, rows
from fasts2s.bench.results import Curve

PEEKY, PLAIN = Variant("PeekySeq2seq", True), Variant("Seq2seq", False)


def test_a_curve_is_what_the_command_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("fasts2s.commands.training_run.draw_curve", lambda *_: None)
    draw, found = random.Random(3), {}
    lines = ["".join(draw.choice("abcd") for _ in range(3)) for _ in range(1500)]
    path = tmp_path / "first.txt"  # the answer is the first letter of the question
    path.write_text("".join(f"{line}_{line[0]}\n" for line in lines), encoding="utf-8")
    with use_backend("numpy"):
        for variant in VARIANTS:
            found[variant] = curve(variant, 7, 3, path)
            printed = capsys.readouterr().out
            assert ("with reversed input" in printed) == variant.reverse
            for loss, share in zip(found[variant].loss, found[variant].accuracy, strict=True):
                assert f"loss {loss:.4f}  accuracy {100 * share:6.2f} %" in printed
        assert len({one.loss for one in found.values()}) == 4
        assert curve(PEEKY, 7, 3, path).loss == found[PEEKY].loss != curve(PEEKY, 8, 3, path).loss
        with pytest.raises(RuntimeError, match=r"--epochs 1 .* failed"):
            path.write_text("ab_a\n" * 5, encoding="utf-8")
            curve(PLAIN, 1, 1, path)
    peeky = found[PEEKY]
    assert (peeky.model, peeky.reverse, peeky.seed, peeky.contestant) == (*PEEKY, 7, "numpy")
    assert 0 < peeky.seconds[0] < peeky.seconds[1] < peeky.seconds[2]


def made(seed, accuracy, seconds, variant=PEEKY, contestant="numba"):
    return Curve(*variant, seed, contestant, tuple(accuracy), (1.0,) * len(accuracy), tuple(seconds))


def test_rows_of_three_seeds():
    found = [
        made(9, (0.1, 0.95, 0.96), (1.0, 3.0, 6.0)),
        made(2, (0.2, 0.80, 0.90), (2.0, 4.0, 6.0)),
        made(5, (0.3, 0.40, 0.50), (2.0, 5.0, 7.0)),
    ]
    accuracy, epoch = rows(found, 0.3)
    assert accuracy.key == ("learning", "PeekySeq2seq reversed: accuracy after 3 epochs", "numba")
    assert (accuracy.unit, accuracy.rounds, accuracy.noise) == ("share", (0.96, 0.90, 0.50), 0.0)
    assert (accuracy.low, accuracy.value, accuracy.high) == pytest.approx((0.7, 0.9, 0.93))
    assert epoch.key == ("learning", "PeekySeq2seq reversed: one epoch", "numba")
    assert (epoch.unit, epoch.rounds) == ("s", (1.0, 2.0, 3.0, 2.0, 2.0, 2.0, 2.0, 3.0, 2.0))
    assert (epoch.low, epoch.value, epoch.high, epoch.noise) == (2.0, 2.0, 2.0, 0.3)
    assert accuracy.info == epoch.info
    assert accuracy.info == {
        "sizes": {"D": 16, "H": 128, "N": 128},
        "seeds": [9, 2, 5],
        "epochs": [3, 3, 3],
        "epochs_to_90": [2, 3, None],
        "seconds_to_90": [3.0, 6.0, None],
    }


def test_variants_and_contestants_have_rows_of_their_own_over_the_epochs_that_all_have():
    found = [
        made(1, (0.5, 0.6), (1.0, 2.0), variant, who) for who in ("numba", "numpy") for variant in (PEEKY, PLAIN)
    ]
    made_of = rows([*found, made(2, (0.7,), (1.0,))])
    first, second = "accuracy after 1 epoch", "accuracy after 2 epochs"
    assert [row.key[1:] for row in made_of if row.unit == "share"] == [
        (f"PeekySeq2seq reversed: {first}", "numba"),
        (f"Seq2seq: {second}", "numba"),
        (f"PeekySeq2seq reversed: {second}", "numpy"),
        (f"Seq2seq: {second}", "numpy"),
    ]
    assert (made_of[0].rounds, len(made_of[1].rounds)) == ((0.5, 0.7), 3)

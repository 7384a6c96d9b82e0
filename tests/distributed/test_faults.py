"""One rank is killed, hangs, fails or is not like the others: all end soon, and say which one it was."""

import re
import time

import pytest

from tests.distributed.helpers import ROOT, run

PROGRAM = str(ROOT / "tests" / "distributed" / "faulty.py")
#: Seconds from the fault to the end of all, and those to start and train before it.
SOON, BEFORE = 10, 10


def said(fault, *more, ranks=2):
    start = time.monotonic()
    status, out, err = run(ranks, PROGRAM, fault, *map(str, more))
    assert time.monotonic() - start < SOON + BEFORE
    ours = [line for line in err.splitlines() if line.startswith("fasts2s: ") or "RankError" in line]
    return status, out, ours, err


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("stopped", "fasts2s: rank 1 has said nothing for . s: it hangs"),
        ("late", "fasts2s: rank 1 has not come for . s, the others wait: it hangs"),
        ("asleep", "fasts2s: rank 1 has not come for . s, the others wait: it does nothing"),
        ("memory", "fasts2s: rank 1 cannot go on: MemoryError: no memory for 3 TB; all ranks end"),
    ],
)
def test_a_rank_that_does_not_go_on_is_named(fault, line):
    status, _, ours, _ = said(fault)
    assert status != 0
    assert len(ours) == 1
    assert re.match(line, ours[0])


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("data", "rank 1 has data of hash"),
        ("version", "rank 1 has fasts2s 0.0.1, rank 0 has fasts2s"),
        ("epochs", "rank 1 has epochs 20, rank 0 has epochs 10"),
    ],
)
def test_a_rank_that_is_not_like_the_others_is_named(fault, words):
    status, _, ours, err = said(fault)
    assert status != 0
    assert words in ours[-1]
    assert err.count("Traceback") == 1  # rank 0's own: all others are quiet


def test_weights_that_differ_are_seen_at_the_next_checkpoint(tmp_path):
    status, _, ours, _ = said("weights", tmp_path / "c.npz")
    assert status != 0
    assert "the weights of rank 1 are no longer those of rank 0" in ours[-1]


def test_where_all_fail_together_nobody_is_blamed():
    status, _, _, err = said("all")
    assert status != 0
    assert err.count("FloatingPointError: all of them fail") == 1
    assert "fasts2s: rank" not in err


@pytest.mark.parametrize(("fault", "after"), [("killed", 3), ("exit", 1), ("stop", 3)])
def test_a_training_goes_on_from_its_last_checkpoint_with_any_number_of_ranks(fault, after, tmp_path):
    checkpoint = tmp_path / "c.npz"
    assert said(fault, checkpoint)[0] != 0
    assert checkpoint.exists()
    status, resumed, _, err = said("none", checkpoint, ranks=after)
    assert status == 0, err
    steps = int(resumed.split()[1])
    # It did not begin anew. The last file was perhaps not written yet; a signal ends all after the next step.
    assert steps in ({39} if fault == "stop" else {41, 42, 45, 46})


def test_a_resumed_training_gets_the_same_weights(tmp_path):
    checkpoint = tmp_path / "c.npz"
    whole = said("none", tmp_path / "other.npz")[1].split()
    assert said("stop", checkpoint)[0] != 0
    resumed = said("none", checkpoint)[1].split()
    assert whole[0] == resumed[0]

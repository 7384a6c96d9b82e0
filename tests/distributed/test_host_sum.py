"""Sums over ranks, on one machine, on several, and where no memory can be shared."""

from pathlib import Path

import pytest

from fasts2s.distributed import host_sum
from tests.distributed.helpers import ROOT, run

PROGRAM = str(ROOT / "tests" / "distributed" / "summing.py")
needs_memory = pytest.mark.skipif(not Path(host_sum._FOLDER).is_dir(), reason="here no file is memory")


def files():
    return set(Path(host_sum._FOLDER).glob("fasts2s-*"))


@needs_memory
@pytest.mark.parametrize(
    ("ranks", "machine", "where", "is_shared"),
    [
        (2, 2, "", True),
        (3, 3, "", True),
        (4, 2, "", True),  # two machines of two
        (4, 1, "", False),  # four machines of one
        (3, 2, "uneven", False),  # machines of one and of two
        (2, 2, "none", False),
    ],
)
def test_a_sum_is_right_and_the_same_on_all_ranks(ranks, machine, where, is_shared):
    before = files()
    status, out, err = run(ranks, PROGRAM, str(machine), where)
    assert (status, err) == (0, "")
    assert out.split() == ranks * [str(is_shared)]
    assert files() <= before


@needs_memory
def test_memory_that_is_not_there_is_not_taken(monkeypatch):
    assert host_sum._new_file(1 << 60) == (-1, "")
    monkeypatch.setattr(host_sum, "_FOLDER", "/nowhere")
    assert host_sum._new_file(4096) == (-1, "")

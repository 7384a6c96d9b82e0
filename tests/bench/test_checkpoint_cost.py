"""The program that measures what a checkpoint costs."""

import re

from benchmarks import checkpoint_cost
from fasts2s.models import Seq2seq
from fasts2s.optimizers import SGD


def test_a_line_says_what_checkpoints_cost(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint_cost, "MODELS", {"small": lambda: (Seq2seq(5, 4, 8), SGD(), (2, 3, 4))})
    line = checkpoint_cost.cost("small", 2, 3, tmp_path)
    assert re.match(r"small +[\d.]+ ms a step  checkpoint +[\d.]+ MB  stop +[\d.]+ ms \([\d.]+ %, longest", line)
    assert (tmp_path / "checkpoint.npz").is_file()

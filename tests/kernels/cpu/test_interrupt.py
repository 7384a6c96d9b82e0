"""Ctrl-C: it comes soon, and whoever goes on training has lost nothing but the step."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.kernels.cpu import interrupts
from tests.kernels.cpu.cached import assert_valid
from tests.kernels.cpu.processes import fresh
from tests.kernels.cpu.training import warm_up

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the interrupting process is a fork")


def test_training_goes_on_after_ctrl_c(tmp_path: Path, record_testsuite_property: Any) -> None:
    fresh(warm_up, timeout=600)
    path = str(tmp_path / "steps.npz")
    found = fresh(interrupts.train, 15, path).result
    record_testsuite_property("seconds until KeyboardInterrupt", max(found["waited"]))
    assert len(found["waited"]) == 15
    assert max(found["waited"]) < 30  # not never: how soon is measured by tests/kernels/cpu/many_times.py
    assert found["finite"]
    assert fresh(interrupts.replay, path).result == [True] * 15


def test_compiling_goes_on_after_ctrl_c(tmp_path: Path) -> None:
    delays = np.random.default_rng(2).uniform(0, 0.6, 6).tolist()
    found = fresh(interrupts.compile_kernels, delays, FASTS2S_CACHE_DIR=str(tmp_path)).result
    assert found["interrupted"] == len(delays)
    assert found["right"]
    (folder,) = tmp_path.iterdir()
    assert_valid(folder)
    again = fresh(interrupts.compile_kernels, [], FASTS2S_CACHE_DIR=str(tmp_path))
    assert again.result["right"]
    assert not again.compiled

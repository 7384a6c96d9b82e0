"""Processes that begin to compile at the same moment into one empty folder: all right, and the folder stays whole."""

import os
from pathlib import Path

import pytest

from tests.kernels.cpu import cached
from tests.kernels.cpu.processes import fresh

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the processes are forks")


@pytest.mark.parametrize("processes", [2, 2, 4])
def test_one_empty_folder(tmp_path: Path, processes: int) -> None:
    changes = {"FASTS2S_CACHE_DIR": str(tmp_path)}
    found = fresh(cached.race, processes, **changes).result
    assert len(found) == processes
    assert all(result["right"] and result["warnings"] == [] for result in found)
    (folder,) = tmp_path.iterdir()
    cached.assert_valid(folder)
    after = fresh(cached.use, **changes)
    assert after.result["right"]
    assert not after.compiled

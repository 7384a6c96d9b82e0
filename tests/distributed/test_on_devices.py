"""Ranks whose arrays lie on devices: on the stand-in for a GPU."""

import numpy as np
import pytest

from tests.conftest import STANDS_IN
from tests.distributed.helpers import ROOT, run

PROGRAM = str(ROOT / "tests" / "distributed" / "on_devices.py")


@pytest.mark.skipif(not STANDS_IN, reason="CuPy itself is tested, on one GPU")
@pytest.mark.parametrize("how", ["nccl", "host"])
def test_gradients_are_summed(how, shim, tmp_path):
    for ranks in (1, 2):
        status, _, err = run(ranks, PROGRAM, str(tmp_path / f"{ranks}.npz"), how, FASTS2S_BACKEND="cupy")
        assert status == 0, err
        assert ("there is no NCCL" in err) == (how == "host" and ranks == 2)
    with np.load(tmp_path / "1.npz") as one, np.load(tmp_path / "2.npz") as two:
        for name in one.files:
            assert np.linalg.norm(one[name] - two[name]) <= 1e-6 * np.linalg.norm(one[name])

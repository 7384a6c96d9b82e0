"""Ranks that train together get what one process gets."""

import numpy as np
import pytest

from tests.distributed.helpers import ROOT, run

PROGRAM = str(ROOT / "tests" / "distributed" / "trainings.py")


def trained(ranks, dtype, folder):
    file = folder / f"{ranks}-{dtype}.npz"
    status, _, err = run(ranks, PROGRAM, dtype, str(file))
    assert (status, err) == (0, "")
    with np.load(file) as arrays:
        return dict(arrays)


@pytest.mark.parametrize(("dtype", "most"), [("float32", 1e-6), ("float64", 1e-12)])
@pytest.mark.parametrize("ranks", [2, 3])
def test_parameters_are_those_of_one_process(ranks, dtype, most, tmp_path):
    alone, together = trained(1, dtype, tmp_path), trained(ranks, dtype, tmp_path)
    assert alone.keys() == together.keys()
    for name, wanted in alone.items():
        difference = np.linalg.norm(together[name].astype(np.float64) - wanted)
        assert difference <= most * np.linalg.norm(wanted), name
    # Dropout and shuffling have drawn the same numbers.
    assert (alone["drawn"] == together["drawn"]).all()

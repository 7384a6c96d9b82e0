"""What the tests of checkpoints share: arrays to save, files that know their step."""

import os
from pathlib import Path

import numpy as np
import pytest

from fasts2s.checkpoint import load_arrays, previous_path, save_arrays

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX behaviour")


def small(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "layers/0.Wx": rng.standard_normal((3, 5)).astype(np.float32),
        "mask": rng.random(7) < 0.5,
        "b": rng.standard_normal(4),
    }


def same(got: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> bool:
    return list(got) == list(expected) and all(
        got[k].dtype == a.dtype and got[k].shape == a.shape and got[k].tobytes() == a.tobytes()
        for k, a in expected.items()
    )


def state(step: int) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Return arrays and meta of which every element tells the step."""
    return {"x": np.full(30_000, step, np.float32), "b": np.full(3, step)}, {"step": step}


def save(path: Path, step: int) -> None:
    save_arrays(path, *state(step))


def load_step(path: Path) -> int:
    """Return the step of a file after checking that all of it belongs to one step."""
    arrays, meta = load_arrays(path)
    assert set(arrays) == {"x", "b"} and arrays["x"].shape == (30_000,)
    assert all((array == meta["step"]).all() for array in arrays.values())
    return meta["step"]


def temporaries(path: Path) -> list[str]:
    return [file.name for file in path.parent.iterdir() if file not in {path, previous_path(path)}]

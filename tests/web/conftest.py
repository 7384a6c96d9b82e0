"""Models that were trained for a moment, and a client of the application without a network."""

import asyncio
import contextlib
import io

import httpx
import numpy as np
import pytest

from fasts2s.backend import use_backend
from fasts2s.cli import main
from fasts2s.web.folders import load_models

WORDS = ["one", "two", "three", "four", "five"]
TINY = ["--hidden", "12", "--wordvec", "8", "--seed", "3", "--backend", "numpy"]


def _write_files(folder):
    rng = np.random.default_rng(0)
    rows = [rng.choice(WORDS, 3) for _ in range(60)]
    pairs = [f"{' '.join(row)}\t{' '.join(word.upper() for word in row)}" for row in rows]
    (folder / "pairs.tsv").write_text("\n".join(pairs) + "\n", encoding="utf-8")
    sums = [f"{a}+{b}".ljust(5) + f"_{a + b}".ljust(4) for a in range(12) for b in range(12)]
    (folder / "sums.txt").write_text("\n".join(sums) + "\n", encoding="utf-8")
    (folder / "text.txt").write_text("you say goodbye and i say hello .\n" * 60, encoding="utf-8")


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Return a folder with one trained model of every kind: pairs, plain, sums, looks and words."""
    made = tmp_path_factory.mktemp("models")
    _write_files(made)
    pairs, sums = (
        ["pairs", str(made / "pairs.tsv")],
        ["addition", "--data", str(made / "sums.txt"), "--batch-size", "16"],
    )
    tasks = {
        "pairs": [*pairs, "--reverse"],
        "plain": [*pairs, "--attention", "none", "--cell", "gru", "--bidirectional"],
        "sums": [*sums, "--model", "peeky", "--reverse"],
        "looks": [*sums, "--model", "attention", "--reverse"],
        "words": ["lm", str(made / "text.txt"), "--batch-size", "4"],
    }
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for name, task in tasks.items():
            assert main(["train", *task, *TINY, "--epochs", "2", "--out", str(made / name)]) == 0
    return made


@pytest.fixture(scope="session")
def models(folders):
    """Return all models by their names."""
    with use_backend("numpy"):
        return load_models([str(folders / name) for name in ("pairs", "plain", "sums", "looks", "words")])


def send(app, method, path, **options):
    """Return what the application answers to one request."""

    async def run():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            return await client.request(method, path, **options)

    return asyncio.run(run())

"""From the start of a process to the end of its first training step, with an empty and with a filled cache."""

from itertools import count

import pytest

from fasts2s.bench import starting

WAYS = (("numpy", "none"), ("numba", "filled"), ("numba", "empty"))
ROUNDS = 5


@pytest.mark.parametrize(("name", "cache"), WAYS, ids=[f"{name}, {cache} cache" for name, cache in WAYS])
def test_start(name, cache, tiny, benchmark, tmp_path):
    """Seconds until the first step of Seq2seq on addition; the loss has to be a number."""
    if tiny and name != "numpy":
        pytest.skip("a smoke test compiles nothing")
    found, folders = [], count()
    filled = tmp_path / "filled"

    def start():
        folder = {"none": None, "filled": filled, "empty": tmp_path / f"empty{next(folders)}"}[cache]
        found.append(starting.seconds(name, folder))

    if not tiny:
        starting.seconds(name, filled)  # files into the system's memory; the cache
    benchmark.group = "start to first step"
    benchmark.pedantic(start, rounds=1 if tiny else ROUNDS)
    # The plugin's own figures have the end of the process in them.
    benchmark.extra_info.update({"backend": name, "cache": cache, "seconds_to_first_step": found})

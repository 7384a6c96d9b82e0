"""Memory that is used again: only when nobody sees it any more, and never without bound."""

import gc
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from fasts2s_kernels.cpu import memory

SHAPE = (3, 5000)
BYTES = 4 * 3 * 5000


@pytest.fixture(autouse=True)
def _pooled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(memory, "FROM", 1 << 15)
    gc.collect()
    memory._shelves.clear()
    yield
    memory._shelves.clear()


def _place(a: np.ndarray) -> int:
    return int(a.ctypes.data)


def test_an_array_is_as_any_other() -> None:
    a = memory.empty(*SHAPE)
    assert type(a) is np.ndarray
    assert (a.shape, a.dtype) == (SHAPE, np.float32)
    assert a.flags.c_contiguous
    assert a.flags.writeable
    assert a.flags.aligned
    assert _place(a) % 64 == 0
    a[...] = 7
    assert a.sum() == 7 * a.size


def test_what_died_is_used_again() -> None:
    a = memory.empty(*SHAPE)
    place = _place(a)
    del a
    assert memory.held() >= BYTES
    assert _place(memory.empty(*SHAPE)) == place


def test_a_view_keeps_the_memory() -> None:
    a = memory.empty(*SHAPE)
    a[...] = 1
    views = [a[1:].T[::2], memoryview(a)]
    del a
    b = memory.empty(*SHAPE)
    b[...] = 2
    assert (np.asarray(views.pop()) == 1).all()
    assert (views[0] == 1).all()
    assert not np.shares_memory(views[0], b)


def test_live_arrays_never_overlap() -> None:
    rng, alive = np.random.default_rng(0), []
    for k in range(400):
        a = memory.empty(int(rng.integers(1 << 13, 1 << 15)))
        a[...] = k
        alive.append((a, k))
        if len(alive) > 12:
            alive.pop(int(rng.integers(12)))
    assert all((a == k).all() for a, k in alive)


def test_small_arrays_are_numpys_own() -> None:
    assert memory.empty(2, 3).flags.owndata
    assert memory.empty(0, 7).shape == (0, 7)
    assert memory.held() == 0


def test_a_shelf_is_bounded() -> None:
    size = memory.ON_SHELF // 8 // 4  # elements
    arrays = [memory.empty(size) for _ in range(12)]
    assert len({_place(a) for a in arrays}) == 12
    arrays.clear()
    assert 0 < memory.held() <= memory.ON_SHELF
    assert memory.empty(memory.ON_SHELF // 4 + 1).size > size  # larger than a shelf: goes to the system
    assert memory.held() <= memory.ON_SHELF


def test_all_shelves_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "IN_ALL", 1 << 20)
    alive = []
    for k in range(60):
        alive.append(memory.empty(16384 + 4096 * k))
        assert memory.held() <= 1 << 20
    alive.clear()
    a = memory.empty(100_000)  # what nobody uses any more makes room
    place = _place(a)
    del a
    assert _place(memory.empty(100_000)) == place


def test_memory_has_no_finaliser() -> None:
    # Ctrl-C during one would be lost.
    assert not any(hasattr(c, "__del__") for c in vars(memory).values() if isinstance(c, type))


def test_threads_do_not_share_blocks() -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(300):
            a, b = memory.empty(*SHAPE), memory.empty(*SHAPE)
            a[...], b[...] = number, -number
            if not ((a == number).all() and (b == -number).all()):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong

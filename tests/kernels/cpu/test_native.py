"""The function that Python calls to run kernels: what it makes of a record, and what it refuses."""

import ctypes
from typing import Any

import numpy as np
import pytest

from fasts2s_kernels.cpu import code, native
from fasts2s_kernels.cpu.kinds import DOUBLE, INT, SINGLE, Array

KINDS = [INT, DOUBLE, SINGLE, Array(SINGLE, 1), Array(SINGLE, 2)]
ARRAY = np.arange(6, dtype=np.float32)
EMPTY = np.empty((0, 3), np.float32)


class Runners:
    """In the place of the two runners: they note what they are given, and the eight bytes of each field."""

    def __init__(self) -> None:
        self.given: list[tuple[int, ...]] = []
        self.slots: list[int] = []
        self._kept = [ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * count)(self._note) for count in (8, 10)]
        addresses = [ctypes.cast(runner, ctypes.c_void_p).value or 0 for runner in self._kept]
        self.plan = native.plan((addresses[0], addresses[1]), [11, 12, 13], KINDS)

    def _note(self, *given: int) -> None:
        self.given.append(given[:-1])
        self.slots = list((ctypes.c_int64 * len(KINDS)).from_address(given[-1]))

    def run(self, *fields: Any, board: int = 0) -> None:
        native.run(ctypes.addressof(self.plan), board, 2, 3, 8, 4, 5, fields)


def test_a_record_is_packed_and_the_serial_runner_called():
    runners = Runners()
    runners.run(7, 1.5, 2.5, ARRAY, EMPTY)
    assert runners.given == [(11, 3, 12, 8, 4, 13, 5)]
    bits = [int(np.float64(1.5).view(np.int64)), int(np.float32(2.5).view(np.int32))]
    assert runners.slots == [7, *bits, ARRAY.ctypes.data, 0]


def test_with_a_board_the_parallel_runner_is_called():
    runners = Runners()
    runners.run(np.int64(-1), np.float32(1), 0.5, ARRAY[1:], EMPTY, board=99)
    assert runners.given == [(99, 2, 11, 3, 12, 8, 4, 13, 5)]
    assert runners.slots[0] == -1
    assert runners.slots[3] == ARRAY.ctypes.data + 4


def test_an_array_of_a_class_below_numpys_is_one():
    class Mine(np.ndarray):
        pass

    runners = Runners()
    runners.run(7, 1.5, 2.5, ARRAY.view(Mine), EMPTY)
    assert runners.slots[3] == ARRAY.ctypes.data


@pytest.mark.parametrize(
    "fields",
    [
        ("7", 1.5, 2.5, ARRAY, EMPTY),
        (7.5, 1.5, 2.5, ARRAY, EMPTY),
        (7, "1.5", 2.5, ARRAY, EMPTY),
        (7, 1.5, None, ARRAY, EMPTY),
        (7, 1.5, 2.5, [1.0], EMPTY),
        (7, 1.5, 2.5, ARRAY, None),
    ],
    ids=repr,
)
def test_what_is_of_another_type_is_an_error_and_nothing_runs(fields):
    runners = Runners()
    with pytest.raises(TypeError):
        runners.run(*fields)
    assert runners.given == []


def test_a_number_that_is_too_large_is_an_error():
    runners = Runners()
    with pytest.raises(OverflowError):
        runners.run(1 << 63, 1.5, 2.5, ARRAY, EMPTY)
    assert runners.given == []


def test_objects_that_lie_otherwise_in_memory_are_an_error_at_import(monkeypatch):
    native._require_layout()
    monkeypatch.setattr(native, "_HEAD", native._HEAD + 8)
    with pytest.raises(ImportError, match="do not lie in memory as fasts2s expects"):
        native._require_layout()


def test_code_that_needs_what_nobody_has_is_an_error():
    wanted = code.Object("f", ("a_function_of_nobody",), b"")
    with pytest.raises(RuntimeError, match="a_function_of_nobody is not there"):
        code.load(wanted)


def test_an_object_is_the_same_after_it_was_bytes():
    wanted = code.Object("f", ("memset", "g"), b"\0code\0")
    assert code.Object.from_bytes(wanted.to_bytes()) == wanted
    assert code.Object.from_bytes(code.Object("f", (), b"x").to_bytes()).needs == ()

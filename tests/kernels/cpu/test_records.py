"""Records and pointers of the kernel language, compiled and plain: types of fields, alignment, tables."""

import contextlib
from typing import Any, NamedTuple

import numpy as np
import pytest

from fasts2s_kernels import load
from fasts2s_kernels.cpu import gemm, jit, plain
from fasts2s_kernels.cpu.jit import kernel
from fasts2s_kernels.cpu.kinds import Int
from fasts2s_kernels.cpu.launch import LAUNCHES, Launch
from fasts2s_kernels.cpu.pointer import address, aligned, floats_at, is_aligned, nothing, offset
from fasts2s_kernels.cpu.record import C1, C2, Double, Ids1, Out1, OutIds2, Single, record
from fasts2s_kernels.cpu.target import LANES


@record
class Fields(NamedTuple):
    """A field of every sort."""

    count: Int
    x: C1
    out: Out1
    ids: Ids1
    small: Single
    large: Double


@kernel
def fill_fields(worker: Int, task: Int, a: Fields) -> None:
    for k in range(a.count):
        a.out[k] = a.x[a.ids[k]] * a.small + a.large


FILL = Launch(Fields, fill_fields)


@record
class Copied(NamedTuple):
    """What is copied to where."""

    count: Int
    x: C1
    out: Out1


@kernel
def copy_numbers(worker: Int, task: Int, a: Copied) -> None:
    gemm.copy_row(a.out, a.x, a.count)


COPY = Launch(Copied, copy_numbers)


@record
class Places(NamedTuple):
    """An array, and what kernels say of places in it."""

    x: C2
    none: C1
    k: Int
    out: OutIds2


@kernel
def tell_places(worker: Int, task: Int, a: Places) -> None:
    place = a.x + a.k
    a.out[0], a.out[1] = address(place), address(aligned(place, LANES))
    a.out[2] = 1 if is_aligned(place, LANES) else 0
    a.out[3], a.out[4], a.out[5] = address(a.none), address(offset(a.none, 3)), address(nothing(a.x))
    a.out[6] = 1 if floats_at(0, 5) else 0


PLACES = Launch(Places, tell_places)


@record
class Lines(NamedTuple):
    """Addresses of arrays, and how long they are."""

    count: Int
    table: OutIds2
    line: Int


@kernel
def add_one(worker: Int, task: Int, a: Lines) -> None:
    p = floats_at(a.table[2 * a.line], a.table[2 * a.line + 1])
    for k in range(a.count):
        p[k] = p[k] + np.float32(1)


ADD_ONE = Launch(Lines, add_one)


@pytest.fixture(params=["compiled", "plain"])
def way(request, monkeypatch):
    """Both ways of running kernels, with the types of fields looked at."""
    monkeypatch.setattr(Launch, "checked", True)
    with plain.kernels() if request.param == "plain" else contextlib.nullcontext():
        yield request.param


def _fields(**other: Any) -> Fields:
    x, ids = np.arange(4, dtype=np.float32), np.array([3, 0], np.int64)
    return Fields(**{"count": 2, "x": x, "out": np.zeros(2, "f"), "ids": ids, "small": 0.1, "large": 0.5} | other)


def test_numbers_and_arrays_arrive(way):
    fields = _fields()
    FILL(1, fields, 1)
    assert fields.out.tolist() == [np.float32(3 * np.float64(np.float32(0.1)) + 0.5), 0.5]


def test_a_kernel_may_be_named_in_its_module(way):
    x, out = np.arange(4, dtype=np.float32), np.zeros(3, np.float32)
    COPY(1, Copied(count=3, x=x, out=out), 1)
    assert out.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 2.0),
        ("x", np.arange(4.0)),
        ("x", np.arange(8, dtype=np.float32)[::2]),
        ("x", np.zeros((2, 2), np.float32)),
        ("out", np.broadcast_to(np.float32(0), 2)),
        ("ids", np.array([3, 0], np.int32)),
        ("small", 1),
        ("large", np.zeros(1)),
        ("x", None),
    ],
)
def test_a_wrong_type_is_told(way, name, value):
    with pytest.raises(TypeError, match=rf"^Fields\.{name} is .*, expected "):
        FILL(1, _fields(**{name: value}), 1)


def test_what_is_only_read_may_be_read_only(way):
    x = np.arange(4, dtype=np.float32)
    x.flags.writeable = False
    FILL(1, _fields(x=x), 1)


@pytest.mark.parametrize("k", [0, 1, 5])
def test_places(way, k):
    x, out = np.zeros((4, 4 * LANES), np.float32), np.full((1, 7), -1, np.int64)
    PLACES(1, Places(x=x, none=np.empty(0, np.float32), k=k, out=out), 1)
    place, rounded, even, *nowhere = out[0].tolist()
    assert place == x.ctypes.data + 4 * k
    assert nowhere == [0, 0, 0, 0]
    if way == "compiled":  # alignment changes no value: the plain twin leaves it out
        assert even == (place % (4 * LANES) == 0)
        assert (rounded % (4 * LANES), 0 <= rounded - place < 4 * LANES) == (0, True)


def test_a_table_of_addresses(way):
    lines = [np.zeros(3, np.float32), np.zeros(5, np.float32)]
    table = np.array([[a.ctypes.data, a.size] for a in lines], np.int64)
    ADD_ONE(1, Lines(count=4, table=table, line=1), 1)
    assert [a.tolist() for a in lines] == [[0, 0, 0], [1, 1, 1, 1, 0]]


def test_plain_kernels_stay_in_an_array_of_a_table():
    a = np.zeros(3, np.float32)
    table = np.array([[a.ctypes.data, a.size]], np.int64)
    with plain.kernels(), pytest.raises(IndexError, match="an array of a table: a kernel reaches for element 3 of 3"):
        ADD_ONE(1, Lines(count=4, table=table, line=0), 1)


class _Some(NamedTuple):
    """Two fields, of which a kernel reads one."""

    out: Out1
    other: C1


class _Optional(NamedTuple):
    """The same, where the other one may be left out."""

    out: Out1
    other: C1 = np.empty(0, np.float32)


@pytest.mark.parametrize("fields", [_Some, _Optional])
def test_a_field_without_a_default_is_read(fields):
    made = record(fields)

    def set_first(worker, task, a):
        a.out[0] = np.float32(3)

    set_first.__annotations__ = {"worker": Int, "task": Int, "a": made, "return": None}
    known, kernel_, launches = list(jit.REGISTRY), kernel(set_first), list(LAUNCHES)
    try:
        if fields is _Some:
            with pytest.raises(TypeError, match=r"^no kernel of \['set_first'\] reads _Some.other$"):
                Launch(made, kernel_).require_fields()
        else:
            out = np.zeros(1, np.float32)
            launch = Launch(made, kernel_)
            launch.require_fields()
            with plain.kernels():
                launch(1, made(out=out), 1)
            assert out == 3
    finally:
        jit.REGISTRY[:], LAUNCHES[:] = known, launches


def test_every_launch_and_kernel_reads_what_there_is():
    load("numba")
    for made in (*LAUNCHES, *jit.REGISTRY):
        made.require_fields()
    assert len(LAUNCHES) > 30


def test_a_field_that_there_is_not_is_told():
    def read_more(worker, task, a):
        a.out[0] = a.more

    read_more.__annotations__ = {"worker": Int, "task": Int, "a": Copied, "return": None}
    known = list(jit.REGISTRY)
    try:
        with pytest.raises(TypeError, match=r"^read_more reads a\.more, which Copied does not have$"):
            kernel(read_more).ensure()
    finally:
        jit.REGISTRY[:] = known

"""What a row could do at best, and which bound it is near: the values of made-up numbers."""

from dataclasses import replace

import pytest

from fasts2s.bench import kernel_ops, rows
from fasts2s.bench.limits import Limits, middle, nearest, read_seconds, told
from fasts2s.bench.measure import Contestant
from fasts2s.bench.peers import peak
from fasts2s.bench.processes import Worker
from tests.bench.small_plans import LAYER, STEP

READS = {2**16: 100.0, 2**20: 50.0, 2**28: 10.0}
LIMITS = [
    Limits(90.0, {size: 0.5 * speed for size, speed in READS.items()}),
    Limits(100.0, READS),
    Limits(300.0, READS),
]


@pytest.mark.parametrize(
    ("count", "speed"), [(0, 100.0), (2**10, 100.0), (2**18, 75.0), (2**20, 50.0), (2**24, 30.0), (2**30, 10.0)]
)
def test_bytes_are_read_as_fast_as_so_many_were_read(count, speed):
    assert read_seconds(count, READS) == pytest.approx(count / speed * 1e-9)


def test_medians_of_limits_are_taken_size_by_size():
    assert middle(LIMITS) == Limits(100.0, READS)
    assert middle([]) is None
    assert told([]) == {}
    without = [Limits(90.0, {}), Limits(95.0, {})]
    assert told([*without, LIMITS[1]]) == {
        "peak": "95.0 GFLOP/s",
        "reads": "100 GB/s of 64 KiB, 10.0 GB/s of 262144 KiB",
    }
    assert told(without) == {"peak": "92.5 GFLOP/s"}


def test_the_longest_of_the_least_times_is_the_bound_and_its_share_may_be_more_than_all():
    least = {"arithmetic": 2.0, "memory": 3.0, "Python": 1.0}
    assert nearest(least, 4.0) == {"bound": "memory", "bound_share": 0.75}
    assert nearest(least, 2.0) == {"bound": "memory", "bound_share": 1.5}
    assert nearest({}, 4.0) == {}


def of(tmp_path, case, seconds, settings=None, name="numba"):
    return Contestant(case, Worker(name, tmp_path, 1, 1.0), settings or {}, rounds=[seconds] * 3)


def bound_of(one, limits=LIMITS, *rivals):
    row, *_ = rows.of_times([[one, *rivals]], {}, {one.case.group: limits})
    return {key: row.info[key] for key in ("bound", "bound_share") if key in row.info}


def test_a_kernel_is_near_what_takes_longest_of_arithmetic_memory_and_python(tmp_path):
    cases = {case.name: case for case in kernel_ops.CASES}
    affine, embedding = (
        cases["affine_forward 512x128x13 (addition)"],
        cases["embedding_forward 128x7x13x16 (addition)"],
    )
    work = 2 * 512 * 128 * 13
    near = bound_of(of(tmp_path, affine, 1e-4, {"call": 1e-6}))
    assert near == {"bound": "arithmetic", "bound_share": pytest.approx(work / 100e9 / 1e-4)}
    # 8 bytes of an id, 16 floats of its row and of the result
    moved = kernel_ops.bytes_moved(embedding)
    assert moved == 128 * 7 * (8 + 2 * 16 * 4)
    near = bound_of(of(tmp_path, embedding, 1e-5, {"call": 1e-7}))
    assert near == {"bound": "memory", "bound_share": pytest.approx(read_seconds(moved, READS) / 1e-5)}
    near = bound_of(of(tmp_path, embedding, 1e-5, {"call": 7e-6}))
    assert near == {"bound": "Python", "bound_share": pytest.approx(0.7)}
    assert bound_of(of(tmp_path, embedding, 1e-5, {"call": 7e-6}), []) == {}, "memory is not known"
    assert bound_of(of(tmp_path, embedding, 1e-5, name="cupy")) == {}, "a GPU's memory is not known"


def test_of_steps_and_layers_arithmetic_alone_is_known(tmp_path):
    assert bound_of(of(tmp_path, STEP, 1.0)) == {
        "bound": "arithmetic",
        "bound_share": pytest.approx(STEP.flops / 100e9),
    }
    beside = of(tmp_path, LAYER, 0.25, name="FMA peak")
    assert bound_of(of(tmp_path, LAYER, 0.5), LIMITS, beside) == {"bound": "arithmetic", "bound_share": 0.5}
    assert bound_of(of(tmp_path, replace(LAYER, kind="softmax"), 0.5)) == {}


def test_the_cores_read_what_they_are_told_to_read(monkeypatch):
    monkeypatch.setattr(peak, "READ", (2**13, 2**14))
    monkeypatch.setattr(peak, "_MOST_READ", 2**15)
    monkeypatch.setattr(peak, "TURNS", 100)
    cores = peak.Peak(2)
    assert cores.memory.ctypes.data % 64 == 0
    assert cores.memory.nbytes >= 2**14
    cores.memory[: 2**12 // 4] = 3.0
    assert cores.read(cores.memory.ctypes.data, 2**12 // 4, 2) == 2 * 3.0 * 2**12 // 4
    found, asked = [], cores.read
    monkeypatch.setattr(cores, "read", lambda *given: found.append((given, asked(*given))))
    limits = cores.limits(reads=True)
    assert limits.gflops > 0
    assert [*limits.reads] == [2**13, 2**14]
    assert min(limits.reads.values()) > 0
    start = cores.memory.ctypes.data
    assert {given for given, _ in found} == {
        *((start + 2**12 * k, 2**10, 4) for k in range(2)),
        *((start + 2**13 * k, 2**11, 2) for k in range(2)),
    }
    assert cores.limits(reads=False).reads == {}

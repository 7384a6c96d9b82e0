"""What the dispatch chooses must fit the device, for every device and every size."""

from pathlib import Path

import pytest

import fasts2s_kernels
from fasts2s_kernels.gpu import dispatch, sources, specialisations
from fasts2s_kernels.gpu.dispatch import Device

KB = 1024
DEVICES = {  # compute capability, multiprocessors, shared memory of a block
    "T4": Device(75, 40, 64 * KB),
    "A100": Device(80, 108, 163 * KB),
    "A10": Device(86, 72, 99 * KB),
    "Orin": Device(87, 16, 163 * KB),
    "L4": Device(89, 58, 99 * KB),
    "H100": Device(90, 132, 227 * KB),
    "a slice of an H100": Device(90, 16, 227 * KB),
    "B200": Device(100, 148, 227 * KB),
    "RTX 5090": Device(120, 170, 99 * KB),
}
SIZES = [
    1,
    2,
    3,
    4,
    7,
    26,
    64,
    100,
    120,
    121,
    124,
    128,
    129,
    132,
    133,
    152,
    153,
    200,
    256,
    400,
    512,
    650,
    1024,
    1500,
    3000,
]


@pytest.fixture(params=DEVICES)
def device(request):
    return DEVICES[request.param]


@pytest.mark.parametrize("H", SIZES)
@pytest.mark.parametrize("N", [1, 20, 128, 1000])
def test_a_launch_fits_the_device(device, N, H):
    for kernel in specialisations.ROWS:
        rows = dispatch.rows(N, H, device, kernel)
        if rows is not None:
            assert 1 <= rows.blocks <= min(N, device.processors)
            assert rows.shared_memory <= device.shared_memory
            assert rows.kreg % 4 == 0
            assert rows.kreg > 0
            assert 4 * H <= 1024
    plan = dispatch.slices(N, H, device)
    if plan is None:
        return
    # All blocks of a launch must run at once: a barrier waits for every one of them.
    assert plan.slices * plan.groups <= device.processors
    assert max(plan.forward_memory, plan.backward_memory) <= device.shared_memory
    assert plan.slices * plan.units >= H > (plan.slices - 1) * plan.units
    assert plan.units <= dispatch.SLICE_THREADS
    assert plan.rows * plan.units <= plan.items * dispatch.SLICE_THREADS


def test_the_whole_book_has_a_launch_on_every_device(device):
    for H in (100, 128, 256):
        assert dispatch.rows(128, H, device, "backward") or dispatch.slices(128, H, device)


def test_too_large_a_layer_has_no_launch():
    assert dispatch.rows(1, 5000, DEVICES["H100"], "forward") is None
    assert dispatch.slices(1, 5000, DEVICES["H100"]) is None


def test_what_may_run_is_compiled():
    """Every plan's constants are among those that the compile gate looks at."""
    for device in DEVICES.values():
        known = {(s.module, s.defines) for s in specialisations.all_specialisations(device.arch)}
        for H in SIZES:
            for kernel, module in specialisations.ROWS.items():
                rows = dispatch.rows(128, H, device, kernel)
                assert rows is None or (module, specialisations.rows(H, rows.kreg)) in known
            plan = dispatch.slices(128, H, device)
            assert plan is None or ("lstm_slices", specialisations.slices(plan.rows, plan.items)) in known
        for V in (1, 13, 512, 513, 4096, 5000, 9000, 10_240, 10_241):
            for wide in (False, True):
                assert ("softmax_loss", specialisations.loss(dispatch.loss(V, wide), wide)) in known


@pytest.mark.parametrize("V", [1, 13, 512, 513, 4096, 4097, 8192, 8193, 10_240, 10_241, 10**6])
@pytest.mark.parametrize("wide", [False, True])
def test_a_thread_keeps_all_scores_of_its_row_or_none(V, wide):
    launch = dispatch.loss(V, wide)
    assert launch.values == 0 or launch.values * 32 * launch.warps >= V
    assert 32 * launch.warps * launch.rows <= 1024


def test_every_file_is_part_of_a_module():
    folder = Path(fasts2s_kernels.__file__).parent
    there = {file.relative_to(folder).with_suffix("").as_posix() for file in folder.rglob("*.cu")}
    assert {part for parts in sources.PARTS.values() for part in parts} == there
    assert sources.PARTS["attention"] == ("gpu/prelude", "ops/attention/attention")


def test_the_threads_of_a_kernel_are_those_of_its_text():
    assert sources.kernels("sums") == {1024: ("column_sums",)}
    assert sources.kernels("decoding") == {256: ("argmax_rows",)}  # as its text says
    assert sources.kernels("attention") == {256: ("attention_softmax", "attention_backward")}  # which says nothing
    known = {(s.module, *s.defines): (s.kernels, s.threads) for s in specialisations.all_specialisations(90)}
    assert known["rnn", "-DFS_REAL=double"] == (("rnn_fwd_step", "rnn_bwd_step"), 256)

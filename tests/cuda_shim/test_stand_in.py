"""Arrays of the stand-in for CuPy: what they share with CuPy's, and where they are stricter than NumPy's."""

import gc
import pickle

import numpy as np
import pytest

cupy = pytest.importorskip("cupy")
stand_in = pytest.importorskip("cupy.stand_in", reason="a real CuPy runs here")


@pytest.fixture
def a():
    return cupy.arange(12, dtype="f").reshape(3, 4)


@pytest.mark.parametrize(
    "mix",
    [lambda a, h: a + h, lambda a, h: h + a, lambda a, h: a.dot(h), lambda a, h: cupy.where(a > 1, h, a),
     lambda a, h: cupy.concatenate([a, h]), lambda a, h: np.concatenate([h, a]), lambda a, h: np.asarray(a),
     lambda a, h: a.__iadd__(h), lambda a, h: np.add(h, a), lambda a, h: cupy.array([a, h]),
     lambda a, h: np.add.at(h, 0, a),
     cupy.copyto, lambda a, h: h.__iadd__(a), lambda a, h: cupy.sum(h),
     lambda a, h: cupy.sum(a, where=True)],
)  # fmt: skip
def test_arrays_of_numpy_do_not_mix(a, mix):
    with pytest.raises(TypeError):
        mix(a, np.ones((3, 4), "f"))


def test_an_array_of_the_host_is_assigned_by_nobody(a):
    with pytest.raises(ValueError, match="cannot be used for fill"):
        a[...] = np.ones((3, 4), "f")
    a.set(np.ones((3, 4), "f"))
    a[1:] = 3
    assert a.get().tolist() == [[1] * 4, [3] * 4, [3] * 4]


def test_views_share_memory_and_results_do_not(a):
    for view in (
        a[1:, ::2],
        a.T,
        a.reshape(-1),
        a.swapaxes(0, 1),
        a[1, 2],
        a[0],
        a.view(),
        a.view("i4"),
        a.ravel(),
        a[None],
    ):
        assert cupy.shares_memory(a, view) and view.base is not None and not view.flags.owndata
    for fresh in (
        a[[0, 1]],
        a[a > 1],
        a.copy(),
        a.T.copy(),
        a + 0,
        a.astype("f"),
        a.astype("f8"),
        cupy.where(a > 1, a, a),
    ):
        assert not cupy.may_share_memory(a, fresh) and fresh.base is None and fresh.flags.owndata
    a[0][1] = 9
    a[1, 2][...] = 7
    assert a.get()[0, 1] == 9 and a.get()[1, 2] == 7
    assert a[0].base is a.base
    assert a.astype("f", copy=False) is a and cupy.asarray(a) is a and cupy.ascontiguousarray(a) is a


def test_a_number_stays_an_array(a):
    for value in (
        a[0, 1],
        a.sum(),
        a.max(),
        cupy.mean(a),
        a[0, 0] + a[0, 1],
        cupy.array(3.0),
        a.any(),
        cupy.dot(a[0], a[0]),
    ):
        assert isinstance(value, cupy.ndarray) and value.shape == ()
    assert float(a[0, 1]) == 1 and int(a[0, 1]) == 1 and bool(a[0, 1]) and f"{a[0, 1]:.1f}" == "1.0"
    with pytest.raises(TypeError):
        len(a[0, 1])


def test_flags_and_layout(a):
    assert (a.flags.c_contiguous, a.flags.f_contiguous, a.flags.forc) == (True, False, True)
    assert a.T.flags.f_contiguous and not a[:, ::2].flags.forc and a.flags["C_CONTIGUOUS"]
    assert not hasattr(a.flags, "writeable")
    assert (a.strides, a.nbytes, a.itemsize, a.data.ptr % 512) == ((16, 4), 48, 4, 0)
    assert a[1:].data.ptr == a.data.ptr + 16
    assert cupy.empty_like(a.T).flags.f_contiguous and cupy.empty((2, 3), order="F").flags.f_contiguous
    assert cupy.zeros_like(a.T, dtype="i8", order="C", shape=(5, 2)).strides == (16, 8)
    assert cupy.asfortranarray(a).flags.f_contiguous and (a.T + a.T).flags.f_contiguous
    assert a.astype("f8", order="F").flags.f_contiguous and a.copy("F").flags.f_contiguous


def test_a_product_writes_into_what_fits_only(a):
    b, out = a.T, cupy.empty((3, 3), "f")
    assert cupy.matmul(a, b, out=out) is out and (out.get() == a.get() @ b.get()).all()
    assert cupy.dot(a, b, out=out) is out
    for wrong in (
        cupy.empty((3, 3)),
        cupy.empty((3, 3), "f", order="F"),
        cupy.empty((3, 4), "f"),
        cupy.empty((3, 6), "f")[:, ::2],
    ):
        with pytest.raises(ValueError, match="out "):
            cupy.matmul(a, b, out=wrong)


def test_indices_wrap_and_masks_select(a):
    assert a[np.array([3, -4])].get().tolist() == a.get()[[0, 2]].tolist()
    assert a[:, cupy.array([5])].get().tolist() == a.get()[:, [1]].tolist()
    assert a[..., cupy.array([-5])].get().tolist() == a.get()[:, [3]].tolist()
    assert a[None, cupy.array([4])].shape == (1, 1, 4)
    a[a > 3] = 0
    assert a.get().sum() == 6
    with pytest.raises(IndexError):
        a[3]
    cupy.add.at(a, cupy.array([0, 0]), 1)
    assert a.get()[0].tolist() == [2, 3, 4, 5]


def test_in_place_operators_keep_the_array(a):
    same = a
    a += 1
    a *= a
    a -= cupy.ones(4, "f")
    assert a is same and a.dtype == "f4" and a.get()[0].tolist() == [0, 3, 8, 15]
    with pytest.raises(TypeError):
        cupy.arange(3).__itruediv__(2)


def test_functions_of_numpy_come_here(a):
    assert np.zeros_like(a).get().sum() == 0 and isinstance(np.tanh(a), cupy.ndarray) and np.shape(a) == (3, 4)
    assert np.concatenate([a, a]).shape == (6, 4) and np.result_type(a, cupy.zeros(1)) == "f8"
    out = cupy.empty_like(a)
    assert np.exp(a, out=out) is out
    assert cupy.get_array_module(a, 1) is cupy and cupy.get_array_module(np.ones(3)) is np
    assert cupy.broadcast_to(a[0], (5, 4)).strides == (0, 4)


def test_pinned_memory_and_copies_to_the_host(a):
    pinned = cupy.cuda.alloc_pinned_memory(a.nbytes)
    host = np.frombuffer(pinned, "f4", a.size).reshape(a.shape)
    assert len(pinned) == 512 and host.ctypes.data == pinned.ptr
    assert a.get(out=host) is host and (host == a.get()).all()
    runtime = cupy.cuda.runtime
    stand_in.counts.reset()
    runtime.memcpyAsync(pinned.ptr, a.data.ptr, 48, runtime.memcpyDeviceToHost, cupy.cuda.get_current_stream().ptr)
    cupy.cuda.get_current_stream().synchronize()
    assert (stand_in.counts.fetches, stand_in.counts.synchronizations) == (1, 1)


def test_memory_comes_back(a):
    gc.collect()
    before = stand_in.live_bytes()
    held = [cupy.zeros(1000), a[1:] + 1]
    assert stand_in.live_bytes() == before + 8000 + 32
    held[0] = held[0][5:]
    assert stand_in.live_bytes() == before + 8000 + 32
    del held
    assert stand_in.live_bytes() == before and stand_in.check_pads() is None


def test_arrays_pickle(a):
    again = pickle.loads(pickle.dumps(a))
    assert isinstance(again, cupy.ndarray) and (again.get() == a.get()).all()


def test_the_device_can_be_another():
    assert cupy.cuda.Device().compute_capability == "90"
    with stand_in.device(sms=84, shared_memory=101376, capability="86"):
        found = cupy.cuda.Device()
        assert (found.attributes["MultiProcessorCount"], found.compute_capability) == (84, "86")
        assert cupy.cuda.runtime.getDeviceProperties(0)["sharedMemPerBlockOptin"] == 101376
    assert cupy.cuda.Device().attributes["MultiProcessorCount"] == 132
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError):
        cupy.cuda.Device(1)


def test_what_nobody_may_use():
    with pytest.raises(AssertionError):
        cupy.random.rand(3)
    with pytest.raises(AssertionError):
        cupy.cuda.set_allocator(None)

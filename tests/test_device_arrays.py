"""Arrays of another library given to host layers: a clear ValueError, whatever the argument and the backend."""

import numpy as np
import pytest

import fasts2s
from fasts2s import layers
from fasts2s.backend import get_backend, use_backend
from fasts2s_kernels import MODULES


class DeviceArray:
    """Behaves as cupy.ndarray does beside NumPy: its attributes, and TypeError wherever NumPy wants to convert it."""

    __module__ = "cupy"

    def __init__(self, host):
        self.host = host
        self.shape, self.ndim, self.dtype, self.size = host.shape, host.ndim, host.dtype, host.size

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")

    def __array_ufunc__(self, *args, **kwargs):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        method = getattr(self.host, name)
        return lambda *args, **kwargs: _on_device(method(*args, **kwargs))

    def get(self):
        return self.host


def _on_device(result):
    return DeviceArray(result) if isinstance(result, np.ndarray) else result


def given_device_arrays():
    """Name -> a forward call in which one input stands on the device and the weights on the host."""
    rng = np.random.default_rng(5)
    floats = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    lstm = lambda **kw: layers.TimeLSTM(floats(5, 28), floats(7, 28), floats(28), **kw)
    ids = rng.integers(0, 11, (3, 2))

    def with_state():
        layer = lstm(stateful=True)
        layer.set_state(DeviceArray(floats(3, 7)))
        layer.forward(floats(3, 2, 5))

    return {
        "Affine x": lambda: layers.Affine(floats(5, 7), floats(7)).forward(DeviceArray(floats(3, 5))),
        "TimeAffine x": lambda: layers.TimeAffine(floats(5, 7), floats(7)).forward(DeviceArray(floats(3, 2, 5))),
        "TimeLSTM xs": lambda: lstm().forward(DeviceArray(floats(3, 2, 5))),
        "TimeLSTM h": with_state,
        "TimeLSTM mask": lambda: lstm().forward(floats(3, 2, 5), DeviceArray(np.ones((3, 2), dtype=bool))),
        "TimeEmbedding ids": lambda: layers.TimeEmbedding(floats(11, 5)).forward(DeviceArray(ids)),
        "Embedding ids": lambda: layers.Embedding(floats(11, 5)).forward(DeviceArray(ids)),
        "loss xs": lambda: layers.TimeSoftmaxWithLoss().forward(DeviceArray(floats(3, 2, 11)), ids),
        "loss ts": lambda: layers.TimeSoftmaxWithLoss().forward(floats(3, 2, 11), DeviceArray(ids)),
        "attention hs_enc": lambda: layers.TimeAttention().forward(DeviceArray(floats(3, 5, 7)), floats(3, 2, 7)),
        "attention hs_dec": lambda: layers.TimeAttention().forward(floats(3, 5, 7), DeviceArray(floats(3, 2, 7))),
        "model ids": lambda: fasts2s.models.Rnnlm(11, 5, 7).predict(DeviceArray(ids)),
    }


@pytest.mark.skipif("cupy" in MODULES, reason="device arrays have kernels here")
@pytest.mark.parametrize("name", ["auto", "numpy"])
@pytest.mark.parametrize("given", given_device_arrays())
def test_device_arrays_are_a_value_error(given, name):
    # Never TypeError, which the book's eval_perplexity takes for a model without train_flg.
    with use_backend(name), pytest.raises(ValueError, match=r"(?i)cupy"):
        given_device_arrays()[given]()


def test_device_arrays_and_a_backend_named_otherwise_are_a_value_error():
    with pytest.raises(ValueError, match=r"the backend is numpy, .*cupy\.ndarray.*to_cpu"):
        get_backend("numpy").kernels_for(np.zeros(3), DeviceArray(np.zeros(3)))


def test_to_cpu():
    host = np.arange(6.0).reshape(2, 3)
    assert fasts2s.to_cpu(host) is host
    assert fasts2s.to_cpu(DeviceArray(host)) is host
    assert fasts2s.to_cpu([1, 2]).tolist() == [1, 2]


def test_to_gpu():
    device = DeviceArray(np.zeros(3))
    assert fasts2s.to_gpu(device) is device
    if "cupy" not in MODULES:
        with pytest.raises(ImportError, match="cupy"):
            fasts2s.to_gpu(np.zeros(3))

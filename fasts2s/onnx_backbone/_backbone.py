"""The eyes of a picture model: a network in an ONNX file, run by ONNX Runtime."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s._extras import need
from fasts2s.onnx_backbone._maps import pooled, resized
from fasts2s.onnx_backbone._network import EXTRA, layout_of, output_of, session_of, size_of, with_output
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.arguments import as_path, listed, one_of
from fasts2s_kernels.checks.either import as_array, number, require_real

_READS = "networks in ONNX files are run"
#: Pictures that go through the network together, where it takes several.
_TOGETHER = 64


class OnnxBackbone:
    """Makes maps of features (N, P, M) of pictures (N, C, H, W): P positions, row by row, M channels.

    Parameters
    ----------
    path : str or Path
        The ONNX file, with one input of pictures in float32.
    output : str or None
        The tensor to take, also one inside the network: (N, M, h, w), (N, h, w, M) or (N, F). None: the last one of
        four axes before the network averages or flattens.
    mean, std : numbers, one for each channel or one for all
        What the network was trained with: it sees ``(x - mean) / std``, x from 0 to 1.
    layout : "auto", "nchw" or "nhwc"
        Where channels stand in the input; auto: where 1 or 3 of them are.
    size : "auto" or (height, width)
        Of the input; auto: what the file says. Pictures of other sides are made to fit.
    pool : int
        Means of pool x pool positions become one: a large map makes a large model.

    Attributes
    ----------
    shape : (M, rows, columns) of the map
    sha256 : str
        Of the file.

    Raises
    ------
    ImportError
        The extra is not installed; names the command that does it.
    FileNotFoundError, ValueError
        No such file; it is no network, or none of this kind.
    """

    def __init__(
        self,
        path: str | Path,
        output: str | None = None,
        mean: Any = 0.0,
        std: Any = 1.0,
        layout: str = "auto",
        size: Any = "auto",
        pool: int = 1,
    ) -> None:
        self.path, self.pool = as_path("path", path), integer("pool", pool, 1)
        runtime = need("onnxruntime", EXTRA, _READS)
        content = self.path.read_bytes()
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._session = session_of(runtime, content, self.path)
        found = output or output_of(self._session)
        if found is None or found not in [o.name for o in self._session.get_outputs()]:
            self._session = session_of(runtime, with_output(content, self.path, found), self.path)
            found = self._session.get_outputs()[-1].name
        self.output = found
        inputs = self._session.get_inputs()
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
            kinds = [(one.name, one.type, one.shape) for one in inputs]
            raise ValueError(f"{self.path} takes {kinds}, expected one input of pictures, float32 with four axes")
        self._input, shape = inputs[0].name, inputs[0].shape
        self._batch = shape[0] if isinstance(shape[0], int) else _TOGETHER
        self.layout = layout_of(one_of("layout", layout, ("auto", "nchw", "nhwc")), shape, self.path)
        self.channels, sides = (shape[1], shape[2:]) if self.layout == "nchw" else (shape[3], shape[1:3])
        self.size = size_of(size, sides, self.path)
        self.channels = self.channels if isinstance(self.channels, int) else 3
        self._mean, self._std = (self._of_channels(name, value) for name, value in (("mean", mean), ("std", std)))
        if not (self._std > 0).all():
            raise ValueError(f"std is {std}, expected numbers above 0")
        self.shape = self._map(np.zeros((1, self.channels, *self.size), np.float32)).shape[1:]

    def features(self, pictures: Any) -> Array:
        """pictures : (N, C, H, W) from 0 to 1 -> maps (N, P, M) float32. Raises ValueError."""
        pictures = as_array("pictures", pictures, "pictures (N, C, H, W)")
        require_real("pictures", pictures)
        if pictures.ndim != 4 or pictures.shape[1] != self.channels or 0 in pictures.shape[1:]:
            raise ValueError(f"pictures have shape {pictures.shape}, expected (N, C, H, W) with C = {self.channels}")
        M, rows, columns = self.shape
        parts = [np.zeros((0, rows * columns, M), np.float32)]
        for start in range(0, len(pictures), self._batch):
            part = resized(pictures[start : start + self._batch].astype(np.float32), *self.size)
            missing = self._batch - len(part) if self._batch != _TOGETHER else 0
            whole = np.concatenate((part, np.zeros((missing, *part.shape[1:]), np.float32)))
            parts.append(self._map(whole)[: len(part)].reshape(len(part), M, -1).transpose(0, 2, 1))
        return np.concatenate(parts)

    def _of_channels(self, name: str, value: Any) -> Array:
        values = listed(name, value, "numbers") if isinstance(value, Sequence | np.ndarray) else [value]
        numbers = np.array([number(name, one) for one in values], np.float32)
        if len(numbers) not in (1, self.channels) or not np.isfinite(numbers).all():
            raise ValueError(f"{name} is {value}, expected a finite number, or {self.channels} of them")
        return numbers.reshape(1, -1, 1, 1)

    def _map(self, x: Array) -> Array:
        """Return the maps (N, M, rows, columns) of pictures (N, C, height, width)."""
        x = (x - self._mean) / self._std
        if self.layout == "nhwc":
            x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
        (found,) = self._session.run([self.output], {self._input: x})
        found = np.asarray(found, np.float32)
        if found.ndim == 2:
            return found[:, :, None, None]
        if found.ndim != 4:
            raise ValueError(f"{self.output} of {self.path} has shape {found.shape}, expected four axes or two")
        return pooled(found.transpose(0, 3, 1, 2) if self.layout == "nhwc" else found, self.pool)

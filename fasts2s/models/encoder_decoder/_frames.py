"""Sequences of real numbers as sources: sound, movements, measurements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.backend import Backend, BackendLike
from fasts2s.layers import TimeAffine
from fasts2s.models.encoder_decoder._encoder import Encoder
from fasts2s.models.encoder_decoder.model import EncoderDecoder
from fasts2s.models.encoder_decoder.settings import EncoderDecoderSettings
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import flag
from fasts2s_kernels.checks.arguments import listed
from fasts2s_kernels.checks.either import as_array, as_integers, beside, is_cupy, require_real


@dataclass(frozen=True, eq=False)
class Frames:
    """A batch of sequences of frames, padded on the right.

    Attributes
    ----------
    values : (N, T, D) real numbers
    lengths : (N,) integers from 1 to T
        How many frames of a row there are; the rest is padding, whatever it holds.

    Raises
    ------
    ValueError
        Other shapes or types.
    """

    values: Any
    lengths: Any

    def __post_init__(self) -> None:
        """Look at both arrays."""
        values = as_array("values", self.values, "real numbers (N, T, D)")
        require_real("values", values)
        lengths = as_integers("lengths", self.lengths, "(N,)", 1)
        if values.ndim != 3 or len(lengths) != len(values):
            raise ValueError(
                f"values and lengths have shapes {values.shape} and {lengths.shape}, expected (N, T, D) and (N,)"
            )
        if not is_cupy(lengths) and len(lengths) and not (lengths.min() >= 1 and lengths.max() <= values.shape[1]):
            raise ValueError(f"lengths are {lengths.min()} to {lengths.max()}, expected 1 to T = {values.shape[1]}")

    @classmethod
    def of(cls, rows: Sequence[Any]) -> "Frames":
        """Return sequences (T_n, D) of different lengths as a batch. Raises ValueError."""
        arrays = [
            as_array(f"rows[{n}]", row, "real numbers (T, D)") for n, row in enumerate(listed("rows", rows, "arrays"))
        ]
        if not arrays or any(a.ndim != 2 or a.shape[1:] != arrays[0].shape[1:] or not len(a) for a in arrays):
            shapes = [a.shape for a in arrays[:5]]
            raise ValueError(f"rows have shapes {shapes}, expected (T, D) each, T at least 1, with the same D")
        lengths = np.array([len(a) for a in arrays])
        values = np.zeros((len(arrays), lengths.max(), arrays[0].shape[1]), np.float32)
        for n, a in enumerate(arrays):
            require_real(f"rows[{n}]", a)
            values[n, : len(a)] = a
        return cls(values, lengths)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: Any) -> "Frames":
        """Return some rows: a slice, or (K,) integers; no wider than they need to be."""
        lengths = self.lengths[rows]
        return Frames(self.values[rows][:, : int(lengths.max()) if len(lengths) else 1], lengths)


class FrameEncoder(Encoder):
    """The encoder of words with an affine map, or nothing, in the place of the word vectors."""

    def __init__(self, settings: EncoderDecoderSettings, projected: bool, backend: Backend) -> None:
        self._projected = projected
        super().__init__(settings, backend)

    def _below(self, backend: Backend) -> Any:
        s = self.settings
        if self._projected:
            return TimeAffine(*init.affine(s.source_size, s.wordvec_size, backend), backend=backend)
        if s.source_size != s.wordvec_size:
            raise ValueError(
                f"source_size is {s.source_size} and wordvec_size {s.wordvec_size}, expected the same number where "
                "projected is False: frames are read as they are"
            )
        return _AsTheyAre()

    def checked(self, xs: Any) -> tuple[Array, Array]:
        """Return frames (N, S, D) and their mask (N, S): of Frames, or of an array without padding."""
        weights = self.stack.params[0]
        if not isinstance(xs, Frames):
            values = as_array("xs", xs, "Frames, or real numbers (N, S, D)")
            require_real("xs", values)
            mask = np.ones(values.shape[:2], bool)
        else:
            values = xs.values
            mask = np.arange(values.shape[1]) < np.asarray(xs.lengths)[:, None]
        D = self.settings.source_size
        if values.ndim != 3 or values.shape[1] < 1 or values.shape[2] != D:
            raise ValueError(f"xs has shape {values.shape}, expected (N, S, D) with S >= 1 and D = {D}")
        return beside(weights, values).astype(weights.dtype, copy=False), beside(weights, mask)


class _AsTheyAre:
    """Frames are vectors already."""

    params: list[Array] = []  # noqa: RUF012 - of no layer
    grads: list[Array] = []  # noqa: RUF012

    def forward(self, xs: Array) -> Array:
        """Return xs."""
        return xs

    def backward(self, dout: Array) -> Array:
        """Return dout."""
        return dout


class FrameEncoderDecoder(EncoderDecoder):
    """An :class:`EncoderDecoder` that reads :class:`Frames` in the place of words.

    Parameters
    ----------
    settings : EncoderDecoderSettings
        ``source_size`` is D, the numbers of a frame.
    projected : bool
        Whether frames go through an affine map to ``wordvec_size`` numbers. Without it both sizes are the same.
    """

    def __init__(
        self, settings: EncoderDecoderSettings, projected: bool = True, *, backend: BackendLike | None = None
    ) -> None:
        self._projected = flag("projected", projected)
        super().__init__(settings, backend=backend)
        self.config["projected"] = self._projected

    def _encoder(self) -> Any:
        return FrameEncoder(self.settings, self._projected, self.backend)

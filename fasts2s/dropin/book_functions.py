"""Replacements that no layer or optimiser of ours is: the book's own interface over the same kernels."""

import gzip
import shutil
from pathlib import Path
from typing import Any

from fasts2s import corpus
from fasts2s.backend import ptb_folder
from fasts2s.checkpoint.atomic import write_atomically
from fasts2s.dropin.settings import active_backend
from fasts2s.layers import TimeGRU
from fasts2s_kernels.contract import Array


def clip_grads(grads: list[Array], max_norm: float) -> None:
    """As the book's ``clip_grads``, which returns nothing."""
    active_backend().kernels_for(*grads).clip_grads(grads, max_norm)


def _gru_forward(self: Any, xs: Array) -> Array:
    """TimeGRU of both editions; the Korean one has no bias, and no lists of parameters and gradients."""
    if hasattr(self, "params"):
        out: Array = TimeGRU.forward(self, xs)
        return out
    kernels = self.backend.kernels_for(xs, self.Wx)
    hs, self.h, self._cache = kernels.gru_forward(xs, self.Wx, self.Wh, None, h0=self.h if self.stateful else None)
    return self.backend.output(hs)


def _gru_backward(self: Any, dhs: Array) -> Array:
    if hasattr(self, "params"):
        dxs: Array = TimeGRU.backward(self, dhs)
        return dxs
    kernels = self.backend.kernels_for(dhs, self.Wx)
    dWx, dWh = kernels.xp.zeros_like(self.Wx), kernels.xp.zeros_like(self.Wh)
    dxs, dh, _ = kernels.gru_backward(dhs, self.Wx, self.Wh, self._cache, dWx=dWx, dWh=dWh, db=None)
    self.dWx, self.dWh, self.dh = dWx, dWh, dh
    return self.backend.output(dxs)


TIME_GRU = {"forward": _gru_forward, "backward": _gru_backward}


def download(space: dict[str, Any], file_name: str) -> None:
    """As the book's ``dataset.ptb._download``, in whose module ``space`` is, but the server is always verified.

    With ``FASTS2S_PTB_DIR`` set, the file is copied from that folder instead, plain or as ``.gz``.
    """
    target = Path(space["dataset_dir"]) / file_name
    if target.exists():
        return
    folder = ptb_folder()
    if folder is not None:
        _copy(Path(folder) / file_name, target)
        return
    print(f"Downloading {file_name} ... ")  # the book's own words: this is the script's output
    corpus.fetch_ptb(target.parent, names=[file_name], base_url=space["url_base"])
    print("Done")


def _copy(source: Path, target: Path) -> None:
    packed = source.with_name(f"{source.name}.gz")
    if not source.exists() and not packed.exists():
        raise FileNotFoundError(f"FASTS2S_PTB_DIR is {str(source.parent)!r}, where there is no {source.name}")
    with source.open("rb") if source.exists() else gzip.open(packed, "rb") as text:
        write_atomically(target, lambda out: shutil.copyfileobj(text, out))

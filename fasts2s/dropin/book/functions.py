"""Replacements that no layer or optimiser of ours is: the book's own interface over the same kernels."""

from pathlib import Path
from typing import Any

import fasts2s
from fasts2s.backend import ptb_folder
from fasts2s.dropin.errors import LeftToTheBookError
from fasts2s.dropin.settings import active_backend
from fasts2s_kernels.arrays import Array


def clip_grads(grads: list[Array], max_norm: float) -> None:
    """As the book's ``clip_grads``, which returns nothing, and divides what ours take for no limit."""
    if max_norm is None:
        raise LeftToTheBookError
    active_backend().kernels_for(*grads).clip_grads(grads, max_norm)


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
    fasts2s.corpus.fetch_ptb(target.parent, names=[file_name], base_url=space["url_base"])
    print("Done")


def _copy(source: Path, target: Path) -> None:
    import gzip  # noqa: PLC0415 - a script that loads nothing starts sooner without them
    import shutil  # noqa: PLC0415

    from fasts2s.checkpoint.atomic import write_atomically  # noqa: PLC0415

    packed = source.with_name(f"{source.name}.gz")
    if not source.exists() and not packed.exists():
        raise FileNotFoundError(f"FASTS2S_PTB_DIR is {str(source.parent)!r}, where there is no {source.name}")
    with source.open("rb") if source.exists() else gzip.open(packed, "rb") as text:
        write_atomically(target, lambda out: shutil.copyfileobj(text, out))

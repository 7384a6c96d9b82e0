"""Models in files of safetensors, which many programs read without running code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s._extras import need
from fasts2s.backend import BackendLike
from fasts2s.checkpoint.container import require_json
from fasts2s.exchange._files import require_file, write_octets
from fasts2s.models import BaseModel
from fasts2s.models.storage import model_of, parts_of
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.arguments import as_path

_GATES = "columns of Wx, Wh, b: LSTM f g i o, GRU z r n"


def save_safetensors(path: str | Path, model: BaseModel, extra: Mapping[str, Any] | None = None) -> None:
    """Write a model as :func:`fasts2s.models.save_model` does, tied parameters once, in the format safetensors.

    The metadata say class, sizes, order of the gates and what is tied; ``extra`` (JSON values), such as a
    vocabulary, stands beside them.

    Raises ImportError without the extra, ValueError and OSError as save_model does.
    """
    target, library = as_path("path", path), need("safetensors.numpy", "safetensors", "models are written")
    arrays, meta = parts_of(model, extra)
    require_json("extra", meta["extra"])
    # The library writes the memory as it lies: of a transpose it would write other numbers, without an error.
    whole = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
    content = library.save(whole, {"fasts2s": json.dumps(meta), "gates": _GATES})
    write_octets(target, content)


def load_safetensors(path: str | Path, *, backend: BackendLike | None = None) -> tuple[Any, dict[str, Any]]:
    """Return the model of :func:`save_safetensors`, and its ``extra``.

    Raises
    ------
    ImportError
        The extra is not installed.
    FileNotFoundError
    ValueError
        The file is damaged, or was not written by save_safetensors.
    """
    source, library = as_path("path", path), need("safetensors", "safetensors", "models are read")
    require_file(source)
    try:
        with library.safe_open(source, "numpy") as file:
            said = file.metadata() or {}
            arrays = {name: _array(source, file, name) for name in file.keys()}  # noqa: SIM118 - no dictionary
    except library.SafetensorError as error:
        raise ValueError(f"{source} cannot be read, expected a file of safetensors: {error}") from None
    try:
        meta = json.loads(said["fasts2s"])
    except (KeyError, ValueError, RecursionError):
        meta = None
    if not isinstance(meta, dict):
        raise ValueError(f"{source} does not say what model it holds, expected a file of save_safetensors")
    return model_of(source, arrays, meta, backend=backend)


def _array(source: Path, file: Any, name: str) -> Array:
    """Return an array of a file. Raises ValueError for a dtype that NumPy does not know, or that no model has."""
    dtype = file.get_slice(name).get_dtype()
    if dtype not in {"F16", "F32", "F64"}:
        raise ValueError(f"{source} holds {name!a:.99} of dtype {dtype}, expected F16, F32 or F64: convert it first")
    array: Array = file.get_tensor(name)
    return array

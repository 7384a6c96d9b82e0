"""Save and load named arrays with a description; the format itself is in `archive.py`."""

import math
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fasts2s.checkpoint.archive import (
    DTYPES,
    JSON,
    DamageError,
    RefusalError,
    looks_whole,
    read_archive,
    write_archive,
)
from fasts2s.checkpoint.atomic import previous_path, write_atomically
from fasts2s.checkpoint.errors import CheckpointError, CheckpointWarning
from fasts2s_kernels.checks import flag, integer
from fasts2s_kernels.checks.arguments import as_path, mapping

# Far below what the JSON reader of any Python version can follow.
_MAX_DEPTH = 100


def save_arrays(
    path: str | os.PathLike[str],
    arrays: Mapping[str, NDArray[Any]],
    meta: Mapping[str, JSON] | None = None,
    *,
    keep_previous: bool = True,
) -> None:
    """Save named arrays and their description; the old file is replaced in one step or stays as it is.

    Parameters
    ----------
    path : file to write, by custom ending in `.npz`; nothing is appended to the name
    arrays : any shape; bool, integer, float16, float32 or float64 of either byte order, stored as they are, in
        C order. Names are printable, without backslash
    meta : what JSON can hold; tuples come back as lists
    keep_previous : keep the file that is replaced, if it is whole, at `previous_path(path)`

    Raises
    ------
    ValueError : an array of another dtype or class, a name or a `meta` that cannot be stored, `path` not a plain file
    OSError : the disk is full or fails, the folder does not exist, no permission

    Warns
    -----
    CheckpointWarning : the file is saved, but the previous one could not be renewed or the folder not flushed

    Notes
    -----
    Two arrays that share memory are stored twice and come back separate: record such a link in `meta`.
    """
    arrays, keep = mapping("arrays", arrays), flag("keep_previous", keep_previous)
    checked = {_checked_name(name): _checked_array(name, array) for name, array in arrays.items()}
    described: dict[str, JSON] = {} if meta is None else dict(mapping("meta", meta))
    require_json("meta", described)
    write_atomically(
        path,
        lambda file: write_archive(file, checked, described),
        keep_if=looks_whole if keep else None,
    )


def load_arrays(
    path: str | os.PathLike[str], *, max_bytes: int = 4 << 30
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Load what `save_arrays` wrote, after checking all of it; never runs code from the file.

    Parameters
    ----------
    path : file written by `save_arrays`
    max_bytes : refuse a file that declares more content than this, in bytes

    Returns
    -------
    arrays : the arrays under their names, in the order they were saved; C-contiguous, writable, own memory
    meta : the description

    Raises
    ------
    CheckpointError : the file is damaged or something else, and there is no good previous one; it declares more than
        `max_bytes`; it has a newer format
    OSError : neither the file nor a previous one exists, or it may not be read

    Warns
    -----
    CheckpointWarning : the file is damaged or missing, the previous one was loaded
    """
    target, max_bytes = as_path("path", path).resolve(), integer("max_bytes", max_bytes, 0)
    try:
        return read_archive(target, max_bytes)
    except RefusalError as cause:
        raise CheckpointError(f"{target} {cause}") from cause
    except FileNotFoundError as cause:
        if not previous_path(target).exists():
            raise
        return _load_previous(target, "does not exist", max_bytes, cause)
    except DamageError as cause:
        return _load_previous(target, f"is damaged or not a file of save_arrays: {cause}", max_bytes, cause)


def _load_previous(
    target: Path, what: str, max_bytes: int, cause: Exception
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Load the file saved before `target` and say so, or say why both cannot be used."""
    previous = previous_path(target)
    try:
        content = read_archive(previous, max_bytes)
    except FileNotFoundError:
        raise CheckpointError(
            f"{target} {what}. There is no previous file: restore a copy, or train again "
            "(the book's .pkl files are read by load_book_pickle)"
        ) from cause
    except (OSError, DamageError, RefusalError) as second:
        raise CheckpointError(
            f"{target} {what}. The previous file {previous} cannot be used either ({second}): "
            "restore a copy of one of them, or train again"
        ) from cause
    warnings.warn(
        f"{target} {what}. Loaded the previous file {previous} instead: the steps since then are lost, "
        "the next save repairs the file",
        CheckpointWarning,
        stacklevel=3,
    )
    return content


def _checked_name(name: object) -> str:
    """Return `name` if it can be the name of an entry on every system."""
    if not isinstance(name, str) or not 0 < len(name) <= 200 or not name.isprintable() or "\\" in name:
        raise ValueError(
            f"array name {ascii(name)[:200]} cannot be stored, expected 1 to 200 printable characters, no backslash"
        )
    return name


def _checked_array(name: str, array: object) -> NDArray[Any]:
    """Return `array` in C order, copied only where its memory has another order."""
    # A subclass says more than its numbers (a mask, for one); only np.memmap is a plain array all the same.
    if not isinstance(array, np.ndarray) or type(array) not in {np.ndarray, np.memmap}:
        kind = f"{type(array).__module__}.{type(array).__qualname__}"
        raise ValueError(f"array {name!r} is a {kind}, expected a plain numpy.ndarray: convert it first")
    if array.dtype.str not in DTYPES:
        raise ValueError(
            f"array {name!r} has dtype {array.dtype}, expected bool, integers, float16, float32 or float64: "
            "convert it, or put it into meta"
        )
    return np.asarray(array, order="C")


def require_json(where: str, value: object, depth: int = 0) -> None:
    """Raise ValueError for what JSON would not give back, naming the place."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"{where[:100]}… is nested more than {_MAX_DEPTH} deep: flatten it")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{where} has the key {key!r}, expected text: JSON has no other keys")
            require_json(f"{where}[{key!r}]", item, depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            require_json(f"{where}[{index}]", item, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where} is {value}, which JSON cannot hold: put it into an array")
    elif value is not None and not isinstance(value, bool | int | float | str):
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise ValueError(f"{where} is a {kind}, which JSON cannot hold: convert it (int(), float(), .tolist())")

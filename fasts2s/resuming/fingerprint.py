"""A hash of data, by which a training knows again what it was started with."""

import hashlib
from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s_kernels.checks.either import is_cupy


def fingerprint(*things: Any) -> str:
    """Return a SHA-256 of arrays, texts, numbers, sequences of them and objects with such attributes.

    Raises ValueError for what is none of these.
    """
    digest = hashlib.sha256()
    for thing in things:
        _add(digest, thing)
    return digest.hexdigest()


def _add(digest: Any, thing: Any) -> None:
    if is_cupy(thing):
        thing = to_cpu(thing)
    if isinstance(thing, np.ndarray):
        digest.update(f"array {thing.dtype.str} {thing.shape}\0".encode())
        digest.update(np.ascontiguousarray(thing).reshape(-1).view(np.uint8).data)
    elif thing is None or isinstance(thing, str | int | float | np.generic):
        digest.update(f"{thing!r}\0".encode(errors="surrogatepass"))
    elif isinstance(thing, dict):
        _add(digest, sorted(thing.items()))
    elif isinstance(thing, list | tuple):
        digest.update(f"{len(thing)} things\0".encode())
        for part in thing:
            _add(digest, part)
    elif hasattr(thing, "__dict__"):
        _add(digest, vars(thing))
    else:
        raise ValueError(f"data hold a {type(thing).__name__}, expected arrays, texts, numbers or lists of them")

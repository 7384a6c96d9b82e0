"""Files that are there, and whole ones written in one step."""

import errno
from pathlib import Path
from typing import BinaryIO

from fasts2s.checkpoint.atomic import write_atomically


def require_file(path: Path) -> None:
    """Raise FileNotFoundError where there is nothing, ValueError where there is a folder or another thing."""
    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, "there is no such file", str(path))
    if not path.is_file():
        raise ValueError(f"{path} is not a plain file, expected the path of a file of a model")


def write_octets(path: Path, content: bytes) -> None:
    """Write a file: the old one stays, or the new one is whole. Raises OSError."""

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_atomically(path, write)

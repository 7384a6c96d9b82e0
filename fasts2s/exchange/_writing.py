"""Whole files, in one step."""

from pathlib import Path
from typing import BinaryIO

from fasts2s.checkpoint.atomic import write_atomically


def write_octets(path: Path, content: bytes) -> None:
    """Write a file: the old one stays, or the new one is whole. Raises OSError."""

    def write(file: BinaryIO) -> None:
        file.write(content)

    write_atomically(path, write)

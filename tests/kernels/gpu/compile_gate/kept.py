"""What NVRTC made, kept between runs: all modules take minutes, and the same text gives the same code every time."""

import hashlib
import json
import os
import tempfile
import zlib
from pathlib import Path

from tests.kernels.gpu.compile_gate.nvrtc import Compiled, Nvrtc


def folder() -> Path:
    """Return where: FASTS2S_TEST_NVRTC_CACHE, or a folder of this user's in the folder for caches."""
    named = os.environ.get("FASTS2S_TEST_NVRTC_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(home) / "fasts2s-nvrtc"


def compile_kept(nvrtc: Nvrtc, text: str, name: str, arguments: tuple[str, ...]) -> Compiled:
    """As ``nvrtc.compile``, or what that returned for the same text, name, arguments and bytes of the library."""
    key = hashlib.sha256("\0".join([nvrtc.digest, text, name, *arguments]).encode()).hexdigest()[:32]
    file = folder() / key
    found = _read(file)
    if found is None:
        found = nvrtc.compile(text, name, arguments)
        _write(file, found)
    return found


def _read(file: Path) -> Compiled | None:
    try:
        head, _, code = zlib.decompress(file.read_bytes()).partition(b"\n")
        succeeded, log = json.loads(head)
    except (OSError, ValueError, zlib.error):  # not there, or damaged
        return None
    return Compiled(succeeded, log, code)


def _write(file: Path, made: Compiled) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    packed = zlib.compress(json.dumps([made.succeeded, made.log]).encode() + b"\n" + made.cubin, 1)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as fresh:
        fresh.write(packed)
    Path(fresh.name).replace(file)  # whole or not at all, whoever else writes it

"""Sounds in wave files, read and written by the standard library."""

import io
import wave
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from fasts2s.apps.worlds.tones import RATE
from fasts2s.checkpoint.atomic import write_atomically
from fasts2s.commands.errors import CommandError

#: Seconds of a sound, at most, and bytes of its file.
MOST_SECONDS, MOST_BYTES = 60, 64 * 2**20
_SLOWEST, _FASTEST = 4000, 192_000


def read_sound(path: str | Path) -> NDArray[np.float64]:
    """Return the samples (L,) of a wave file, RATE in a second, from -1 to 1; of several channels the mean.

    Raises CommandError for a file that is none, is damaged, too long, or of another kind than PCM.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise CommandError(f"{file} has {size:,} bytes, expected a sound of at most {MOST_BYTES:,}")
        content = file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None
    try:
        with wave.open(io.BytesIO(content)) as sound:
            rate, width, channels, count = (
                sound.getframerate(), sound.getsampwidth(), sound.getnchannels(), sound.getnframes()
            )  # fmt: skip
            data = sound.readframes(count)
    except (wave.Error, EOFError, ValueError, RuntimeError) as error:
        raise CommandError(f"{file} cannot be read as a wave file (PCM): {error or 'it ends too early'}") from None
    if not _SLOWEST <= rate <= _FASTEST or width not in _READ or channels < 1:
        raise CommandError(
            f"{file} has {rate} samples in a second, {channels} channels, {8 * width} bits, expected {_SLOWEST} to "
            f"{_FASTEST} samples of 8, 16 or 32 bits"
        )
    whole = len(data) // (width * channels) * width * channels
    samples = _READ[width](data[:whole]).reshape(-1, channels).mean(axis=1)
    if not len(samples):
        raise CommandError(f"{file} holds no sound")
    if len(samples) > MOST_SECONDS * rate:
        raise CommandError(f"{file} lasts {len(samples) / rate:.0f} s, expected at most {MOST_SECONDS} s")
    return _at_our_rate(samples, rate)


_READ = {
    1: lambda data: np.frombuffer(data, np.uint8) / 128 - 1,
    2: lambda data: np.frombuffer(data, "<i2") / 2**15,
    4: lambda data: np.frombuffer(data, "<i4") / 2**31,
}


def _at_our_rate(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Return samples RATE in a second: means of a few where there are more, then straight lines between them."""
    if rate == RATE:
        return samples
    together = max(rate // RATE, 1)
    if together > 1:
        count = max(len(samples) // together, 1)
        samples = np.resize(samples, count * together).reshape(count, together).mean(axis=1)
    times = np.arange(int(len(samples) * together * RATE / rate) or 1) / RATE
    return np.interp(times, (np.arange(len(samples)) + (together - 1) / (2 * together)) * together / rate, samples)


def write_sound(path: Path, samples: NDArray[np.float64]) -> None:
    """Write samples (L,) from -1 to 1, RATE in a second, as a wave file of 16 bits."""

    def write(file: BinaryIO) -> None:
        with wave.open(file, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(RATE)
            sound.writeframes((np.clip(samples, -1, 1) * (2**15 - 1)).astype("<i2").tobytes())

    write_atomically(path, write)

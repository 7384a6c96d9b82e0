"""Pictures in files: PNG and JPEG, read by Pillow, which comes with matplotlib."""

import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fasts2s.checkpoint.atomic import write_atomically
from fasts2s.commands.errors import CommandError

FORMATS = ("PNG", "JPEG")
#: Bytes of a file, and pixels of a picture, at most.
MOST_BYTES, MOST_PIXELS = 32 * 2**20, 40_000_000


def read_picture(path: str | Path, height: int, width: int) -> NDArray[np.float32]:
    """Return a picture as (3, height, width) float32 from 0 to 1, made to fit as a whole.

    What is transparent becomes white. Raises CommandError for a file that is none, is damaged or too large.
    """
    file = Path(path)
    try:
        size = file.stat().st_size
        if not file.is_file():
            raise CommandError(f"{file} is no file, expected a picture, PNG or JPEG")
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None
    if size > MOST_BYTES:
        raise CommandError(f"{file} has {size:,} bytes, expected a picture of at most {MOST_BYTES:,}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pictures with many pixels, which are counted here
            image = _opened(file).resize((width, height), resample=2)
    except CommandError:
        raise
    except Exception as error:  # of a damaged file Pillow raises what its decoders raise
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise CommandError(f"{file} cannot be read as a picture, expected PNG or JPEG: {said}") from None
    pixels: NDArray[np.float32] = np.asarray(image, np.float32).transpose(2, 0, 1) / np.float32(255)
    return pixels


def _opened(file: Path) -> Any:
    """Return the picture in a file, upright, in red, green and blue."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - only who reads pictures pays for it

    with Image.open(file, formats=FORMATS) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise CommandError(f"{file} has {width:,} x {height:,} pixels, expected at most {MOST_PIXELS:,}")
        upright: Any = ImageOps.exif_transpose(image)
        whole = upright.convert("RGBA")
    white = Image.new("RGBA", whole.size, "white")
    return Image.alpha_composite(white, whole).convert("RGB")


def write_picture(path: Path, picture: NDArray[np.float32], times: int = 1) -> None:
    """Write a picture (3, H, W) from 0 to 1 as a PNG, every pixel ``times`` x ``times``."""
    from PIL import Image  # noqa: PLC0415

    pixels = (np.clip(picture, 0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0)
    image = Image.fromarray(pixels.repeat(times, axis=0).repeat(times, axis=1))

    def write(file: BinaryIO) -> None:
        image.save(file, format="PNG")

    write_atomically(path, write)

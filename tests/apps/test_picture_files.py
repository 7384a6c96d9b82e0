"""Pictures in files: what is read is what was drawn; what is no picture is said to be none."""

import numpy as np
import pytest
from PIL import Image

from fasts2s.apps import picture_files
from fasts2s.apps.picture_files import read_picture, write_picture
from fasts2s.commands.errors import CommandError


def test_a_png_is_read_as_it_was_written(tmp_path, rng):
    picture = rng.random((3, 24, 24)).astype("f")
    write_picture(tmp_path / "a.png", picture)
    np.testing.assert_allclose(read_picture(tmp_path / "a.png", 24, 24), picture, atol=1 / 255)
    write_picture(tmp_path / "large.png", picture, times=4)
    with Image.open(tmp_path / "large.png") as image:
        assert image.size == (96, 96)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "1", "I;16"])
def test_every_kind_of_png_and_jpeg(tmp_path, mode):
    image = Image.new("RGB", (30, 20), (255, 0, 0))
    image = Image.fromarray(np.full((20, 30), 40_000, np.uint16)) if mode == "I;16" else image.convert(mode)
    image.save(tmp_path / "a.png")
    found = read_picture(tmp_path / "a.png", 10, 12)
    assert found.shape == (3, 10, 12)
    assert found.dtype == np.float32
    if mode in ("RGB", "P", "RGBA"):
        assert found[:, 5, 5].tolist() == [1, 0, 0]
    if mode in ("RGB", "L"):
        image.save(tmp_path / "a.jpg")
        np.testing.assert_allclose(read_picture(tmp_path / "a.jpg", 10, 12), found, atol=0.05)


def test_what_is_transparent_is_white(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert (read_picture(tmp_path / "a.png", 4, 4) == 1).all()


def test_files_that_are_no_picture(tmp_path, rng):
    write_picture(tmp_path / "a.png", rng.random((3, 40, 40)).astype("f"))
    whole = (tmp_path / "a.png").read_bytes()
    Image.new("RGB", (40, 40)).save(tmp_path / "a.gif")
    cases = {
        "empty.png": b"",
        "text.png": b"<script>alert(1)</script>",
        "cut.png": whole[: len(whole) // 2],
        "spoiled.png": whole[:60] + b"\x00" * 40 + whole[100:],
        "gif.png": (tmp_path / "a.gif").read_bytes(),
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CommandError, match="cannot be read as a picture, expected PNG or JPEG"):
            read_picture(tmp_path / name, 24, 24)
    with pytest.raises(CommandError, match="No such file"):
        read_picture(tmp_path / "absent.png", 24, 24)
    with pytest.raises(CommandError, match="is no file"):
        read_picture(tmp_path, 24, 24)


def test_limits(tmp_path, monkeypatch):
    Image.new("1", (200, 200)).save(tmp_path / "a.png")
    monkeypatch.setattr(picture_files, "MOST_PIXELS", 1000)
    with pytest.raises(CommandError, match=r"200 x 200 pixels, expected at most 1,000"):
        read_picture(tmp_path / "a.png", 24, 24)
    monkeypatch.setattr(picture_files, "MOST_BYTES", 10)
    with pytest.raises(CommandError, match="bytes, expected a picture of at most 10"):
        read_picture(tmp_path / "a.png", 24, 24)

"""Digits as sounds: tones are where they should be, files are read as they were written."""

import wave

import numpy as np
import pytest

from fasts2s.apps.sound_files import MOST_SECONDS, read_sound, write_sound
from fasts2s.apps.worlds.drawing import part_of
from fasts2s.apps.worlds.tones import BANDS, DIGITS, PITCHES, RATE, frames_of, speak, spoken_digits
from fasts2s.commands.errors import CommandError


def test_every_digit_has_tones_of_its_own():
    assert len(set(DIGITS)) == len(DIGITS) == 10
    assert all(first != second for first, second in DIGITS)


@pytest.mark.parametrize("digit", range(10))
def test_the_two_tones_are_heard_one_after_the_other(digit):
    sound = speak(str(digit), np.random.default_rng(digit))
    frames = frames_of(sound)
    loud = np.flatnonzero(frames.max(axis=1) > frames.max() - 0.5)
    edges = np.geomspace(250, 3600, BANDS + 1)
    heard = [frames[loud[k]].argmax() for k in (1, -2)]
    for band, pitch in zip(heard, DIGITS[digit], strict=True):
        assert edges[max(band - 1, 0)] < PITCHES[pitch] < edges[min(band + 2, BANDS)]


def test_loudness_does_not_matter():
    sound = speak("123", np.random.default_rng(1))
    np.testing.assert_allclose(frames_of(sound), frames_of(sound / 4), atol=1e-4)
    assert frames_of(np.zeros(10)).shape == (1, BANDS)


def test_parts_share_no_digits():
    said = [set(spoken_digits(40, 1, part)[1]) for part in (0, 1, 2)]
    assert not said[0] & said[1] | said[0] & said[2] | said[1] & said[2]
    assert all(part_of(digits) == part for part in (0, 1, 2) for digits in said[part])


def test_a_file_is_read_as_it_was_written(tmp_path):
    sound = speak("70", np.random.default_rng(1))
    write_sound(tmp_path / "a.wav", sound)
    np.testing.assert_allclose(read_sound(tmp_path / "a.wav"), sound, atol=1e-4)


def written(path, data, rate=RATE, channels=1, width=2):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return path


@pytest.mark.parametrize(("rate", "channels", "width"), [(44_100, 2, 2), (16_000, 1, 4), (8000, 1, 1), (6000, 1, 2)])
def test_other_rates_channels_and_widths(tmp_path, rate, channels, width):
    times = np.arange(rate) / rate
    tone = 0.5 * np.sin(2 * np.pi * 440 * times)
    whole = {1: lambda x: (x * 127 + 128).astype("u1"), 2: lambda x: (x * 32767).astype("<i2")}
    whole[4] = lambda x: (x * (2**31 - 1)).astype("<i4")
    data = whole[width](tone).repeat(channels).tobytes()
    sound = read_sound(written(tmp_path / "a.wav", data, rate, channels, width))
    assert abs(len(sound) - RATE) <= 2
    spectrum = np.abs(np.fft.rfft(sound))
    assert abs(spectrum.argmax() * RATE / len(sound) - 440) < 3
    assert 0.4 < np.abs(sound).max() < 0.55


def test_files_that_are_no_sound(tmp_path):
    cases = {
        "empty.wav": b"",
        "text.wav": b"no sound at all, but some text",
        "short.wav": b"RIFF\x24\x00\x00\x00WAVEfmt ",
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CommandError, match="cannot be read as a wave file"):
            read_sound(tmp_path / name)
    with pytest.raises(CommandError, match="No such file"):
        read_sound(tmp_path / "absent.wav")
    with pytest.raises(CommandError, match=r"absent|directory|denied"):
        read_sound(tmp_path)
    with pytest.raises(CommandError, match="holds no sound"):
        read_sound(written(tmp_path / "none.wav", b""))
    with pytest.raises(CommandError, match=f"expected at most {MOST_SECONDS} s"):
        read_sound(written(tmp_path / "long.wav", bytes(2 * RATE * (MOST_SECONDS + 1))))
    with pytest.raises(CommandError, match="24 bits"):
        read_sound(written(tmp_path / "wide.wav", bytes(30), width=3))

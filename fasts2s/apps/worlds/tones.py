"""Digits as sounds: each is two tones, one after the other; and the frames that are heard of a sound."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fasts2s.apps.worlds.drawing import part_of

#: Samples in a second.
RATE = 8000
#: Hertz.
PITCHES = (440.0, 620.0, 880.0, 1240.0, 1760.0)
#: Digit -> its first and its second pitch.
DIGITS = ((0, 2), (1, 3), (2, 4), (3, 0), (4, 1), (0, 4), (1, 0), (2, 1), (3, 2), (4, 3))
MOST_DIGITS = 6
#: Samples of a window, and from one to the next: 32 and 16 ms.
_WINDOW, _HOP = 256, 128
#: Bands in which energy is measured, and their ends in Hertz.
BANDS = 20
_LOWEST, _HIGHEST = 250.0, 3600.0
#: Added to energies: below it all is silence.
_SILENCE = 1e-3
#: Seconds of a tone, between the two of a digit, and between digits, at usual speed.
_TONE, _WITHIN, _BETWEEN = (0.05, 0.09), (0.0, 0.01), (0.02, 0.07)
_SLOWEST, _FASTEST, _NOISE = 0.75, 1.4, (0.01, 0.15)

Samples = NDArray[np.float64]


def speak(digits: str, rng: np.random.Generator) -> Samples:
    """Return the sound of digits: samples from -1 to 1; speed, pitch, loudness and noise differ every time."""
    speed, tuning = rng.uniform(_SLOWEST, _FASTEST), rng.uniform(0.97, 1.03)

    def silence(low: float, high: float) -> Samples:
        return np.zeros(int(RATE * rng.uniform(low, high) / speed))

    parts = [silence(*_BETWEEN)]
    for digit in digits:
        first, second = DIGITS[int(digit)]
        for pitch, after in ((first, _WITHIN), (second, _BETWEEN)):
            parts += [_tone(PITCHES[pitch] * tuning, rng.uniform(*_TONE) / speed, rng), silence(*after)]
    sound = np.concatenate(parts)
    sound += rng.uniform(*_NOISE) * rng.standard_normal(len(sound))
    return np.clip(sound * rng.uniform(0.2, 0.7), -1, 1)


def _tone(hertz: float, seconds: float, rng: np.random.Generator) -> Samples:
    """Return a tone with an overtone, that swells and fades within 5 ms."""
    times = np.arange(int(RATE * seconds)) / RATE
    angle = 2 * np.pi * hertz * times + rng.uniform(0, 2 * np.pi)
    ends = np.minimum(times, times[::-1]) / 0.005
    return (np.sin(angle) + rng.uniform(0, 0.4) * np.sin(2 * angle)) * np.minimum(ends, 1) * rng.uniform(0.7, 1)


def frames_of(samples: Samples) -> NDArray[np.float32]:
    """Return what is heard of a sound (L,): logs of energies in bands, (T, BANDS), whatever its loudness."""
    sound = samples / max(float(np.abs(samples).max(initial=0)), 1e-6)
    sound = np.pad(sound, (0, max(_WINDOW - len(sound), 0)))
    windows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP]
    energy = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), axis=1)) ** 2 / _WINDOW
    edges = np.geomspace(_LOWEST, _HIGHEST, BANDS + 1) * _WINDOW / RATE
    starts = np.floor(edges).astype(int)
    totals = np.stack([energy[:, low : max(high, low + 1)].sum(axis=1) for low, high in pairwise(starts)], axis=1)
    return ((np.log(totals + _SILENCE) + 3) / 4).astype(np.float32)


def spoken_digits(count: int, seed: int, part: int) -> tuple[list[Samples], list[str]]:
    """Return sounds of 1 to MOST_DIGITS digits that belong to a part (``worlds.drawing.part_of``), and the digits."""
    rng = np.random.default_rng([seed, 2, part])
    sounds: list[Samples] = []
    said: list[str] = []
    while len(said) < count:
        digits = "".join(map(str, rng.integers(10, size=rng.integers(1, MOST_DIGITS + 1))))
        if part_of(digits) == part:
            sounds.append(speak(digits, rng))
            said.append(digits)
    return sounds, said

"""Pictures of coloured shapes, and what can be said of them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fasts2s.apps.worlds.drawing import part_of

SIDE = 24
#: Name -> red, green, blue, from 0 to 1.
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.9, 0.1, 0.1),
    "green": (0.1, 0.7, 0.2),
    "blue": (0.15, 0.25, 0.9),
    "yellow": (0.95, 0.9, 0.1),
    "purple": (0.6, 0.1, 0.7),
    "white": (1.0, 1.0, 1.0),
}
#: Name -> how far out a place is: at most 1 inside a shape of size 1. Distances to its middle: x, and y downwards.
SHAPES: dict[str, Callable[[Any, Any], Any]] = {
    "circle": np.hypot,
    "square": lambda x, y: np.maximum(abs(x), abs(y)) / 0.9,
    "triangle": lambda x, y: np.maximum(y / 0.9, 2 * abs(x) - y),
    "cross": lambda x, y: np.maximum(np.minimum(abs(x), abs(y)) / 0.34, np.maximum(abs(x), abs(y))),
}
#: Index of a thing, its colour and its shape.
THINGS = [(colour, shape) for colour in COLOURS for shape in SHAPES]
RELATIONS = ("left of", "above")
#: Pixels from the middle of a shape to its rim.
_SMALLEST, _LARGEST = 3.6, 4.8
#: Shades of grey of the background, and how much single pixels differ.
_DARKEST, _LIGHTEST, _NOISE = 0.2, 0.5, 0.05


class Pictures(NamedTuple):
    """Pictures (N, 3, SIDE, SIDE) float32 from 0 to 1, and what is said of each."""

    pictures: NDArray[np.float32]
    captions: list[str]

    def __len__(self) -> int:
        return len(self.captions)


def name_of(thing: int) -> str:
    """Return "a red circle"."""
    return f"a {' '.join(THINGS[thing])}"


def caption_of(first: int, relation: int, second: int) -> str:
    """Return "a red circle above a blue cross": of two true sentences the one that begins above, or on the left."""
    return f"{name_of(first)} {RELATIONS[relation]} {name_of(second)}"


def _painted(rng: np.random.Generator, things: Sequence[tuple[int, float, float]]) -> NDArray[np.float32]:
    """Return a picture of things at places (column, row)."""
    picture = np.full((3, SIDE, SIDE), rng.uniform(_DARKEST, _LIGHTEST))
    across, down = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    for thing, column, row in things:
        colour, shape = THINGS[thing]
        size = rng.uniform(_SMALLEST, _LARGEST)
        out = SHAPES[shape]((across - column) / size, (down - row) / size)
        inside = np.clip((1 - out) * size + 0.5, 0, 1)  # pixels on the rim are in between
        shade = np.array(COLOURS[colour]) * rng.uniform(0.8, 1.0)
        picture += inside * (shade[:, None, None] - picture)
    picture += _NOISE * rng.standard_normal(picture.shape)
    made: NDArray[np.float32] = np.clip(picture, 0, 1).astype(np.float32)
    return made


def single_things(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return pictures of one thing each, and the numbers of the things in THINGS."""
    rng = np.random.default_rng([seed, 0])
    kinds = rng.integers(len(THINGS), size=count)
    places = rng.uniform(_LARGEST, SIDE - 1 - _LARGEST, (count, 2))
    pictures = np.empty((count, 3, SIDE, SIDE), np.float32)
    for n in range(count):
        pictures[n] = _painted(rng, [(int(kinds[n]), *places[n])])
    return pictures, kinds


def _two_places(rng: np.random.Generator, relation: int) -> list[tuple[float, float]]:
    """Return two places whose distance is clearly along one axis, the first at its lower end."""
    apart = rng.uniform(2 * _LARGEST, SIDE - 1 - 2 * _LARGEST)
    start = rng.uniform(_LARGEST, SIDE - 1 - _LARGEST - apart)
    aside = rng.uniform(-0.6, 0.6) * apart
    middle = rng.uniform(_LARGEST + abs(aside) / 2, SIDE - 1 - _LARGEST - abs(aside) / 2)
    along = [(start, middle - aside / 2), (start + apart, middle + aside / 2)]
    return along if relation == 0 else [(row, column) for column, row in along]


def two_things(count: int, seed: int, part: int) -> Pictures:
    """Return pictures of two things whose combination belongs to a part: see ``worlds.drawing.part_of``."""
    rng = np.random.default_rng([seed, 1, part])
    pictures, captions = np.empty((count, 3, SIDE, SIDE), np.float32), list[str]()
    while len(captions) < count:
        first, second = (int(k) for k in rng.integers(len(THINGS), size=2))
        relation = int(rng.integers(len(RELATIONS)))
        caption = caption_of(first, relation, second)
        if part_of(caption) != part:
            continue
        places = _two_places(rng, relation)
        pictures[len(captions)] = _painted(rng, [(first, *places[0]), (second, *places[1])])
        captions.append(caption)
    return Pictures(pictures, captions)

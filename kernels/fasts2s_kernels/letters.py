"""Shapes as texts, with the letters of the contract: ``"N T 4H"``, ``"H+D 4H"``; ``*`` is any shape.

A word before them says what the elements are: ``ids`` (integers -V to V - 1), ``labels`` (0 to V - 1, or the number
``ignore_label``), ``mask`` (bool), ``double`` (float64 whatever the weights are); without one they are floats. What
is no array: ``number``; ``size T``, the number T; ``list``, arrays of several shapes.
"""

import math
from collections.abc import Mapping

Sizes = Mapping[str, int]

KINDS = ("ids", "labels", "mask", "double", "number", "size", "list")
#: Sizes for tests: no two alike, so that no axis can be taken for another, and none a whole number of vectors.
SIZES: dict[str, int] = {"N": 3, "T": 5, "S": 9, "D": 7, "H": 11, "M": 17, "V": 13, "R": 15, "K": 4}


def size(token: str, sizes: Sizes) -> int:
    """Return what a token stands for: 44 for ``4H``, 18 for ``H+D``, 5 for ``5``."""
    if "+" in token:
        return sum(size(part, sizes) for part in token.split("+"))
    return int(token) if token.isdigit() else sizes[token[-1]] * int(token[:-1] or 1)


def shape(letters: str, sizes: Sizes, any_shape: str = "N T") -> tuple[int, ...]:
    """Return the shape that letters stand for; ``any_shape`` is taken for ``*``."""
    return tuple(size(token, sizes) for token in letters.replace("*", any_shape).split())


def kind_and_letters(spec: str) -> tuple[str, str]:
    """Return the word before the letters of a text, ``float`` where there is none, and the letters."""
    kind, _, letters = spec.partition(" ")
    return (kind, letters) if kind in KINDS else ("float", spec)


def nbytes(kind: str, letters: str, sizes: Sizes) -> int:
    """Return the bytes of an array of a kind and a shape, where floats are float32."""
    return math.prod(shape(letters, sizes)) * {"ids": 8, "labels": 8, "double": 8, "mask": 1}.get(kind, 4)

"""Generating sequences, batched, on every backend; nothing here knows a model.

:func:`greedy` and :func:`sample` go over any step function, as the book does. :func:`generate` and
:func:`generate_from` have all the options: beams, penalties, constraints, sampling from the best words.
"""

from fasts2s.generation._answers import Answer
from fasts2s.generation._generate import generate, generate_from
from fasts2s.generation._options import GenerationOptions
from fasts2s.generation._stepwise import (
    Step,
    ban,
    greedy,
    not_finite,
    rows_until,
    sample,
    sample_row,
    weights_at_fault,
)
from fasts2s.generation._unknown import replace_unknown

__all__ = [
    "Answer",
    "GenerationOptions",
    "Step",
    "ban",
    "generate",
    "generate_from",
    "greedy",
    "not_finite",
    "replace_unknown",
    "rows_until",
    "sample",
    "sample_row",
    "weights_at_fault",
]

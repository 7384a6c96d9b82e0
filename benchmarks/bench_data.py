"""The way of data into a model: making and reading exercises, texts, padding, checkpoints. No backend takes part."""

import datetime

import numpy as np
import pytest

from fasts2s.bench import pipeline
from fasts2s.sequence import date_lines

# A case made ready by the suite has a folder, which goes with it.


@pytest.mark.parametrize("case", pipeline.CASES, ids=lambda case: case.name)
def test_data(case, tiny, timing):
    """A case of the suite."""
    case = pipeline.tiny(case) if tiny else case
    given, expected = pipeline.make(case, np.random.default_rng(2))
    made = pipeline.build(case, given)
    timing.gate(made.results(), expected)
    timing.run(made.once, case.name, samples=case.sizes.get("N"), sizes=case.sizes)


def test_dates(tiny, timing):
    """The generator of date exercises; dates that name the month in full are read back."""
    count = 500 if tiny else 50_000
    lines = date_lines(count)
    pairs = [(line[:29].strip().title(), line[30:]) for line in lines]
    read = [(day, _full(text)) for text, day in pairs if _full(text)]
    assert len(lines) == len(set(lines)) == count
    assert len(read) > count // 10
    assert all(text == day for day, text in read)
    timing.run(lambda: date_lines(count), f"make {count} dates", samples=count)


def _full(text):
    """Return the ISO form of "27 September 1994", "" for other forms."""
    try:
        return datetime.datetime.strptime(text, "%d %B %Y").date().isoformat()
    except ValueError:
        return ""

"""The options: every wrong value is refused by name."""

import dataclasses

import numpy as np
import pytest

from fasts2s.generation import GenerationOptions
from fasts2s.generation._options import prefixes

WRONG = [
    *[(name, value) for name in ("beam", "nbest", "max_length") for value in (0, -1, 1.0, True, None, "2")],
    *[("min_length", value) for value in (-1, 0.5, None)],
    *[(name, value) for name in ("top_k", "no_repeat_ngram") for value in (0, 1.5, "2", True)],
    *[(name, value) for name in ("start_id", "stop_id") for value in (-1, 1.0, "</s>")],
    *[
        (name, value)
        for name in ("temperature", "length_penalty", "coverage_penalty")
        for value in (-0.1, np.nan, np.inf, None, "hot")
    ],
    *[("top_p", value) for value in (0, -0.5, 1.5, np.nan, "0.9")],
    *[("repetition_penalty", value) for value in (0, -1, np.inf, np.nan, None)],
    *[("banned", value) for value in (3, "3", [0.5], ["a"])],
    *[("prefix", value) for value in (3, "3", [0.5], [-1], [[1], 2], [[1], ["a"]])],
    *[("attention", value) for value in (2, None, "yes")],
    *[("rng", value) for value in (-1, 1.5, "3")],
]
TOGETHER = [
    ({"beam": 2, "temperature": 1.0}, "beam is 2 and temperature 1.0"),
    ({"top_k": 3}, "top_k is 3 and temperature 0"),
    ({"top_p": 0.5}, "top_p is 0.5 and temperature 0"),
    ({"nbest": 3, "beam": 2}, "nbest is 3, expected at most beam = 2"),
    ({"min_length": 5, "max_length": 4}, "min_length is 5, expected at most max_length = 4"),
    ({"prefix": [1, 2, 4], "max_length": 2}, "prefix has 3 ids, expected at most max_length = 2"),
    ({"prefix": [[1], [3, 4]], "stop_id": 3}, "prefix holds stop_id, 3"),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=str)
def test_a_wrong_value_is_refused_by_name(name, value):
    more = {"temperature": 1.0} if name.startswith("top") else {}
    with pytest.raises(ValueError, match=rf"{name}\b.*expected"):
        GenerationOptions(**{**more, name: value})


@pytest.mark.parametrize(("options", "message"), TOGETHER, ids=str)
def test_values_that_do_not_go_together(options, message):
    with pytest.raises(ValueError, match=message):
        GenerationOptions(**options)


def test_a_prefix_is_that_of_all_sources_or_one_for_each():
    assert prefixes(GenerationOptions(), 2).shape == (2, 0)
    assert prefixes(GenerationOptions(prefix=(i for i in (4, 5))), 2).tolist() == [[4, 5], [4, 5]]
    made = GenerationOptions(prefix=[[4, 5], [], np.array([6])])
    assert prefixes(made, 3).tolist() == [[4, 5], [-1, -1], [6, -1]]
    with pytest.raises(ValueError, match="prefix has 3 rows, expected ids, or one row for each of the 2 sources"):
        prefixes(made, 2)
    assert prefixes(GenerationOptions(prefix=[[], []]), 2).shape == (2, 0)


def test_options_do_not_change():
    options = GenerationOptions(banned=[1, 2], rng=np.int64(3))
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.beam = 3  # type: ignore[misc]
    assert options.banned == (1, 2)
    assert dataclasses.replace(options, beam=4).beam == 4

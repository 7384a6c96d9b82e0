"""The functions of chapters 2 to 4 that take words one by one: the same arrays, the same lines, to the bit."""

import importlib
import warnings

import numpy as np
import pytest

import fasts2s

_TEXT = np.random.default_rng(2).integers(0, 12, 60)
_COUNTS = np.random.default_rng(3).integers(0, 3, (11, 11)).astype(np.int32)
_COUNTS[4] = _COUNTS[:, 4] = 0
_WORDS = {f"w{k}": k for k in range(9)}
_NAMES = {k: word for word, k in _WORDS.items()}


def _matrix(dtype):
    return (10 * np.random.default_rng(4).normal(size=(9, 6))).astype(dtype)


#: What ours answers, and what it leaves to the book.
OURS = {
    "windows": ("create_contexts_target", _TEXT, 2),
    "windows of int32": ("create_contexts_target", _TEXT.astype(np.int32)),
    "one hot": ("convert_one_hot", _TEXT, 12),
    "one hot, windows": ("convert_one_hot", _TEXT.reshape(20, 3), 12),
    "one hot, from the end": ("convert_one_hot", _TEXT - 12, 12),
    "neighbours": ("create_co_matrix", _TEXT, 12),
    "neighbours further away": ("create_co_matrix", _TEXT, 13, 4),
    "more neighbours than words": ("create_co_matrix", _TEXT[:3], 12, 5),
    "the same word again": ("create_co_matrix", np.array([1, 1, 1, 0, 1]), 3, 2),
    "ppmi": ("ppmi", _COUNTS),
    "ppmi, verbose": ("ppmi", _COUNTS, True),
    "ppmi of many": ("ppmi", np.kron(_COUNTS, np.ones((2, 2), np.int64)), True, 1e-4),
    "most similar": ("most_similar", "w3", _WORDS, _NAMES, _matrix("f4"), 4),
    "most similar, float64": ("most_similar", "w3", _WORDS, _NAMES, _matrix("f8")),
    "most similar, float16": ("most_similar", "w3", _WORDS, _NAMES, _matrix("f2")),
    "most similar, integers": ("most_similar", "w3", _WORDS, _NAMES, _matrix("i4")),
    "most similar, columns": ("most_similar", "w3", _WORDS, _NAMES, _matrix("f4")[:, :4]),
}
LEFT = {
    "a list": ("create_contexts_target", list(_TEXT), 1),
    "no neighbours": ("create_contexts_target", _TEXT, 30),
    "a short text": ("create_contexts_target", _TEXT[:2], 1),
    "three dimensions": ("convert_one_hot", _TEXT.reshape(5, 4, 3), 12),
    "a list of words": ("create_co_matrix", _TEXT.tolist(), 12),
    "ids from the end": ("create_co_matrix", _TEXT - 12, 12),
    "a word too many": ("create_co_matrix", _TEXT, 11),
    "counts that are not whole": ("ppmi", _COUNTS + 0.5),
    "a large eps": ("ppmi", _COUNTS, False, 3.0),
    "an unknown word": ("most_similar", "w99", _WORDS, _NAMES, _matrix("f4")),
    "rows in a list": ("most_similar", "w1", _WORDS, _NAMES, list(_matrix("f4"))),
    "more names than rows": ("most_similar", "w1", _WORDS, {**_NAMES, 9: "w9"}, _matrix("f4")),
}


def _answer(case, capsys):
    """Return result or error, and what was printed."""
    name, *arguments = case
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, of a division by no counts
        try:
            found = getattr(importlib.import_module("common.util"), name)(*arguments)
        except Exception as error:  # the book's own
            found = (type(error), str(error))
    return found, capsys.readouterr().out


def _same(a, b):
    if isinstance(a, tuple) and isinstance(a[0], np.ndarray):
        return all(map(_same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b) and a.flags.c_contiguous == b.flags.c_contiguous
    return a == b


@pytest.mark.parametrize("case", [*OURS, *LEFT])
def test_the_answer_is_the_books(book, capsys, case):
    call = (OURS | LEFT)[case]
    expected, printed = _answer(call, capsys)
    with fasts2s.patched("numpy"):
        found, ours = _answer(call, capsys)
        (entry,) = [e for e in fasts2s.status().entries if e.name == call[0]]
        assert (entry.calls, entry.fallbacks) == (int(case in OURS), {}) or case in LEFT
    assert _same(found, expected)
    assert ours == printed
    assert printed or case in LEFT or call[0] not in {"most_similar"}


def test_arguments_by_name_and_defaults(book, capsys):
    util, counts = importlib.import_module("common.util"), _COUNTS + 1
    expected = util.ppmi(counts, eps=1e-3, verbose=True), capsys.readouterr().out
    with fasts2s.patched("numpy"):
        found = util.ppmi(counts, eps=1e-3, verbose=True), capsys.readouterr().out
    assert np.array_equal(found[0], expected[0])
    assert found[1] == expected[1]


def test_an_error_while_lines_are_printed_is_not_printed_twice(book, capsys):
    util = importlib.import_module("common.util")
    names = {k: word for k, word in _NAMES.items() if k != 5} | {9: "w9"}
    with fasts2s.patched("numpy"), pytest.raises(KeyError):
        util.most_similar("w3", _WORDS, names, _matrix("f4"), 9)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(set(lines))


def test_another_cosine_is_heard(book, capsys):
    util = importlib.import_module("common.util")
    with fasts2s.patched("numpy"):
        util.cos_similarity = lambda x, y: 42.0
        util.most_similar("w3", _WORDS, _NAMES, _matrix("f4"))
    assert "42.0" in capsys.readouterr().out

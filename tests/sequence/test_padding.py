"""Rows of different length as a batch, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasts2s.sequence import pad_batch, unpad, valid_mask


def test_pad_batch() -> None:
    right = pad_batch([[1, 2, 3], [], [4]], -1)
    assert right.dtype == np.int64
    assert right.tolist() == [[1, 2, 3], [-1, -1, -1], [4, -1, -1]]
    assert pad_batch([[1, 2, 3], [4]], 0, side="left", length=4).tolist() == [[0, 1, 2, 3], [0, 0, 0, 4]]
    assert pad_batch([np.array([1, 2], dtype=np.int32)], 0).tolist() == [[1, 2]]


def test_pad_batch_of_nothing() -> None:
    assert pad_batch([], 0).shape == (0, 0)
    assert pad_batch([], 0, length=3).shape == (0, 3)
    assert pad_batch([[], []], 0).shape == (2, 0)
    assert unpad(pad_batch([[], []], 0), 0) == [[], []]
    assert unpad(pad_batch([], 0), 0) == []


def test_pad_batch_owns_its_memory() -> None:
    row = np.arange(3)
    pad_batch([row], 0)[:] = 7
    assert row.tolist() == [0, 1, 2]


@settings(max_examples=200)
@given(
    rows=st.lists(st.lists(st.integers(-5, 5), max_size=6), max_size=5),
    pad_id=st.integers(-6, 6),
    side=st.sampled_from(["right", "left"]),
    extra=st.integers(0, 3),
)
def test_unpad_inverts_pad_batch(rows: list[list[int]], pad_id: int, side: str, extra: int) -> None:
    edge = -1 if side == "right" else 0
    rows = [row for row in rows if not row or row[edge] != pad_id]
    length = max(map(len, rows), default=0) + extra
    batch = pad_batch(rows, pad_id, side=side, length=length)
    assert batch.shape == (len(rows), length)
    assert unpad(batch, pad_id, side=side) == rows
    mask = valid_mask(batch, pad_id)
    assert mask.dtype == np.bool_
    assert mask.shape == batch.shape
    assert mask.sum(axis=1).tolist() == [sum(i != pad_id for i in row) for row in rows]


def test_valid_mask_is_false_on_padding_only() -> None:
    batch = pad_batch([[1, 2], [3], []], 9, side="left")
    assert valid_mask(batch, 9).tolist() == [[True, True], [False, True], [False, False]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1.0, 2.0], r"rows\[1\] holds float64, expected integers"),
        (["a"], r"rows\[1\] holds <U1, expected integers"),
        ([True], r"rows\[1\] holds bool, expected integers"),
        ([[1, 2]], r"rows\[1\] has shape \(1, 2\), expected one dimension"),
        ([[1], [2, 3]], r"rows\[1\] is of type list, expected a row of integers"),
        (5, r"rows\[1\] has shape \(\), expected one dimension"),
    ],
)
def test_pad_batch_refuses_rows(row: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pad_batch([[1], row], 0)


@pytest.mark.parametrize("length", [-1, 2])
def test_pad_batch_refuses_length(length: int) -> None:
    with pytest.raises(ValueError, match=f"length is {length}, expected at least 3"):
        pad_batch([[1, 2, 3]], 0, length=length)


def test_padding_refuses_side_and_shape() -> None:
    with pytest.raises(ValueError, match="side is 'middle', expected one of right, left"):
        pad_batch([[1]], 0, side="middle")
    with pytest.raises(ValueError, match="side is 'middle'"):
        unpad([[1]], 0, side="middle")
    with pytest.raises(ValueError, match="length is -1, expected at least 0"):
        pad_batch([], 0, length=-1)
    for function in (unpad, valid_mask):
        with pytest.raises(ValueError, match=r"batch has shape \(2,\), expected \(N, T\)"):
            function([1, 2], 0)
        with pytest.raises(
            ValueError, match=r"batch is of type list, expected \(N, T\), rows of one length \(use pad_batch first\)"
        ):
            function([[1], [2, 3]], 0)
        with pytest.raises(ValueError, match="batch holds float64, expected integers"):
            function([[1.5]], 0)

"""Encoded pairs, and batches of them: every row once, like lengths together, the same order for the same seed."""

import threading
from time import monotonic, sleep

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasts2s.text import BOS, EOS, PAD, Batches, Pairs, Ragged, encode_pairs, encode_texts, tokenizer_for
from fasts2s.text._ahead import ahead
from fasts2s.text.encoding import EncodedPairs


def encoded(lengths):
    """Rows of these lengths (source, target); the ids tell the row and the place."""
    sides = []
    for side in zip(*lengths, strict=True):
        ids = [4 + 100 * row + place for row, length in enumerate(side) for place in range(length)]
        sides.append(Ragged.of(np.array(ids, np.int32), np.array(side)))
    return EncodedPairs(*sides, np.arange(len(lengths)))


LENGTHS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=40)


def workers():
    return [t for t in threading.enumerate() if t.name == "fasts2s batches"]


def gone(seconds=5.0):
    end = monotonic() + seconds
    while workers() and monotonic() < end:
        sleep(0.01)
    return not workers()


# ---- encoding ----------------------------------------------------------------------------------------------------


def test_pairs_as_ids():
    pairs = Pairs(["ab", "b", "abab"], ["가", "가나다", "나"])
    source, target = tokenizer_for("char", pairs.sources), tokenizer_for("char", pairs.targets)
    rows = encode_pairs(pairs, source, target)
    assert len(rows) == 3
    assert [source.decode(rows.source[i]) for i in range(3)] == pairs.sources
    assert [target.decode(rows.target[i]) for i in range(3)] == pairs.targets
    assert (rows.rows.tolist(), rows.left_out, rows.cut) == ([0, 1, 2], 0, 0)
    assert rows.source[0].dtype == np.int32
    assert rows.source.ids.dtype == np.uint16  # a million pairs are to fit into memory


def test_rows_that_are_too_long():
    pairs = Pairs(["ab", "b", "abab"], ["가", "가나다", "나"])
    source, target = tokenizer_for("char", pairs.sources), tokenizer_for("char", pairs.targets)
    left = encode_pairs(pairs, source, target, max_source=2, max_target=3)
    assert (left.rows.tolist(), left.left_out, left.cut) == ([0, 1], 1, 0)
    assert [target.decode(left.target[i]) for i in range(2)] == ["가", "가나다"]
    cut = encode_pairs(pairs, source, target, max_source=3, max_target=2, too_long="cut")
    assert (cut.rows.tolist(), cut.left_out, cut.cut) == ([0, 1, 2], 0, 2)
    assert [source.decode(cut.source[i]) for i in range(3)] == ["ab", "b", "aba"]
    assert [target.decode(cut.target[i]) for i in range(3)] == ["가", "가나", "나"]
    with pytest.raises(ValueError, match="max_source is 1, max_target is 1: all 2 pairs are longer"):
        encode_pairs(pairs[::2].select([0, 1]), source, target, max_source=1, max_target=1)


def test_a_large_vocabulary_takes_four_bytes():
    characters = "".join(map(chr, range(0x10000, 0x10000 + 70_000)))
    tokenizer = tokenizer_for("char", [characters])
    rows = encode_texts([characters], tokenizer)
    assert rows.ids.dtype == np.int32
    assert tokenizer.decode(rows[0]) == characters


def test_rows_of_ragged():
    rows = Ragged.of(np.arange(6, dtype=np.int32), [2, 0, 4])
    assert (len(rows), rows.lengths.tolist(), rows[-1].tolist()) == (3, [2, 0, 4], [2, 3, 4, 5])
    assert rows.joined(EOS).tolist() == [0, 1, EOS, EOS, 2, 3, 4, 5, EOS]
    assert Ragged.of(np.zeros(0, np.int32), []).joined(EOS).tolist() == []
    for row in (3, -4):
        with pytest.raises(IndexError, match=f"row {row} is not there, expected 0 to 2"):
            rows[row]


# ---- batches -----------------------------------------------------------------------------------------------------


@given(lengths=LENGTHS, tokens=st.integers(14, 60), max_rows=st.none() | st.integers(1, 5), seed=st.integers(0, 9))
def test_every_row_once_in_its_marks_and_padding(lengths, tokens, max_rows, seed):
    pairs = encoded(lengths)
    batches = Batches(pairs, tokens, max_rows=max_rows, seed=seed, prepared=0)
    for epoch in range(2):
        found = list(batches.epoch(epoch))
        assert len(found) == len(batches)
        assert sorted(row for batch in found for row in batch.rows.tolist()) == list(range(len(lengths)))
        for batch in found:
            assert batch.xs.dtype == batch.ts.dtype == np.int32
            assert batch.xs.size <= tokens
            assert batch.ts.size <= tokens
            assert len(batch.rows) <= (max_rows or len(lengths))
            assert batch.xs.shape[1] == 1 + max(lengths[row][0] for row in batch.rows)
            assert batch.ts.shape[1] == 2 + max(lengths[row][1] for row in batch.rows)
            for x, t, row in zip(batch.xs.tolist(), batch.ts.tolist(), batch.rows, strict=True):
                source, target = pairs.source[row].tolist(), pairs.target[row].tolist()
                assert x == [*source, EOS] + [PAD] * (len(x) - len(source) - 1)
                assert t == [BOS, *target, EOS] + [PAD] * (len(t) - len(target) - 2)


def order(batches, epoch):
    return [batch.rows.tolist() for batch in batches.epoch(epoch)]


def test_the_order_depends_on_seed_and_epoch_alone(rng):
    pairs = encoded([(int(a), int(b)) for a, b in rng.integers(1, 6, (200, 2))])
    first = Batches(pairs, 60, seed=3)
    orders = [order(first, epoch) for epoch in range(3)]
    again = Batches(pairs, 60, seed=3, prepared=0)
    np.random.random()
    assert [order(again, epoch) for epoch in (2, 0, 1)] == [orders[2], orders[0], orders[1]]
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert order(Batches(pairs, 60, seed=4), 0) != orders[0]
    # Not the order of the batches alone: which rows are together changes too.
    assert {frozenset(rows) for rows in orders[0]} != {frozenset(rows) for rows in orders[1]}


@pytest.mark.parametrize(("alike", "most"), [(0.0, 0.04), (0.3, 0.09), (3.0, 0.15)])
def test_padding_is_bounded(rng, alike, most):
    source = rng.lognormal(3, 0.5, 20_000).astype(int) + 1
    target = (source * rng.lognormal(0, alike, len(source))).astype(int) + 1
    lengths = np.minimum(np.stack([source, target], 1), 300)
    batches = Batches(encoded_lengths(lengths), 4096, prepared=0)
    assert batches.padding < most
    ids = sum(b.xs.size + b.ts.size for b in batches.epoch(0))
    real = lengths.sum() + 3 * len(lengths)
    assert batches.padding == pytest.approx(1 - real / ids)
    mixed = sum(len(part) * (part.max(axis=0).sum() + 3) for part in np.array_split(lengths, len(batches)))
    assert batches.padding < 0.3 * (1 - real / mixed)


def encoded_lengths(lengths):
    sides = (Ragged.of(np.full(side.sum(), 4, np.int32), side) for side in lengths.T)
    return EncodedPairs(*sides, np.arange(len(lengths)))


def test_rows_of_one_length_have_no_padding():
    assert Batches(encoded([(3, 5)] * 50), 40).padding == 0


def test_a_row_longer_than_a_batch_is_left_out_and_counted():
    batches = Batches(encoded([(3, 3), (20, 1), (2, 30), (10, 9)]), 11)
    assert batches.left_out == 2
    assert sorted(row for rows in order(batches, 0) for row in rows) == [0, 3]
    with pytest.raises(ValueError, match="tokens is 4, expected enough for a row: 4 rows, the shortest of 5 ids"):
        Batches(encoded([(3, 3), (20, 1), (2, 30), (10, 9)]), 4)


def test_rows_of_pairs_that_were_left_out_can_be_found():
    pairs = Pairs(["aaaa", "a", "aa"], ["b", "bb", "bbb"])
    tokenizer = tokenizer_for("char", ["ab"])
    rows = encode_pairs(pairs, tokenizer, tokenizer, max_source=2)
    for batch in Batches(rows).epoch(0):
        for x, row in zip(batch.xs, batch.rows, strict=True):
            assert tokenizer.decode(x) == pairs.sources[rows.rows[row]]


# ---- beside the training -----------------------------------------------------------------------------------------


def test_batches_are_made_in_advance_by_a_thread_that_ends():
    batches = Batches(encoded([(1, 1)] * 64), 6, prepared=3)
    steps = batches.epoch(0)
    assert not workers()  # not before the first is asked for
    next(steps)
    assert workers()
    assert len(list(steps)) == len(batches) - 1
    assert gone()


def test_leaving_the_loop_early_ends_the_thread():
    batches = Batches(encoded([(1, 1)] * 640), 6)
    for _ in batches.epoch(0):
        break
    assert gone()
    steps = batches.epoch(1)
    next(steps)
    del steps
    assert gone()
    with pytest.raises(RuntimeError, match="of the training"):
        for _ in batches.epoch(2):
            raise RuntimeError("of the training")
    assert gone()


def test_no_more_than_so_many_are_made_in_advance():
    made = []

    def things():
        for i in range(100):
            made.append(i)
            yield i

    taken = ahead(things(), 3)
    assert next(taken) == 0
    end = monotonic() + 5
    while len(made) < 5 and monotonic() < end:
        sleep(0.01)
    sleep(0.05)
    assert len(made) == 5  # one taken, three in the queue, one in hand
    taken.close()
    assert gone()


@pytest.mark.parametrize("error", [ValueError("of the thread"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_of_the_thread_reaches_the_caller(error):
    def things():
        yield 1
        raise error

    taken = ahead(things(), 2)
    assert next(taken) == 1
    with pytest.raises(type(error)) as caught:
        next(taken)
    assert caught.value is error
    assert gone()


def test_a_batch_that_cannot_be_made_is_an_error_of_the_loop(monkeypatch):
    batches = Batches(encoded([(1, 1)] * 64), 6)

    def fail(rows):
        raise MemoryError("no room")

    monkeypatch.setattr(batches, "_batch", fail)
    with pytest.raises(MemoryError, match="no room"):
        list(batches.epoch(0))
    assert gone()

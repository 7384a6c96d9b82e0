"""Rows of ranks, buffers, shares of cores: what needs no launcher."""

import os

import numpy as np
import pytest

from fasts2s import distributed
from fasts2s._rows import Rows, drawn, of_a_larger_batch
from fasts2s.backend import launched
from fasts2s.distributed.cores import share_of
from fasts2s.distributed.flat import Flat, size_of
from fasts2s.distributed.ranks import in_force, rows_of
from fasts2s.models import BetterRnnlm, EncoderDecoder, EncoderDecoderSettings, Seq2seq


@pytest.mark.parametrize("total", [1, 2, 5, 7, 64])
@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_all_rows_are_of_one_rank(total, size):
    rows = [rows_of(rank, size, total) for rank in range(size)]
    counted = [i for r, counts in rows if counts for i in range(r.first, r.first + r.size)]
    assert counted == list(range(total))
    assert all(r.size >= 1 and r.total == total for r, _ in rows)
    sizes = [r.size for r, counts in rows if counts]
    assert max(sizes) - min(sizes) <= 1


def test_rows_draw_what_one_process_draws_for_them():
    np.random.seed(1)
    whole = np.random.rand(7, 2)
    after = np.random.rand()
    for rank in range(3):
        rows, _ = rows_of(rank, 3, 7)
        np.random.seed(1)
        with of_a_larger_batch(rows):
            part = drawn(lambda shape: np.random.rand(*shape), (rows.size, 2))
        assert (part == whole[rows.first : rows.first + rows.size]).all()
        assert np.random.rand() == after
    with of_a_larger_batch(Rows(0, 3, 7)):  # what has another number of rows is no part of the batch
        assert drawn(np.zeros, (4, 2)).shape == (4, 2)


def test_one_process_needs_nobody():
    ranks = distributed.current()
    assert (ranks.rank, ranks.size) == (0, 1)
    with ranks.part(5) as (rows, counts):
        assert (rows, counts) == (slice(0, 5), True)
    grads = [np.ones(2)]
    assert ranks.mean(grads, 0.5, 1.0) == (grads, 0.5)
    assert ranks.shared(lambda: 3) == 3
    with in_force(distributed.Ranks()) as other:
        assert distributed.current() is other
    assert distributed.current() is ranks


@pytest.mark.parametrize("dtypes", [("f", "f"), ("f", "d"), ("d", "d")])
def test_a_buffer_holds_arrays_and_numbers(dtypes, rng):
    grads = [rng.normal(size=(3, 2)).astype(dtypes[0]), np.asfortranarray(rng.normal(size=(2, 4))).astype(dtypes[1])]
    size, dtype = size_of(grads)
    flat = Flat(grads, np.empty(size + 2, dtype))
    flat.numbers[:] = 7, 8
    flat.fill(grads, 0.5)
    assert flat.buffer.shape == (3 * 2 + 2 * 4 + 2,)
    assert (flat.numbers == [7, 8]).all()
    for grad, half in zip(grads, flat.read(), strict=True):
        assert half.dtype == grad.dtype
        assert (half == grad * np.asarray(0.5, grad.dtype)).all()
    grads[0][...] = np.nan  # a weight of zero: nobody looks at what came
    flat.fill(grads, 0.0)
    assert (flat.buffer == 0).all()


@pytest.mark.parametrize(
    ("allowed", "cores", "wanted"),
    [
        ([{0, 1, 2, 3}] * 2, 4, [({0, 1, 2, 3}, 2)] * 2),  # MPICH: all may use all
        ([{0}, {1}], 8, [({0, 1, 2, 3}, 4), ({4, 5, 6, 7}, 4)]),  # Open MPI: one core for each
        ([{0}, {1}], 2, [({0}, 1), ({1}, 1)]),
        ([{0, 1, 2, 3}, {4, 5, 6, 7}], 16, [({0, 1, 2, 3}, 4), ({4, 5, 6, 7}, 4)]),  # chosen by the user
        ([{5}] * 3, 8, [({5}, 1)] * 3),
        ([{0, 1}], 8, [({0, 1}, 2)]),
    ],
)
def test_ranks_share_the_cores_of_their_machine(allowed, cores, wanted):
    assert [share_of(allowed, place, cores) for place in range(len(allowed))] == wanted


def test_a_launcher_is_known_by_its_variables(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("PMI_", "OMPI_")):
            monkeypatch.delenv(name)
    assert launched() == (0, 1)
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "2")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    assert launched() == (2, 4)
    monkeypatch.setenv("PMI_RANK", "1")
    monkeypatch.setenv("PMI_SIZE", "3")
    assert launched() == (1, 3)


def test_labels_that_a_loss_is_the_mean_of_are_counted():
    ts = np.array([[1, 2, 0, 0], [1, 3, 4, 0]])
    assert Seq2seq(5, 2, 2, pad_id=0).label_count(ts) == 3
    assert Seq2seq(5, 2, 2).label_count(ts) == 6
    assert BetterRnnlm(5, 2, 2).label_count(ts - 1) == 5
    assert BetterRnnlm(5, 2, 2).label_count(np.zeros((2, 4, 5))) == 8
    assert EncoderDecoder(EncoderDecoderSettings(5, 5, 2, 2)).label_count(ts) == 3


def test_without_a_launcher_a_session_is_one_process(monkeypatch):
    pytest.importorskip("mpi4py")
    with pytest.raises(ValueError, match="engine"), distributed.session("smoke"):
        pass
    with pytest.raises(ValueError, match="patience"), distributed.session("mpi", patience=-1.0):
        pass

"""Replacements with an interface of their own: both forms of TimeGRU, clipping, the download of the Penn Treebank."""

import gzip

import numpy as np
import pytest

from fasts2s import corpus
from fasts2s.backend import get_backend
from fasts2s.corpus.ptb import PTB_URL
from fasts2s.dropin.book import functions as book_functions
from fasts2s.dropin.book import layers as book_layers
from fasts2s.dropin.errors import LeftToTheBookError
from fasts2s.layers import TimeGRU
from fasts2s.testing import assert_close


class _WithoutBias:
    """TimeGRU as the Korean edition has it: no bias, no lists."""

    def __init__(self, Wx, Wh, stateful):
        self.Wx, self.Wh, self.stateful, self.h = Wx, Wh, stateful, None
        self.backend = get_backend("numpy")


@pytest.mark.parametrize("stateful", [False, True])
def test_a_gru_without_lists_is_one_without_bias(rng, stateful):
    Wx, Wh = rng.standard_normal((3, 15)).astype("f"), rng.standard_normal((5, 15)).astype("f")
    found, wanted = _WithoutBias(Wx, Wh, stateful), TimeGRU(Wx, Wh, None, stateful, backend="numpy")
    forward, backward = book_layers.TIME_GRU["forward"], book_layers.TIME_GRU["backward"]
    for _ in range(2):
        xs, dhs = rng.standard_normal((2, 4, 3)).astype("f"), rng.standard_normal((2, 4, 5)).astype("f")
        assert_close("hs", forward(found, xs), wanted.forward(xs), 1e-7)
        assert_close("dxs", backward(found, dhs), wanted.backward(dhs), 1e-7)
    assert_close("dWx", found.dWx, wanted.grads[0], 1e-7)
    assert_close("dWh", found.dWh, wanted.grads[1], 1e-7)
    assert_close("dh", found.dh, wanted.dh, 1e-7)


def test_a_gru_with_lists_is_ours(rng):
    weights = [rng.standard_normal(s).astype("f") for s in ((3, 15), (5, 15), (15,))]
    xs, dhs = rng.standard_normal((2, 4, 3)).astype("f"), rng.standard_normal((2, 4, 5)).astype("f")
    found, wanted = TimeGRU(*weights, backend="numpy"), TimeGRU(*weights, backend="numpy")
    assert np.array_equal(book_layers.TIME_GRU["forward"](found, xs), wanted.forward(xs))
    assert np.array_equal(book_layers.TIME_GRU["backward"](found, dhs), wanted.backward(dhs))


def test_clipping_returns_nothing_as_in_the_book():
    grads = [np.full((2, 2), 3, "f")]
    assert book_functions.clip_grads(grads, 1.0) is None
    assert np.allclose(grads[0], 0.5)


def test_no_limit_is_the_books_error():
    with pytest.raises(LeftToTheBookError):
        book_functions.clip_grads([np.ones(3, "f")], None)


def _space(folder):
    return {"dataset_dir": str(folder), "url_base": PTB_URL}


@pytest.mark.parametrize("packed", [False, True])
def test_the_treebank_comes_from_a_local_folder(tmp_path, monkeypatch, capsys, packed):
    folder, target = tmp_path / "mine", tmp_path / "dataset"
    folder.mkdir()
    target.mkdir()
    if packed:
        (folder / "ptb.train.txt.gz").write_bytes(gzip.compress(b" a b \n"))
    else:
        (folder / "ptb.train.txt").write_bytes(b" a b \n")
    monkeypatch.setenv("FASTS2S_PTB_DIR", str(folder))
    book_functions.download(_space(target), "ptb.train.txt")
    assert (target / "ptb.train.txt").read_bytes() == b" a b \n"
    assert sorted(p.name for p in target.iterdir()) == ["ptb.train.txt"]
    (folder / "ptb.train.txt").write_bytes(b"another")
    book_functions.download(_space(target), "ptb.train.txt")  # what is there stays
    assert (target / "ptb.train.txt").read_bytes() == b" a b \n"
    with pytest.raises(FileNotFoundError, match=r"FASTS2S_PTB_DIR is .*mine.*no ptb\.test\.txt"):
        book_functions.download(_space(target), "ptb.test.txt")
    assert capsys.readouterr().out == ""


def test_a_download_is_verified_and_prints_the_books_words(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("FASTS2S_PTB_DIR", raising=False)
    asked = []
    monkeypatch.setattr(corpus, "fetch_ptb", lambda folder, **options: asked.append((folder, options)))
    book_functions.download(_space(tmp_path), "ptb.valid.txt")
    assert asked == [(tmp_path, {"names": ["ptb.valid.txt"], "base_url": PTB_URL})]
    assert capsys.readouterr().out == "Downloading ptb.valid.txt ... \nDone\n"


def test_names_of_files_are_checked(tmp_path):
    with pytest.raises(ValueError, match=r"names is 'x\.txt', expected one of ptb\.train\.txt"):
        corpus.fetch_ptb(tmp_path, names=["x.txt"])

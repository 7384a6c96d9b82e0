"""Models in files of safetensors: what comes back is what was saved, tied weights too."""

import importlib.util

import numpy as np
import pytest

from fasts2s.exchange import load_safetensors, save_safetensors
from tests.exchange.models import BOOK, LANGUAGE_MODELS, SETTINGS, XS, H, V, encoder_decoder, filled


@pytest.fixture(autouse=True)
def library():
    if importlib.util.find_spec("safetensors") is None:
        pytest.skip("safetensors is not installed: pip install 'fasts2s[safetensors]'")
    import safetensors.numpy  # noqa: PLC0415 - of the extra

    return safetensors.numpy


def same(a, b):
    assert type(a) is type(b)
    assert a.config == b.config
    assert all(np.array_equal(p, q) for p, q in zip(a.params, b.params, strict=True))


def models():
    return [filled(make) for make in (*LANGUAGE_MODELS.values(), *BOOK.values())] + list(
        map(encoder_decoder, SETTINGS)
    )


@pytest.mark.parametrize("k", range(len(LANGUAGE_MODELS) + len(BOOK) + len(SETTINGS)))
def test_models_come_back(k, tmp_path):
    model = models()[k]
    save_safetensors(tmp_path / "a.safetensors", model, {"words": ["you", "나", "私"]})
    again, extra = load_safetensors(tmp_path / "a.safetensors")
    same(model, again)
    assert extra == {"words": ["you", "나", "私"]}


def test_a_transpose_comes_back_as_it_was(library, tmp_path):
    model = filled(LANGUAGE_MODELS["BetterRnnlm"])
    # Its memory lies the other way round, as that of a transpose, in the embedding and in the output.
    embed, affine = model.layers[0], model.layers[-1]
    turned = np.asfortranarray(embed.params[0])
    embed.params[0], affine.params[0] = turned, turned.T
    model.params[0], model.params[-2] = turned, turned.T
    scores = model.predict(XS)
    path = tmp_path / "a.safetensors"
    save_safetensors(path, model)
    stored = library.load_file(path)
    assert np.array_equal(stored["param_00"], turned)
    assert [a.shape for a in stored.values()].count((V, H)) == 1  # once
    assert (H, V) not in [a.shape for a in stored.values()]
    again, _ = load_safetensors(path)
    assert np.shares_memory(again.layers[0].params[0], again.layers[-1].params[0])
    assert np.abs(again.predict(XS) - scores).max() <= 1e-6


def test_other_files_are_named(library, tmp_path):
    foreign = tmp_path / "foreign.safetensors"
    library.save_file({"W": np.zeros((2, 2), "f")}, foreign)
    with pytest.raises(ValueError, match="does not say what model it holds"):
        load_safetensors(foreign)
    foreign.write_bytes(b"nothing of that kind")
    with pytest.raises(ValueError, match="expected a file of safetensors"):
        load_safetensors(foreign)
    with pytest.raises(FileNotFoundError):
        load_safetensors(tmp_path / "none.safetensors")

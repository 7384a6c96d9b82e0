"""Models in files of safetensors: what comes back is what was saved, tied weights too."""

import importlib.util
import json

import numpy as np
import pytest

from fasts2s.exchange import load_safetensors, save_safetensors
from tests.exchange.damage import refused
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
    with pytest.raises(ValueError, match="is not a plain file"):
        load_safetensors(tmp_path)


def test_damaged_files_are_no_traceback_of_a_library(tmp_path, rng):
    path = tmp_path / "a.safetensors"
    save_safetensors(path, filled(LANGUAGE_MODELS["Rnnlm"]), {"words": ["a"]})
    whole = path.read_bytes()
    start, digits = 8 + int.from_bytes(whole[:8], "little"), np.frombuffer(b'0123456789{}[]",:ale', np.uint8)
    damaged = [whole[:n] for n in (*range(0, start + 9, 5), len(whole) - 1)] + [whole + b"x"]
    for _ in range(400):
        octets = np.frombuffer(whole, np.uint8).copy()
        octets[rng.integers(start, size=2)] = rng.choice(digits, 2)
        damaged.append(octets.tobytes())
    assert refused(load_safetensors, path, damaged) > 350


@pytest.mark.parametrize("said", ["[" * 100_000, "NaN", "[]", '{"class": 1}'])
def test_metadata_of_others_are_refused(said, library, tmp_path):
    library.save_file({"W": np.zeros((2, 2), "f")}, tmp_path / "a.safetensors", {"fasts2s": said})
    with pytest.raises(ValueError, match=r"a\.safetensors (does not say what model it holds|holds 1, expected)"):
        load_safetensors(tmp_path / "a.safetensors")


def test_dtypes_that_no_model_has_are_named(library, tmp_path):
    path = tmp_path / "a.safetensors"
    save_safetensors(path, filled(LANGUAGE_MODELS["Rnnlm"]))
    whole = path.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    said, arrays = json.loads(whole[8:start])["__metadata__"], library.load(whole)
    path.write_bytes(library.save({name: a.astype("F") for name, a in arrays.items()}, said))
    with pytest.raises(ValueError, match="'param_00' of dtype C64, expected F16, F32 or F64"):
        load_safetensors(path)
    # NumPy has no bfloat16: written by hand.
    header = json.dumps({"a": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(ValueError, match="'a' of dtype BF16"):
        load_safetensors(path)


@pytest.mark.parametrize("extra", [{"a": object()}, {"a": {1}}, {1: 2}, {"a": float("nan")}, {"a": np.float32(1)}])
def test_an_extra_that_would_not_come_back_is_named(extra, tmp_path):
    with pytest.raises(ValueError, match=r"extra.*JSON"):
        save_safetensors(tmp_path / "a.safetensors", filled(LANGUAGE_MODELS["Rnnlm"]), extra)
    assert not list(tmp_path.iterdir())

"""Models in state dicts of PyTorch: what comes back is what was saved, and no code is executed."""

import os

import numpy as np
import pytest

from fasts2s.exchange import load_torch, save_torch, to_torch
from fasts2s.models import AttentionSeq2seq, EncoderDecoder, EncoderDecoderSettings
from tests.exchange.damage import refused
from tests.exchange.models import BOOK, LANGUAGE_MODELS, SETTINGS, D, H, V, encoder_decoder, filled

pytestmark = pytest.mark.usefixtures("torch")


def same(a, b):
    assert type(a) is type(b)
    assert a.config == b.config
    assert all(np.array_equal(p, q) and p.dtype == q.dtype for p, q in zip(a.params, b.params, strict=True))


@pytest.mark.parametrize("k", range(len(LANGUAGE_MODELS) + len(BOOK) + len(SETTINGS)))
def test_models_come_back(k, tmp_path):
    made = [*LANGUAGE_MODELS.values(), *BOOK.values()]
    model = filled(made[k]) if k < len(made) else encoder_decoder(SETTINGS[k - len(made)])
    save_torch(tmp_path / "a.pt", model, {"words": ["you", "나", "私"]})
    state = np.random.get_state()[1].copy()
    again, extra = load_torch(tmp_path / "a.pt")
    same(model, again)
    assert extra == {"words": ["you", "나", "私"]}
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_a_file_is_a_state_dict_for_everybody(torch, tmp_path):
    model = filled(BOOK["AttentionSeq2seq"])
    save_torch(tmp_path / "a.pt", model)
    state = torch.load(tmp_path / "a.pt", weights_only=True)
    assert {type(tensor) for tensor in state.values()} == {torch.Tensor}
    other = to_torch(filled(lambda: AttentionSeq2seq(V, D, H)))
    other.linear.weight.data.zero_()
    other.load_state_dict(state)
    assert np.array_equal(other.linear.weight.detach().numpy().T, model.params[-2])


def test_a_module_that_was_trained_comes_back(torch, tmp_path):
    model = filled(BOOK["padded"])
    module = to_torch(model).double()
    with torch.no_grad():
        module.encoder[0].bias_hh_l0 += 0.25  # the second bias, which is zero here
    torch.save(module.state_dict(), tmp_path / "a.pt")
    again, extra = load_torch(tmp_path / "a.pt")
    assert (extra, again.config, again.params[0].dtype) == ({}, model.config, "float64")
    assert np.array_equal(again.params[3], model.params[3].astype("f8") + 0.25)


@pytest.mark.parametrize("name", ["Rnnlm", "SimpleRnnlm", "BetterRnnlm", "Seq2seq", "AttentionSeq2seq"])
def test_tensors_alone_are_known_by_their_shapes(name, torch, tmp_path):
    model = filled((LANGUAGE_MODELS | BOOK)[name])
    torch.save(dict(to_torch(model).state_dict()), tmp_path / "a.pt")
    same(model, load_torch(tmp_path / "a.pt")[0])


def test_what_tensors_do_not_say_is_told(torch, tmp_path):
    model, path = filled(BOOK["reversed"]), tmp_path / "a.pt"
    torch.save(dict(to_torch(model).state_dict()), path)
    same(model, load_torch(path, name="peeky-seq2seq", reverse=True)[0])
    assert load_torch(path, pad_id=3)[0].pad_id == 3
    with pytest.raises(ValueError, match=r"a\.pt holds arrays of shapes .* expected those of rnnlm"):
        load_torch(path, name="rnnlm")
    save_torch(path, model)
    for options in ({"reverse": True}, {"pad_id": 0}, {"name": "peeky-seq2seq"}):
        with pytest.raises(ValueError, match="says itself what it holds"):
            load_torch(path, **options)


def test_no_code_is_executed(torch, tmp_path):
    class Bad:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    torch.save({"a": Bad()}, tmp_path / "a.pt")
    with pytest.raises(ValueError, match=r"a\.pt cannot be read .*expected a state dict"):
        load_torch(tmp_path / "a.pt")
    assert not (tmp_path / "made").exists()


def test_other_files_are_named(torch, tmp_path):
    path, tied = tmp_path / "a.pt", to_torch(filled(LANGUAGE_MODELS["BetterRnnlm"])).state_dict()
    for content, said in (
        ([1], "holds a list, expected a state dict"),
        ({1: torch.ones(2)}, "expected a state dict"),
        ({"W": torch.ones(2)}, r"holds arrays of shapes \{'W': \(2,\)\}, expected those of simple-rnnlm or"),
        ({"W": 3}, "holds 'W' of int, expected tensors of real numbers"),
        ({"W": torch.ones(2, dtype=torch.int8)}, r"holds 'W' of torch\.int8"),
        (to_torch(filled(BOOK["Seq2seq"])), "cannot be read .* expected a state dict"),
        ({**tied, "linear.weight": tied["linear.weight"] + 1}, "linear.weight that is not its embed.weight"),
    ):
        torch.save(content, path)
        with pytest.raises(ValueError, match=said):
            load_torch(path)
    state = tied.copy()
    del state["linear.bias"]
    state._metadata = tied._metadata
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"a\.pt holds tensors .*, expected those of BetterRnnlm"):
        load_torch(path)
    with pytest.raises(FileNotFoundError):
        load_torch(tmp_path / "none.pt")


def test_damaged_files_are_no_traceback_of_a_library(tmp_path, rng):
    path = tmp_path / "a.pt"
    save_torch(path, filled(LANGUAGE_MODELS["Rnnlm"]))
    whole = path.read_bytes()
    damaged = [whole[:n] for n in range(0, len(whole), 97)]
    for _ in range(150):
        octets = np.frombuffer(whole, np.uint8).copy()
        octets[rng.integers(len(whole), size=20)] = rng.integers(256, size=20)
        damaged.append(octets.tobytes())
    assert refused(load_torch, path, damaged) > len(damaged) // 2


def test_what_pytorch_cannot_express_is_named(tmp_path):
    settings = EncoderDecoderSettings(V, V, D, H, cell="gru")
    with pytest.raises(ValueError, match="cell of the model is 'gru'"):
        save_torch(tmp_path / "a.pt", EncoderDecoder(settings))
    with pytest.raises(ValueError, match=r"extra\['a'\] is a builtins\.object"):
        save_torch(tmp_path / "a.pt", filled(BOOK["Seq2seq"]), {"a": object()})
    assert not list(tmp_path.iterdir())

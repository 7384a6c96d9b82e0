"""Applications over pictures, sounds and bits: from the command to a folder that is asked."""

import json

import numpy as np
import pytest

from fasts2s.apps import caption, ntm, tones
from fasts2s.apps.bits_lstm import BitsLstm
from fasts2s.apps.worlds.copying import BITS, INPUTS, copy_batch
from fasts2s.backend import get_backend
from fasts2s.cli import main
from fasts2s.commands import training_run
from fasts2s.models import load_model
from fasts2s.onnx_backbone import export_backbone
from fasts2s.testing import check_gradients
from tests.onnx_backbone.conftest import require_extra

PNG = b"\x89PNG"


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(caption, "_COUNTS", (200, 120, 1, 1))
    monkeypatch.setattr(tones, "_COUNTS", (60, 1))
    for module in (caption, tones):
        monkeypatch.setattr(module, "_HELD_OUT", 12)
        monkeypatch.setattr(module, "_TEST", 14)
    for name, value in (("_STEPS", 3), ("_EPOCHS", 2), ("_AFTER", 2), ("_AT_THE_END", 2), ("MEASURED", (1, 20))):
        monkeypatch.setattr(ntm, name, value)


def history(folder):
    return json.loads((folder / "history.json").read_text(encoding="utf-8"))


@pytest.mark.usefixtures("small")
def test_caption(tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["app", "caption", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "score: exact answers" in said
    assert "told right" in said
    assert history(out)["test"]["examples"] == 14
    for name in ("captions.png", "attention.png", "picture-1.png", "curve.png"):
        assert (out / name).read_bytes().startswith(PNG)
    assert main(["app", "caption", str(out / "picture-1.png"), "--beam", "3", "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    shares = [float(line.split()[0]) for line in lines]
    assert sorted(shares, reverse=True) == shares
    assert sum(shares) <= 1.0001
    assert main(["app", "caption", str(out / "history.json"), "--out", str(out)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "cannot be read as a picture" in error


@pytest.mark.usefixtures("small")
def test_captions_that_go_on_see_with_the_convolutions_that_were_taught(tmp_path, monkeypatch, capsys):
    words = ["app", "caption", "--epochs", "2", "--checkpoint-every", "1", "--out"]
    assert main([*words, str(tmp_path / "whole")]) == 0
    after, count = training_run.TrainingRun._after_step, [0]

    def crashing(run, number, is_asked):
        count[0] += 1
        if count[0] == 2:  # of two steps of the first epoch: there is a checkpoint, and no history
            raise OverflowError("a crash")
        after(run, number, is_asked)

    with monkeypatch.context() as context:
        context.setattr(training_run.TrainingRun, "_after_step", crashing)
        assert main([*words, str(tmp_path / "run")]) == 1

    def taught_again(*_):
        raise AssertionError("the convolutions were taught again")

    monkeypatch.setattr(caption, "teach_backbone", taught_again)
    assert not (tmp_path / "run" / "history.json").exists()
    capsys.readouterr()
    assert main(["app", "caption", "--resume", str(tmp_path / "run")]) == 0
    assert "the convolutions were taught when the run began" in capsys.readouterr().out
    whole, run = (load_model(tmp_path / name / "model.npz")[0] for name in ("whole", "run"))
    for a, b in zip(whole.params, run.params, strict=True):
        assert a.tobytes() == b.tobytes()
    ends = [history(tmp_path / name) for name in ("whole", "run")]
    for what in ("single things told right", "test"):
        assert ends[0][what] == ends[1][what]


@pytest.mark.usefixtures("small")
def test_caption_with_a_network_of_ones_own(tmp_path, capsys):
    require_extra()
    own, other = tmp_path / "own", tmp_path / "other"
    assert main(["app", "caption", "--out", str(own)]) == 0
    model, _ = load_model(own / "model.npz")
    export_backbone(model, tmp_path / "eyes.onnx")
    assert main(["app", "caption", "--out", str(other), "--backbone", str(tmp_path / "eyes.onnx")]) == 0
    capsys.readouterr()
    picture = str(own / "picture-2.png")
    assert main(["app", "caption", picture, "--out", str(other)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    (tmp_path / "eyes.onnx").write_bytes((tmp_path / "eyes.onnx").read_bytes() + b"\x08\x08")
    assert main(["app", "caption", picture, "--out", str(other)]) == 1
    assert "eyes.onnx" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_tones(tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["app", "tones", "--out", str(out)]) == 0
    assert "score: exact answers" in capsys.readouterr().out
    assert (out / "attention.png").read_bytes().startswith(PNG)
    sounds = [str(out / f"sound-{n}.wav") for n in (1, 2)]
    assert main(["app", "tones", *sounds, "--beam", "2", "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [lines[0], lines[3]] == sounds
    assert len(lines) == 6
    assert main(["app", "tones", str(out / "curve.png"), "--out", str(out)]) == 1
    assert "cannot be read as a wave file" in capsys.readouterr().err
    assert main(["app", "caption", str(out / "curve.png"), "--out", str(out)]) == 1
    assert "was trained on 'sounds', expected 'pictures'" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_ntm(tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["app", "ntm", "--out", str(out), "--epochs", "1"]) == 0
    said = capsys.readouterr().out
    assert "score: wrong bits" in said
    assert "length 20" in said
    assert set(history(out)["test"]["by length"]) == {"NTM", "LSTM"}
    assert (out / "memory.png").read_bytes().startswith(PNG)


def test_the_copy_task():
    seen, bits = copy_batch(np.random.default_rng(1), 3, 4)
    assert seen.shape == (3, 10, INPUTS)
    assert np.array_equal(seen[:, 1:5, :BITS], bits)
    assert seen[:, :, BITS:].sum(axis=(0, 2)).tolist() == [3, 0, 0, 0, 0, 3, 0, 0, 0, 0]
    assert not seen[:, 6:].any()


def test_the_lstm_beside_it():
    np.random.seed(1)
    model = BitsLstm.as_large_as(500, 4, 3, get_backend("numpy", dtype="float64"))
    assert 500 <= sum(p.size for p in model.params) < 700
    rng = np.random.default_rng(1)
    xs, ts = rng.standard_normal((2, 5, 4)), rng.integers(0, 2, (2, 3, 3)).astype(float)
    names = ["Wx", "Wh", "b", "W", "c"]
    model.forward(xs, ts)
    model.backward()
    arrays, gradients = (dict(zip(names, part, strict=True)) for part in (model.params, model.grads))
    check_gradients(lambda: model.forward(xs, ts), arrays, {k: g.copy() for k, g in gradients.items()})


@pytest.mark.parametrize("name", ["caption", "tones"])
def test_asking_where_nothing_was_trained(tmp_path, capsys, name):
    (tmp_path / "a.png").write_bytes(PNG)
    assert main(["app", name, str(tmp_path / "a.png"), "--out", str(tmp_path / "nothing")]) == 1
    assert f"fasts2s app {name} --out DIR" in capsys.readouterr().err

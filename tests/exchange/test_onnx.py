"""Models as graphs in ONNX, run by ONNX Runtime: the same scores."""

import numpy as np
import pytest

from fasts2s.backend import Backend
from fasts2s.exchange import to_onnx
from fasts2s.models import EncoderDecoder, NeuralTuringMachine, Rnnlm
from tests.exchange.models import BOOK, LANGUAGE_MODELS, SETTINGS, TS, XS, H, encoder_decoder, filled, scores_of
from tests.onnx_backbone.conftest import require_extra

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


@pytest.fixture(autouse=True)
def _extra():
    require_extra()


def session(path):
    import onnxruntime  # noqa: PLC0415 - of the extra

    return onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])


def scored(step, state, ts):
    """Return scores (N, T, V) of the words ts, by a graph."""
    moving = [one.name.removesuffix("_next") for one in step.get_outputs()[1:]]
    found = []
    for ids in ts.T:
        scores, *new = step.run(None, {"ids": ids, **state})
        state.update(zip(moving, new, strict=True))
        found.append(scores)
    return np.stack(found, 1)


def scored_pairs(model, path):
    encoder, step = (session(one) for one in to_onnx(model, path))
    names = [one.name for one in encoder.get_outputs()]
    return scored(step, dict(zip(names, encoder.run(None, {"xs": XS}), strict=True)), TS)


@pytest.mark.parametrize("name", BOOK)
def test_the_books_models(name, tmp_path):
    model = filled(BOOK[name])
    assert np.abs(scores_of(model, TS) - scored_pairs(model, tmp_path / "a.onnx")).max() <= 1e-6
    assert {one.name for one in tmp_path.iterdir()} == {"a.encoder.onnx", "a.step.onnx"}


MORE = [{"cell": "gru", "bidirectional": True, "layers": 2}, {"cell": "gru", "decoder": "peeky", "variational": True}]


@pytest.mark.parametrize("settings", [*SETTINGS, *MORE], ids=str)
def test_encoder_decoders(settings, tmp_path):
    model = encoder_decoder(settings)
    assert isinstance(model, EncoderDecoder)
    assert np.abs(scores_of(model, TS) - scored_pairs(model, tmp_path / "a.onnx")).max() <= 1e-6


@pytest.mark.parametrize("name", LANGUAGE_MODELS)
def test_language_models(name, tmp_path):
    model = filled(LANGUAGE_MODELS[name])
    (path,) = to_onnx(model, tmp_path / "lm.onnx")
    step = session(path)
    state = {one.name: np.zeros((len(TS), H), "f") for one in step.get_inputs()[1:]}
    assert np.abs(model.predict(TS % 9) - scored(step, state, TS % 9)).max() <= 1e-6


def test_tied_weights_are_in_the_file_once(tmp_path):
    import onnx  # noqa: PLC0415 - of the extra

    (path,) = to_onnx(filled(LANGUAGE_MODELS["BetterRnnlm"]), tmp_path / "lm.onnx")
    shapes = [tuple(one.dims) for one in onnx.load(path).graph.initializer]
    assert shapes.count((9, H)) == 1
    assert (H, 9) not in shapes


def test_wrong_things_are_named(tmp_path):
    with pytest.raises(ValueError, match="NeuralTuringMachine, expected one of"):
        to_onnx(NeuralTuringMachine(3, 8, 4, 5), tmp_path / "a.onnx")
    with pytest.raises(ValueError, match=r"expected a name that ends in \.onnx"):
        to_onnx(filled(BOOK["Seq2seq"]), tmp_path / "a.npz")
    model = filled(BOOK["Seq2seq"])
    model.params[1] = model.params[1][:, :5]
    with pytest.raises(ValueError, match=r"the model has parameters of shapes .*, expected those of Seq2seq"):
        to_onnx(model, tmp_path / "a.onnx")
    model = Rnnlm(9, 6, H, backend=Backend("numpy", dtype="float64"))
    model.params[0][2, 3] = 1e300
    with pytest.raises(ValueError, match=r"a weight is 1e\+300, expected what float32 can hold"):
        to_onnx(model, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())

"""One record per public class: how to build it and what to call it with. Shapes are written as letters.

Read by the tests of the contract and of malformed calls. A shape is a list of sizes such as ``"N T 4H"``; ``*`` is
any shape. A kind may stand before it: ``ids``, ``bits`` (0 and 1), ``mask``; else the array is float32.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fasts2s import layers, models
from fasts2s_kernels import MODULES, letters
from fasts2s_kernels.letters import SIZES

#: Arrays of the host go to every backend but cupy, which wants its own.
HOST = sorted(set(MODULES) - {"cupy"})

KINDS = ("ids", "bits", "mask")
#: Arguments that are no arrays.
SCALARS: dict[str, Any] = {"number": 1.0, "flag": True, "id": 1, "size": 4, "none": None}


class Record(NamedTuple):
    """build() makes a fresh object with always the same weights; the rest are specs of arguments by name."""

    build: Callable[..., Any]
    forward: dict[str, str]
    backward: dict[str, str]
    out: str


def shape(spec: str, sizes: dict[str, int] = SIZES) -> tuple[int, ...]:
    """Return the shape that letters stand for; any shape is that of a sequence."""
    return letters.shape(spec, sizes, any_shape="N T D")


def draw(spec: str, rng: np.random.Generator, sizes: dict[str, int] = SIZES) -> Any:
    """Return a valid value for a spec."""
    if spec in SCALARS:
        return SCALARS[spec]
    kind, _, letters = spec.partition(" ")
    if kind not in KINDS:
        kind, letters = "float", spec
    wanted = shape(letters, sizes)
    if kind == "float":
        return rng.standard_normal(wanted, dtype=np.float32)
    if kind == "mask":
        return rng.random(wanted) < 0.7
    return rng.integers(0, sizes["V"] if kind == "ids" else 2, wanted)


def valid(specs: dict[str, str], **sizes: int) -> dict[str, Any]:
    """Return valid arguments by name, always the same ones; sizes replace those of SIZES."""
    drawn = _drawn(tuple(specs.items()), tuple(sizes.items()))
    return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in drawn.items()}


@cache
def _drawn(specs: tuple[tuple[str, str], ...], sizes: tuple[tuple[str, int], ...]) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    return {name: draw(spec, rng, {**SIZES, **dict(sizes)}) for name, spec in specs}


#: What layers are made with beside their weights.
OPTIONS: dict[str, dict[str, int]] = {
    "Convolution": {"pad": 1},
    "Pooling": {"pool_h": 3, "pool_w": 3, "stride": 1, "pad": 1},
}


def _layer(name: str, *weights: str) -> Callable[..., Any]:
    def build(**options: Any) -> Any:
        rng = np.random.default_rng(1)
        return getattr(layers, name)(*(draw(w, rng) for w in weights), **OPTIONS.get(name, {}), **options)

    return build


def _model(name: str) -> Callable[..., Any]:
    # BetterRnnlm shares a matrix: its wordvec_size is its hidden_size.
    sizes = (SIZES["V"], SIZES["H"] if name.startswith("Better") else SIZES["D"], SIZES["H"])

    def build(**options: Any) -> Any:
        np.random.seed(2)
        return getattr(models, name)(*sizes, **options)

    return build


def _encoder_decoder(**options: Any) -> Any:
    np.random.seed(2)
    settings = models.EncoderDecoderSettings(SIZES["V"], SIZES["V"], SIZES["D"], SIZES["H"])
    return models.EncoderDecoder(settings, **options)


def _frames(**options: Any) -> Any:
    np.random.seed(2)
    settings = models.EncoderDecoderSettings(SIZES["D"], SIZES["V"], SIZES["D"], SIZES["H"])
    return models.FrameEncoderDecoder(settings, **options)


def _pictures(**options: Any) -> Any:
    np.random.seed(2)
    settings = models.EncoderDecoderSettings(SIZES["D"], SIZES["V"], SIZES["D"], SIZES["H"])
    return models.PictureEncoderDecoder(settings, picture=(2, 6, 4), filters=(3, SIZES["D"]), **options)


def _machine(**options: Any) -> Any:
    np.random.seed(2)
    return models.NeuralTuringMachine(SIZES["D"], SIZES["M"], SIZES["H"], rows=4, width=3, **options)


def _time_cell(name: str, gates: int, lasts: dict[str, str]) -> Record:
    weights = (f"D {gates}H", f"H {gates}H", f"{gates}H")
    forward, backward = {"xs": "N T D", "mask": "mask N T"}, {"dhs": "N T H", **lasts}
    return Record(_layer(name, *weights), forward, backward, "N T H")


def _cell(name: str, gates: int) -> Record:
    weights = (f"D {gates}H", f"H {gates}H", f"{gates}H")
    return Record(_layer(name, *weights), {"x": "N D", "h_prev": "N H"}, {"dh_next": "N H"}, "N H")


_LOSS = {"dout": "number"}

LAYERS: dict[str, Record] = {
    "Affine": Record(_layer("Affine", "D M", "M"), {"x": "N D"}, {"dout": "N M"}, "N M"),
    "Attention": Record(_layer("Attention"), {"hs": "N T H", "h": "N H"}, {"dout": "N H"}, "N H"),
    "AttentionWeight": Record(_layer("AttentionWeight"), {"hs": "N T H", "h": "N H"}, {"da": "N T"}, "N T"),
    "BatchNormalization": Record(
        _layer("BatchNormalization", "D", "D"), {"x": "N D", "train_flg": "flag"}, {"dout": "N D"}, "N D"
    ),
    "Convolution": Record(_layer("Convolution", "M D 3 3", "M"), {"x": "N D T S"}, {"dout": "N M T S"}, "N M T S"),
    "Dropout": Record(_layer("Dropout"), {"x": "*", "train_flg": "flag"}, {"dout": "*"}, "*"),
    "Embedding": Record(_layer("Embedding", "V D"), {"idx": "ids *"}, {"dout": "* D"}, "* D"),
    "Flatten": Record(_layer("Flatten"), {"x": "N 3 5"}, {"dout": "N 15"}, "N 15"),
    "GRU": _cell("GRU", 3),
    "LSTM": Record(
        _layer("LSTM", "D 4H", "H 4H", "4H"),
        {"x": "N D", "h_prev": "N H", "c_prev": "N H"},
        {"dh_next": "N H", "dc_next": "N H"},
        "N H; N H",
    ),
    "MatMul": Record(_layer("MatMul", "D M"), {"x": "N D"}, {"dout": "N M"}, "N M"),
    "Pooling": Record(_layer("Pooling"), {"x": "N D T S"}, {"dout": "N D T S"}, "N D T S"),
    "RNN": _cell("RNN", 1),
    "Relu": Record(_layer("Relu"), {"x": "*"}, {"dout": "*"}, "*"),
    "Sigmoid": Record(_layer("Sigmoid"), {"x": "*"}, {"dout": "*"}, "*"),
    "SigmoidWithLoss": Record(_layer("SigmoidWithLoss"), {"x": "N", "t": "bits N"}, _LOSS, ""),
    "Simple_TimeAffine": Record(_layer("Simple_TimeAffine", "D M", "M"), {"xs": "N T D"}, {"dout": "N T M"}, "N T M"),
    "Simple_TimeSoftmaxWithLoss": Record(
        _layer("Simple_TimeSoftmaxWithLoss"), {"xs": "N T V", "ts": "ids N T"}, _LOSS, ""
    ),
    "Softmax": Record(_layer("Softmax"), {"x": "N V"}, {"dout": "N V"}, "N V"),
    "SoftmaxWithLoss": Record(_layer("SoftmaxWithLoss"), {"x": "N V", "t": "ids N"}, _LOSS, ""),
    "TimeAffine": Record(_layer("TimeAffine", "D M", "M"), {"x": "N T D"}, {"dout": "N T M"}, "N T M"),
    "TimeAttention": Record(
        _layer("TimeAttention"),
        {"hs_enc": "N S H", "hs_dec": "N T H", "mask": "mask N S"},
        {"dout": "N T H"},
        "N T H",
    ),
    "TimeBiLSTM": Record(
        _layer("TimeBiLSTM", *(2 * ("D 4H", "H 4H", "4H"))),
        {"xs": "N T D", "mask": "mask N T"},
        {"dhs": "N T 2H"},
        "N T 2H",
    ),
    "TimeDropout": Record(_layer("TimeDropout"), {"xs": "*"}, {"dout": "*"}, "*"),
    "TimeEmbedding": Record(_layer("TimeEmbedding", "V D"), {"xs": "ids N T"}, {"dout": "N T D"}, "N T D"),
    "TimeGRU": _time_cell("TimeGRU", 3, {"dh_last": "N H"}),
    "TimeLSTM": _time_cell("TimeLSTM", 4, {"dh_last": "N H", "dc_last": "N H"}),
    "TimeRNN": _time_cell("TimeRNN", 1, {"dh_last": "N H"}),
    "TimeSigmoidWithLoss": Record(_layer("TimeSigmoidWithLoss"), {"xs": "N T", "ts": "bits N T"}, _LOSS, ""),
    "TimeSoftmaxWithLoss": Record(_layer("TimeSoftmaxWithLoss"), {"xs": "N T V", "ts": "ids N T"}, _LOSS, ""),
    "WeightSum": Record(_layer("WeightSum"), {"hs": "N T H", "a": "N T"}, {"dc": "N H"}, "N H"),
}

_LM = {"xs": "ids N T", "ts": "ids N T"}
_PAIR = {"xs": "ids N S", "ts": "ids N T"}

MODELS: dict[str, Record] = {
    "AttentionDecoder": Record(
        _model("AttentionDecoder"),
        {"xs": "ids N T", "enc_hs": "N S H", "mask": "mask N S"},
        {"dscore": "N T V"},
        "N T V",
    ),
    "AttentionEncoder": Record(
        _model("AttentionEncoder"), {"xs": "ids N T", "mask": "mask N T"}, {"dhs": "N T H"}, "N T H"
    ),
    "AttentionSeq2seq": Record(_model("AttentionSeq2seq"), _PAIR, _LOSS, ""),
    "BetterRnnlm": Record(_model("BetterRnnlm"), {**_LM, "train_flg": "flag"}, _LOSS, ""),
    "BetterRnnlmGen": Record(_model("BetterRnnlmGen"), {**_LM, "train_flg": "flag"}, _LOSS, ""),
    "Decoder": Record(_model("Decoder"), {"xs": "ids N T", "h": "N H"}, {"dscore": "N T V"}, "N T V"),
    "Encoder": Record(_model("Encoder"), {"xs": "ids N T", "mask": "mask N T"}, {"dh": "N H"}, "N H"),
    "EncoderDecoder": Record(_encoder_decoder, {**_PAIR, "train_flg": "flag"}, _LOSS, ""),
    "FrameEncoderDecoder": Record(_frames, {"xs": "N S D", "ts": "ids N T", "train_flg": "flag"}, _LOSS, ""),
    "NeuralTuringMachine": Record(_machine, {"xs": "N T D", "ts": "bits N K M"}, _LOSS, ""),
    "PeekyDecoder": Record(_model("PeekyDecoder"), {"xs": "ids N T", "h": "N H"}, {"dscore": "N T V"}, "N T V"),
    "PeekySeq2seq": Record(_model("PeekySeq2seq"), _PAIR, _LOSS, ""),
    "PictureEncoderDecoder": Record(_pictures, {"xs": "N 6 D", "ts": "ids N T", "train_flg": "flag"}, _LOSS, ""),
    "Rnnlm": Record(_model("Rnnlm"), _LM, _LOSS, ""),
    "RnnlmGen": Record(_model("RnnlmGen"), _LM, _LOSS, ""),
    "Seq2seq": Record(_model("Seq2seq"), _PAIR, _LOSS, ""),
    "SimpleRnnlm": Record(_model("SimpleRnnlm"), _LM, _LOSS, ""),
    "StackedRnnlm": Record(_model("StackedRnnlm"), {**_LM, "train_flg": "flag"}, _LOSS, ""),
}


def classes(module: Any) -> set[str]:
    """Return the names of the public classes of a module."""
    return {name for name in module.__all__ if isinstance(getattr(module, name), type)}

"""Networks in ONNX files: our own written and read back, and small ones of every form."""

import hashlib

import numpy as np
import pytest

from fasts2s import onnx_backbone
from fasts2s._extras import need
from fasts2s.generation import GenerationOptions, generate
from fasts2s.models import EncoderDecoderSettings, PictureEncoderDecoder
from fasts2s.onnx_backbone import OnnxBackbone, export_backbone
from fasts2s.onnx_backbone._maps import resized
from fasts2s.testing import assert_close


def model(**more):
    np.random.seed(1)
    settings = EncoderDecoderSettings(5, 9, 6, 8)
    return PictureEncoderDecoder(settings, **{"picture": (3, 12, 8), "filters": (4, 5), **more})


def network(path, nodes, shape, outputs, weights=()):
    """Write a small network with the input ``x``."""
    onnx = need("onnx", "onnx", "networks are written")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node(kind, given, made, **attributes) for kind, given, made, attributes in nodes],
        "small",
        [helper.make_tensor_value_info("x", floats, shape)],
        [helper.make_tensor_value_info(name, floats, sides) for name, sides in outputs],
        [onnx.numpy_helper.from_array(a, name) for name, a in weights],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path.write_bytes(made.SerializeToString())
    return path


def test_our_own_convolutions_come_back(tmp_path, rng):
    own, pictures = model(), rng.random((70, 3, 12, 8), np.float32)
    export_backbone(own, tmp_path / "own.onnx")
    read = OnnxBackbone(tmp_path / "own.onnx")
    assert read.shape == (5, 6, 4)
    assert read.size == (12, 8)
    assert read.sha256 == hashlib.sha256((tmp_path / "own.onnx").read_bytes()).hexdigest()
    maps = own.features(pictures)
    assert np.abs(read.features(pictures) - maps).max() <= 1e-5
    foreign = model(picture=read.shape, filters=())
    foreign.set_params(own.params[4:])
    options = GenerationOptions(start_id=2, max_length=6, beam=3, nbest=3)
    answers = (generate(own, pictures, options), generate(foreign, read.features(pictures), options))
    for one, other in zip(*answers, strict=True):
        assert [a.ids for a in one] == [a.ids for a in other]


CONV = ("Conv", ["x", "W"], ["map"], {})
W = ("W", np.arange(6, dtype="f").reshape(2, 3, 1, 1))


def test_the_last_map_before_the_average_is_taken(tmp_path, rng):
    nodes = [CONV, ("GlobalAveragePool", ["map"], ["mean"], {}), ("Flatten", ["mean"], ["flat"], {})]
    path = network(tmp_path / "a.onnx", nodes, ["N", 3, 4, 6], [("flat", ["N", 2])], [W])
    x = rng.random((2, 3, 4, 6), np.float32)
    expected = np.einsum("ncij,mc->nijm", x, W[1][:, :, 0, 0]).reshape(2, 24, 2)
    read = OnnxBackbone(path)
    assert read.output == "map"
    assert_close("maps", read.features(x), expected)
    assert_close("pooled", OnnxBackbone(path, pool=2).features(x)[:, 0], expected[:, [0, 1, 6, 7]].mean(axis=1))
    flat = OnnxBackbone(path, output="flat")
    assert flat.shape == (2, 1, 1)
    assert_close("flat", flat.features(x)[:, 0], expected.mean(axis=1))
    normed = OnnxBackbone(path, mean=(0.1, 0.2, 0.3), std=0.5).features(x)
    mean = np.array([0.1, 0.2, 0.3], "f")[:, None, None]
    assert_close("normed", normed, OnnxBackbone(path).features((x - mean) / np.float32(0.5)))


def test_channels_last_and_one_picture_at_a_time(tmp_path, rng):
    path = network(tmp_path / "a.onnx", [("Relu", ["x"], ["y"], {})], [1, 4, 6, 3], [("y", [1, 4, 6, 3])])
    read, x = OnnxBackbone(path), rng.random((3, 3, 4, 6), np.float32)
    assert read.layout == "nhwc"
    assert_close("maps", read.features(x), x.reshape(3, 3, 24).transpose(0, 2, 1), 0)
    assert read.features(x[:0]).shape == (0, 24, 3)


def test_pictures_are_made_to_fit(tmp_path, rng):
    path = network(tmp_path / "a.onnx", [("Relu", ["x"], ["y"], {})], ["N", 3, "h", "w"], [("y", ["N", 3, "h", "w"])])
    with pytest.raises(ValueError, match=r"pictures of any size, expected size=\(height, width\)"):
        OnnxBackbone(path)
    x = rng.random((2, 3, 4, 4), np.float32)
    read = OnnxBackbone(path, size=(8, 8))
    assert_close("corner", read.features(x)[:, 0], x[:, :, 0, 0], 1e-6)
    assert resized(np.ones((1, 1, 3, 5)), 7, 2).tolist() == np.ones((1, 1, 7, 2)).tolist()
    assert_close("middle", resized(np.array([[[[0.0, 1.0]]]]), 1, 4)[0, 0, 0], np.array([0, 0.25, 0.75, 1]), 1e-12)


def test_what_does_not_fit(tmp_path):
    (tmp_path / "text.onnx").write_bytes(b"no network")
    with pytest.raises(ValueError, match=r"text.onnx cannot be run, expected a network in ONNX"):
        OnnxBackbone(tmp_path / "text.onnx")
    with pytest.raises(FileNotFoundError):
        OnnxBackbone(tmp_path / "absent.onnx")
    path = network(tmp_path / "a.onnx", [CONV], ["N", 3, 4, 6], [("map", ["N", 2, 4, 6])], [W])
    for more, message in (
        ({"output": "nothing"}, "output is 'nothing', expected a tensor of"),
        ({"std": 0}, "std is 0"),
        ({"mean": (1, 2)}, "mean is"),
        ({"layout": "wide"}, "layout is 'wide'"),
        ({"pool": 5}, "pool is 5"),
        ({"size": (1, 2, 3)}, "size is"),
    ):
        with pytest.raises(ValueError, match=message):
            OnnxBackbone(path, **more)
    with pytest.raises(ValueError, match=r"pictures have shape \(1, 4, 4, 4\)"):
        OnnxBackbone(path).features(np.ones((1, 4, 4, 4)))
    with pytest.raises(ValueError, match="without convolutions"):
        export_backbone(model(picture=(5, 2, 2), filters=()), tmp_path / "b.onnx")


def test_without_the_extra(tmp_path, monkeypatch):
    def absent(name):
        raise ImportError(f"No module named {name!r}")

    (tmp_path / "a.onnx").write_bytes(b"anything")
    monkeypatch.setattr("importlib.import_module", absent)
    with pytest.raises(ImportError, match=r"onnxruntime, which cannot be imported .*: pip install 'fasts2s\[onnx\]'"):
        onnx_backbone.OnnxBackbone(tmp_path / "a.onnx")

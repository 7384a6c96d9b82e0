"""Our own convolutions as a network in an ONNX file."""

from pathlib import Path
from typing import Any

import numpy as np

from fasts2s._extras import need
from fasts2s.layers import Convolution, Pooling, Relu
from fasts2s.onnx_backbone._network import EXTRA
from fasts2s_kernels.checks.arguments import as_path

#: What a file asks of who reads it.
_OPSET, _IR_VERSION = 13, 8


def export_backbone(model: Any, path: str | Path) -> None:
    """Write the convolutions of a :class:`fasts2s.models.PictureEncoderDecoder` as a network in ONNX.

    Raises ImportError without the extra, ValueError for a model that has none.
    """
    file, layers = (
        as_path("path", path),
        getattr(getattr(getattr(model, "encoder", None), "backbone", None), "layers", []),
    )
    if not layers:
        raise ValueError(f"model is a {type(model).__name__} without convolutions, expected a PictureEncoderDecoder")
    onnx = need("onnx", EXTRA, "networks in ONNX are written")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    nodes: list[Any] = []
    weights: list[Any] = []
    name = "pictures"
    for k, layer in enumerate(layers):
        made = f"tensor_{k}"
        if isinstance(layer, Convolution):
            names = [f"W_{k}", f"b_{k}"]
            weights += [
                onnx.numpy_helper.from_array(np.asarray(p, np.float32), n)
                for p, n in zip(layer.params, names, strict=True)
            ]
            nodes.append(
                helper.make_node("Conv", [name, *names], [made], pads=[layer.pad] * 4, strides=[layer.stride] * 2)
            )
        elif isinstance(layer, Pooling):
            sides = [layer.pool_h, layer.pool_w]
            nodes.append(helper.make_node("MaxPool", [name], [made], kernel_shape=sides, strides=[layer.stride] * 2))
        elif isinstance(layer, Relu):
            nodes.append(helper.make_node("Relu", [name], [made]))
        name = made
    seen = helper.make_tensor_value_info("pictures", floats, ["N", *model.encoder.picture])
    said = helper.make_tensor_value_info(
        name, floats, ["N", model.settings.source_size, model.encoder.rows, model.encoder.columns]
    )
    graph = helper.make_graph(nodes, "backbone", [seen], [said], weights)
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    file.write_bytes(network.SerializeToString())

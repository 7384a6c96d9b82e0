"""A graph in ONNX that grows node by node."""

from typing import Any

import numpy as np

from fasts2s._extras import need
from fasts2s_kernels.arrays import Array

#: What a file asks of who reads it.
OPSET, IR_VERSION = 17, 8
#: Which of our blocks f, g, i, o stands at each place of ONNX's i, o, f, c; of z, r, n at z, r, h.
_ORDERS = {"lstm": (2, 3, 0, 1), "gru": (0, 1, 2), "rnn": (0,)}
_KINDS = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}


class Graph:
    """Nodes, weights, inputs and outputs. Tensors are known by their names."""

    def __init__(self, name: str) -> None:
        self.name, self.onnx = name, need("onnx", "onnx", "graphs are written")
        self.nodes: list[Any] = []
        self.weights: dict[str, Any] = {}
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """Return the name of a new constant; C order, whatever the order of the array.

        Raises ValueError for a weight of float64 that float32 cannot hold.
        """
        name = f"w{len(self.weights)}"
        with np.errstate(over="ignore"):
            array = np.ascontiguousarray(value, dtype)
        lost = np.isinf(array) & np.isfinite(value)
        if lost.any():
            raise ValueError(
                f"a weight is {np.asarray(value)[lost][0]}, expected what float32 can hold, up to 3.4e38"
            )
        self.weights[name] = self.onnx.numpy_helper.from_array(array, name)
        return name

    def integers(self, *values: int) -> str:
        """Return the name of a new constant of whole numbers (n,)."""
        return self.constant(values, np.int64)

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; return its name."""
        return self.nodes_of(kind, inputs, 1, **attributes)[0]

    def nodes_of(self, kind: str, inputs: Any, outputs: int, **attributes: Any) -> list[str]:
        """Add a node with several outputs; return their names."""
        names = [f"t{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), names, **attributes))
        return names

    def input(self, name: str, shape: list[Any], kind: str = "FLOAT") -> str:
        """Declare an input; letters in the shape stand for any size."""
        self.inputs.append(self._declared(name, shape, kind))
        return name

    def output(self, name: str, tensor: str, shape: list[Any], kind: str = "FLOAT") -> None:
        """Declare a tensor as an output under a name of its own."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [tensor], [name]))
        self.outputs.append(self._declared(name, shape, kind))

    def _declared(self, name: str, shape: list[Any], kind: str) -> Any:
        return self.onnx.helper.make_tensor_value_info(name, getattr(self.onnx.TensorProto, kind), shape)

    def affine(self, x: str, W: Any, b: Any = None) -> str:
        """Return ``x W + b``."""
        made = self.node("MatMul", x, self.constant(W))
        return made if b is None else self.node("Add", made, self.constant(b))

    def recurrent(self, cell: str, x: str, params: list[Array], state: list[str], lengths: str = "") -> Any:
        """x (T, N, D), state h (, c), each (N, H), or nothing for zero -> hs (T, N, H), last state (N, H)."""
        W, R, B = self._recurrent_weights(cell, params)
        first = [self.node("Unsqueeze", s, self.integers(0)) for s in state]
        H = len(params[1])
        more = {"linear_before_reset": 0} if cell == "gru" else {}
        inputs, count = [x, W, R, B, lengths, *first], 3 if cell == "lstm" else 2
        hs, *last = self.nodes_of(_KINDS[cell], inputs, count, hidden_size=H, **more)
        axis = self.integers(0), self.integers(1)
        return self.node("Squeeze", hs, axis[1]), [self.node("Squeeze", s, axis[0]) for s in last]

    def _recurrent_weights(self, cell: str, params: list[Array]) -> list[str]:
        made = []
        for a in params:
            blocks: list[Any] = np.split(np.asarray(a), len(_ORDERS[cell]), axis=-1)
            if cell == "gru":  # the z of ONNX is 1 - z: sigmoid(-a) is 1 - sigmoid(a)
                blocks[0] = -blocks[0]
            made.append(np.concatenate([blocks[k] for k in _ORDERS[cell]], axis=-1))
        Wx, Wh, b = made
        return [self.constant(a[None]) for a in (Wx.T, Wh.T, np.concatenate((b, np.zeros_like(b))))]

    def content(self) -> bytes:
        """Return the checked file."""
        helper = self.onnx.helper
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, list(self.weights.values()))
        imports = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION, producer_name="fasts2s")
        self.onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString())

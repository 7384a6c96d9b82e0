"""What is asked of a network in an ONNX file: how it is run, which tensor is taken, what its input looks like."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fasts2s._extras import need
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.arguments import listed

EXTRA = "onnx"
#: Nodes after which there is no map any more.
_ENDS_OF_MAPS = {"GlobalAveragePool", "GlobalMaxPool", "Flatten", "Reshape", "ReduceMean"}


def session_of(runtime: Any, content: bytes, path: Path) -> Any:
    """Return what runs a network. Raises ValueError."""
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of many kinds, all of the library's own
        said = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} cannot be run, expected a network in ONNX: {said}") from None


def output_of(session: Any) -> str | None:
    """Return the last output that is a map; None where there is none."""
    maps = [one.name for one in session.get_outputs() if len(one.shape) == 4]
    return maps[-1] if maps else None


def with_output(content: bytes, path: Path, name: str | None) -> bytes:
    """Return the network with a tensor inside it as its last output; None: the last map."""
    onnx = need("onnx", EXTRA, "tensors inside a network are found")
    network = onnx.load_model_from_string(content)
    made = [one for node in network.graph.node for one in node.output]
    if name is None:
        ends = [node for node in network.graph.node if node.op_type in _ENDS_OF_MAPS]
        name = ends[0].input[0] if ends else network.graph.output[0].name
    if name not in made:
        raise ValueError(f"output is {name!r}, expected a tensor of {path}, such as {', '.join(made[-5:])}")
    if name not in [one.name for one in network.graph.output]:
        network.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    else:
        kept = [one for one in network.graph.output if one.name == name]
        del network.graph.output[:]
        network.graph.output.extend(kept)
    return bytes(network.SerializeToString())


def layout_of(layout: str, shape: Sequence[Any], path: Path) -> str:
    """Return where channels stand: nchw or nhwc. Raises ValueError where nobody can tell."""
    if layout != "auto":
        return layout
    if shape[1] in (1, 3):
        return "nchw"
    if shape[3] in (1, 3):
        return "nhwc"
    raise ValueError(f"{path} takes pictures {shape}, expected layout='nchw' or 'nhwc': channels are not to be told")


def size_of(size: Any, sides: Sequence[Any], path: Path) -> tuple[int, int]:
    """Return height and width of the input. Raises ValueError where nobody can tell."""
    if not (isinstance(size, str) and size == "auto"):
        wanted = tuple(integer("size", n, 1) for n in listed("size", size, "height and width"))
        if len(wanted) == 2:
            return wanted
        raise ValueError(f"size is {size}, expected 'auto' or (height, width)")
    if not all(isinstance(n, int) for n in sides):
        raise ValueError(f"{path} takes pictures of any size, expected size=(height, width)")
    return int(sides[0]), int(sides[1])

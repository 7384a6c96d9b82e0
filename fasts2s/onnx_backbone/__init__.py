"""A network of somebody else's, in an ONNX file, as the eyes of a picture model; and our own written to such a file.

Nothing is downloaded: who has a trained network brings its file. It needs the extra ``onnx``.
"""

from fasts2s.onnx_backbone._backbone import OnnxBackbone
from fasts2s.onnx_backbone._export import export_backbone

__all__ = ["OnnxBackbone", "export_backbone"]

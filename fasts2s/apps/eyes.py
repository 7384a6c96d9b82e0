"""What pictures are seen with: the convolutions of a model, or a network of the user's in an ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fasts2s.commands.errors import CommandError
from fasts2s.models import PictureEncoderDecoder
from fasts2s.onnx_backbone import OnnxBackbone
from fasts2s_kernels.arrays import Array


class Eyes:
    """Makes maps (N, P, M) of pictures.

    Attributes
    ----------
    features : function of pictures (N, 3, H, W)
    size : (H, W) of the pictures that it sees best
    facts : dict
        What has to be known to see with them again.
    """

    def __init__(self, features: Callable[[Any], Array], size: tuple[int, int], facts: dict[str, Any]) -> None:
        self.features, self.size, self.facts = features, size, facts

    @classmethod
    def own(cls, model: PictureEncoderDecoder) -> Eyes:
        """Return those of a model that has some."""
        _, height, width = model.encoder.picture
        return cls(model.features, (height, width), {})

    @classmethod
    def network(cls, network: OnnxBackbone) -> Eyes:
        """Return those of somebody else's network."""
        facts = {"backbone": str(Path(network.path).absolute()), "sha256": network.sha256}
        return cls(network.features, network.size, facts)

    @classmethod
    def of(cls, model: PictureEncoderDecoder, path: str | None, sha256: str | None) -> Eyes:
        """Return those that a model was trained with, or those of another file. Raises CommandError."""
        if path is None:
            return cls.own(model)
        network, encoder = OnnxBackbone(path), model.encoder
        shape = (model.settings.source_size, encoder.rows, encoder.columns)
        if tuple(network.shape) != shape:
            raise CommandError(
                f"{path} makes maps of {network.shape}, expected {shape} as the model was trained with"
            )
        if sha256 is not None and network.sha256 != sha256:
            raise CommandError(f"{path} is not the network that the model was trained with: give it with --backbone")
        return cls.network(network)

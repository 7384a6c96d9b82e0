"""Captions with the model's own convolutions, and with the same written as ONNX and read back.

    python benchmarks/onnx_captions.py [--json FILE] FOLDER...

Each FOLDER is one that ``fasts2s app caption --out FOLDER`` has written. Needs the extra ``onnx``.
"""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fasts2s.apps.senses import SenseToText
from fasts2s.apps.worlds.shapes import two_things
from fasts2s.bench.machine import describe
from fasts2s.commands.run_folder import HISTORY
from fasts2s.models import PictureEncoderDecoder
from fasts2s.onnx_backbone import OnnxBackbone, export_backbone

#: Pictures that are described.
_PICTURES = 1000


def compare(folder: Path) -> dict[str, Any]:
    """Describe pictures with both; return how far their features differ, and the share of the same captions."""
    text, _ = SenseToText.load(folder, "pictures", "fasts2s app caption", None)
    seed = int(json.loads((folder / HISTORY).read_text(encoding="utf-8"))["settings"]["seed"])
    with TemporaryDirectory() as place:
        export_backbone(text.model, Path(place) / "backbone.onnx")
        network = OnnxBackbone(Path(place) / "backbone.onnx")
    pictures = two_things(_PICTURES, seed, 2).pictures
    own, foreign = text.model.features(pictures), network.features(pictures)
    model = PictureEncoderDecoder(text.model.settings, network.shape, ())
    model.set_params(text.model.params[len(text.model.encoder.backbone.params) :])
    other = SenseToText(model, text.target, text.kind, text.max_length)
    said = [[a[0].text for a in one.answers(maps)] for one, maps in ((text, own), (other, foreign))]
    return {
        "seed": seed,
        "largest difference of features": float(np.abs(own - foreign).max()),
        "same captions": float(np.mean([a == b for a, b in zip(*said, strict=True)])),
    }


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    runs = [compare(folder) for folder in a.folders]
    print("\n".join(map(json.dumps, runs)))
    if a.json:
        a.json.write_text(json.dumps({"machine": describe(), "runs": runs}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

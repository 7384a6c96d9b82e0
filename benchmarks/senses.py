"""Pictures, sounds and the memory machine: what the applications reach, their time, their peak memory.

    python benchmarks/senses.py --json benchmarks/results/senses.json caption tones ntm --seeds 1 2 3

Runs of the file that is named stay in it: what was measured already is not measured again. ``onnx`` writes the
convolutions of a caption model as ONNX, reads them back, and compares features and captions.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.apps.senses import SenseToText
from fasts2s.apps.worlds.shapes import two_things
from fasts2s.bench.machine import describe
from fasts2s.models import PictureEncoderDecoder
from fasts2s.onnx_backbone import OnnxBackbone, export_backbone

APPS = ("caption", "tones", "ntm")


def run_app(name: str, seed: int, folder: Path) -> dict[str, Any]:
    """Run an application, unless its folder has a score already; return that, seconds of training, peak memory."""
    out = folder / f"{name}-{seed}"
    file = out / "history.json"
    if not file.exists() or "test" not in json.loads(file.read_text(encoding="utf-8")):
        command = [
            sys.executable,
            "-m",
            "fasts2s.cli",
            "app",
            name,
            "--seed",
            str(seed),
            "--out",
            str(out),
            "--overwrite",
        ]
        subprocess.run(command, check=True)
    history = json.loads(file.read_text(encoding="utf-8"))
    seconds = history["seconds"]
    return {"app": name, "seed": seed, "seconds": round(seconds, 1), "peak_memory_mb": history["peak_memory_mb"]} | {
        "test": history["test"]
    }


def run_onnx(seed: int, folder: Path) -> dict[str, Any]:
    """Write the convolutions of a caption model as ONNX and read them; return how far both differ."""
    text, _ = SenseToText.load(folder / f"caption-{seed}", "pictures", "benchmarks/senses.py caption", None)
    file = folder / f"backbone-{seed}.onnx"
    export_backbone(text.model, file)
    network, test = OnnxBackbone(file), two_things(1000, seed, 2)
    own, foreign = text.model.features(test.pictures), network.features(test.pictures)
    model = PictureEncoderDecoder(text.model.settings, network.shape, ())
    model.set_params(text.model.params[len(text.model.encoder.backbone.params) :])
    other = SenseToText(model, text.target, text.kind, text.max_length)
    said = [[a[0].text for a in one.answers(maps)] for one, maps in ((text, own), (other, foreign))]
    return {
        "app": "onnx",
        "seed": seed,
        "largest difference of features": float(np.abs(own - foreign).max()),
        "same captions": float(np.mean([a == b for a, b in zip(*said, strict=True)])),
    }


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("apps", nargs="+", choices=(*APPS, "onnx"))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "fasts2s-senses")
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    kept: dict[str, Any] = (
        json.loads(a.json.read_text(encoding="utf-8")) if a.json and a.json.exists() else {"runs": []}
    )
    kept["machine"] = describe()
    done = {(run["app"], run["seed"]) for run in kept["runs"]}
    for name in a.apps:
        for seed in a.seeds:
            if (name, seed) in done:
                continue
            found = run_onnx(seed, a.folder) if name == "onnx" else run_app(name, seed, a.folder)
            print(json.dumps(found))
            kept["runs"].append(found)
            if a.json:
                a.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

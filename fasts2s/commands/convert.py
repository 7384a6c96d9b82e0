"""`fasts2s convert`: a model from one format of file into another."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fasts2s.checkpoint import load_book_pickle
from fasts2s.commands.errors import CommandError
from fasts2s.commands.run_folder import MODEL
from fasts2s.exchange import load_safetensors, load_torch, model_of_params, save_safetensors, save_torch, to_onnx
from fasts2s.models import load_model, save_model

_IN, _OUT = (".npz", ".pkl", ".safetensors", ".pt"), (".npz", ".pkl", ".safetensors", ".pt", ".onnx")


def convert(a: argparse.Namespace) -> int:
    """Read a.source, write a.target, say in one line what was written. Raises CommandError, ValueError, OSError."""
    source, target = Path(a.source), Path(a.target)
    source = source / MODEL if source.is_dir() else source
    _require_ending("IN", source, _IN)
    _require_ending("OUT", target, _OUT)
    if not source.is_file():
        raise CommandError(f"there is no file {source}")
    _refuse_said(a, source)
    if source.resolve() in {path.resolve() for path in (target, *_graphs(target))}:
        raise CommandError(f"{target} is what is read: give OUT another name")
    _refuse_existing(target, a.overwrite)
    model, extra = _read(source, a)
    written = _write(target, model, extra)
    lost = "; the vocabulary is not in it" if extra and target.suffix in {".pkl", ".onnx"} else ""
    names = " and ".join(str(path) for path in written)
    print(f"{type(model).__name__}, {model.parameter_count():,} parameters: wrote {names}{lost}")
    return 0


def _require_ending(name: str, path: Path, known: tuple[str, ...]) -> None:
    if path.suffix not in known:
        what = "a folder that train wrote, or a file" if name == "IN" else "a file"
        raise CommandError(f"{name} is {path}, expected {what} that ends with {', '.join(known)}")


def _graphs(target: Path) -> list[Path]:
    """Return the two files that an encoder and a decoder have instead of one."""
    return [target.with_suffix(end) for end in (".encoder.onnx", ".step.onnx")]


def _refuse_existing(target: Path, overwrite: bool) -> None:
    paths = [target, *(_graphs(target) if target.suffix == ".onnx" else [])]
    found = [str(path) for path in paths if path.exists()]
    if found and not overwrite:
        raise CommandError(f"{found[0]} is there already: give another name, or --overwrite")


def _refuse_said(a: argparse.Namespace, source: Path) -> None:
    """Raise CommandError for an option that tells what the file itself says."""
    given = {"--model": a.model, "--reverse": a.reverse or None, "--pad-id": a.pad_id}
    for option, value in given.items():
        if value is not None and source.suffix not in {".pkl", ".pt"}:
            shown = option if value is True else f"{option} {value}"
            raise CommandError(f"{shown}: {source} says itself what it holds: leave it out")


def _read(source: Path, a: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    if source.suffix == ".pkl":
        params = load_book_pickle(source)
        return model_of_params(params, a.model, str(source), reverse=a.reverse, pad_id=a.pad_id), {}
    if source.suffix == ".pt":
        return load_torch(source, name=a.model, reverse=a.reverse, pad_id=a.pad_id)
    return load_safetensors(source) if source.suffix == ".safetensors" else load_model(source)


def _write(target: Path, model: Any, extra: dict[str, Any]) -> list[Path]:
    if target.suffix == ".onnx":
        return to_onnx(model, target)
    if target.suffix == ".pkl":
        model.save_params(target)
    elif target.suffix == ".safetensors":
        save_safetensors(target, model, extra)
    elif target.suffix == ".pt":
        save_torch(target, model, extra)
    else:
        save_model(target, model, extra)
    return [target]

"""Models in files: dtypes kept, checksummed, no pickle. The container is that of :mod:`fasts2s.checkpoint`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s._memory import same_memory, stored_once
from fasts2s.backend import Backend, BackendLike, FloatName, get_backend, to_cpu
from fasts2s.models._ties import is_transpose, is_whole, replace
from fasts2s.models.attention_seq2seq import AttentionSeq2seq
from fasts2s.models.base_model import BaseModel
from fasts2s.models.encoder_decoder import EncoderDecoder, FrameEncoderDecoder, PictureEncoderDecoder
from fasts2s.models.peeky_seq2seq import PeekySeq2seq
from fasts2s.models.rnnlm import BetterRnnlm, BetterRnnlmGen, Rnnlm, RnnlmGen, SimpleRnnlm, StackedRnnlm
from fasts2s.models.seq2seq import Seq2seq
from fasts2s.models.turing import NeuralTuringMachine
from fasts2s_kernels.checks.arguments import mapping

#: What makes a model of its config, by the name of its class.
CLASSES: dict[str, Any] = {
    c.__name__: c
    for c in (
        SimpleRnnlm,
        StackedRnnlm,
        Rnnlm,
        BetterRnnlm,
        RnnlmGen,
        BetterRnnlmGen,
        Seq2seq,
        PeekySeq2seq,
        AttentionSeq2seq,
        NeuralTuringMachine,
    )
} | {c.__name__: c.of for c in (EncoderDecoder, FrameEncoderDecoder, PictureEncoderDecoder)}


def save_model(path: str | Path, model: BaseModel, extra: Mapping[str, Any] | None = None) -> None:
    """Write a model: all parameters as they are, the constructor's arguments, and ``extra`` (JSON values).

    Tied parameters are stored once and come back tied. Atomic: a crash leaves the old file or the new one. Raises
    ValueError for a class that load_model does not know, and for parameters that share a part of their memory.
    """
    arrays, meta = parts_of(model, extra)
    from fasts2s.checkpoint import save_arrays  # noqa: PLC0415 - who saves nothing starts sooner

    save_arrays(path, arrays, meta)


def parts_of(model: BaseModel, extra: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a file holds of a model: named arrays, and what is said of them. ValueError as in save_model."""
    name = type(model).__name__
    if name not in CLASSES:
        raise ValueError(f"the model is of class {name}, expected one of {', '.join(CLASSES)}")
    arrays = {f"param_{i:02d}": to_cpu(model.params[i]) for i in stored_once(model.params)}
    more = {} if extra is None else dict(mapping("extra", extra))
    meta: dict[str, Any] = {"class": name, "config": dict(model.config), "extra": more}
    meta["ties"] = _ties(model.params)
    return arrays, meta


def load_model(path: str | Path, *, backend: BackendLike | None = None) -> tuple[Any, dict[str, Any]]:
    """Read a model; the global random generator is left as it was.

    A file of float64 gives a model of float64, whatever is in force; where float64 is in force,
    one of float32 is read into it.

    Returns
    -------
    model, extra
        The model and what save_model was given as ``extra``.

    Raises
    ------
    FileNotFoundError
    ValueError
        The file is damaged or of another kind.
    """
    from fasts2s.checkpoint import load_arrays  # noqa: PLC0415 - as above

    return model_of(path, *load_arrays(path), backend=backend)


def model_of(
    path: str | Path, arrays: dict[str, Any], meta: dict[str, Any], *, backend: BackendLike | None = None
) -> tuple[Any, dict[str, Any]]:
    """Return the model and the extra of what :func:`parts_of` returned; path: for errors. Raises ValueError."""
    is_double = any(a.dtype.kind == "f" and a.dtype.itemsize == 8 for a in arrays.values())
    dtype: FloatName | None = "float64" if is_double else None
    chosen = get_backend(backend, dtype=dtype)
    chosen.kernels()  # what is wrong with the backend is no fault of the file
    model = construct(path, arrays, meta, chosen)
    _tie(path, model, meta.get("ties", []))
    kept = stored_once(model.params)
    came = {name: a.shape for name, a in arrays.items()}
    own = {f"param_{i:02d}": model.params[i].shape for i in kept}
    if came != own:
        raise ValueError(f"{path} holds arrays {came}, expected those of {meta['class']}: {own}")
    kernels = model.backend.kernels()
    for i in kept:
        model.params[i][...] = kernels.asarray(arrays[f"param_{i:02d}"])
    return model, meta["extra"]


def construct(path: str | Path, arrays: dict[str, Any], meta: dict[str, Any], backend: Backend) -> Any:
    """Return a model of the file's class and sizes, with random weights; whatever the file says, only ValueError."""
    name, config = meta.get("class"), meta.get("config")
    if not isinstance(name, str) or name not in CLASSES:
        raise ValueError(f"{path} holds {name!r}, expected a model of class {', '.join(CLASSES)}")
    if not isinstance(config, dict) or not isinstance(meta.get("extra"), dict):
        raise ValueError(f"{path} has no config or no extra, expected both: write it with save_model")
    # No size of a model is larger than every dimension of its arrays: refuse before memory is asked for.
    largest = max((n for a in arrays.values() for n in a.shape), default=0)
    too_large = {k: v for k, v in config.items() if isinstance(v, int) and k != "pad_id" and v > largest}
    if too_large:
        raise ValueError(f"{path} says {too_large}, expected sizes that fit its arrays, at most {largest}")
    state = np.random.get_state()
    try:
        return CLASSES[name](**config, backend=backend)
    except (TypeError, ValueError, MemoryError) as error:
        raise ValueError(f"{path} does not describe a {name}: {error}") from None
    finally:
        np.random.set_state(state)


def _ties(params: list[Any]) -> list[list[Any]]:
    """Return [i, k, whether transposed] for every parameter i that is tied to an earlier one k, stored in its place.

    Raises ValueError where they share a part of their memory: that cannot be said in a file.
    """
    kept = stored_once(params)
    ties: list[list[Any]] = []
    for i, p in enumerate(params):
        for k in (k for k in kept if k != i and same_memory(p, params[k])):
            if not (is_whole(p, params[k]) or is_transpose(p, params[k])):
                wanted = "expected the whole or its transpose: give each of them an array of its own"
                later, earlier = max(i, k), min(i, k)
                raise ValueError(f"params[{later}] shares a part of its memory with params[{earlier}], {wanted}")
            ties.append([i, k, not is_whole(p, params[k])])
    return ties


def _tie(path: str | Path, model: Any, ties: Any) -> None:
    """Tie the parameters of a new model as those of the file were, or raise ValueError."""
    params, n = model.params, len(model.params)
    wanted = f"{path} says that parameters {str(ties)[:80]} are tied, expected [later, earlier, whether transposed]"
    if not isinstance(ties, list):
        raise ValueError(wanted)
    for tie in ties:
        if not (isinstance(tie, list) and [type(x) for x in tie] == [int, int, bool] and 0 <= tie[1] < tie[0] < n):
            raise ValueError(wanted)
        old, new = params[tie[0]], params[tie[1]].T if tie[2] else params[tie[1]]
        if old.shape != new.shape:
            raise ValueError(f"{wanted}, of one shape, not of {old.shape} and {new.shape}")
        if not same_memory(old, new):
            replace(model, {id(old): new}, set())

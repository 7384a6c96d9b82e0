"""Weights and whole models to and from PyTorch and safetensors, and to ONNX.

The libraries are imported when they are asked for.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fasts2s._extras import need
from fasts2s.backend import BackendLike
from fasts2s.exchange._files import require_file
from fasts2s.exchange._onnx import to_onnx
from fasts2s.exchange._params import model_of_params
from fasts2s.exchange._safetensors import load_safetensors, save_safetensors
from fasts2s.models import BaseModel
from fasts2s_kernels.checks.arguments import as_path

__all__ = [
    "from_torch",
    "load_safetensors",
    "load_torch",
    "model_of_params",
    "save_safetensors",
    "save_torch",
    "to_onnx",
    "to_torch",
]


def to_torch(what: Any) -> Any:
    """Return a ``torch.nn.Module`` that computes what a model or a layer computes, with a copy of its weights.

    Parameters
    ----------
    what : model or layer
        TimeEmbedding, TimeAffine, TimeLSTM, TimeBiLSTM and TimeRNN become ``nn.Embedding``, ``nn.Linear``,
        ``nn.LSTM`` and ``nn.RNN`` (batch first); TimeGRU a small module, because ``nn.GRU`` is another GRU. Language
        models, the book's Seq2seq and its kin, and EncoderDecoder become readable modules, in eval mode. They give
        scores, not losses: ``scores, states = module(xs, states)`` or ``scores = module(xs, ts[:, :-1])``.

    Raises
    ------
    ImportError
        PyTorch is not installed.
    ValueError
        PyTorch's own layers cannot express the class or a setting; it is named.
    """
    need("torch", "peers", "models are made into modules")
    from fasts2s.exchange._torch import to_module  # noqa: PLC0415 - needs PyTorch

    return to_module(what)


def from_torch(module: Any, *, backend: BackendLike | None = None) -> Any:
    """Return the model or layer of a torch module, with a copy of its weights; dtype float64 stays.

    Parameters
    ----------
    module : what :func:`to_torch` returned, trained on or not; or nn.LSTM, nn.RNN, nn.Embedding, nn.Linear
        The two biases of a recurrent layer are summed. A module of several layers gives a list.

    Raises
    ------
    ImportError
        PyTorch is not installed.
    ValueError
        There is no such layer here: nn.GRU, which is another than the book's, or a setting that is named.
    """
    need("torch", "peers", "modules are read")
    from fasts2s.exchange._torch import from_module  # noqa: PLC0415 - needs PyTorch

    return from_module(module, backend)


def save_torch(path: str | Path, model: BaseModel, extra: Mapping[str, Any] | None = None) -> None:
    """Write the state dict of ``to_torch(model)``, for ``torch.load(path, weights_only=True)``.

    Its metadata say class, sizes and ``extra`` (JSON values), such as a vocabulary.

    Raises
    ------
    ImportError
        PyTorch is not installed.
    ValueError
        As :func:`to_torch` and :func:`fasts2s.models.save_model`.
    OSError
        The file cannot be written.
    """
    target = as_path("path", path)
    need("torch", "peers", "models are written")
    from fasts2s.exchange._torch_files import save  # noqa: PLC0415 - needs PyTorch

    save(target, model, extra)


def load_torch(
    path: str | Path,
    *,
    name: str | None = None,
    reverse: bool = False,
    pad_id: int | None = None,
    backend: BackendLike | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Return the model of a state dict, and its extra; no code in the file is executed.

    Parameters
    ----------
    path : file that :func:`save_torch` wrote, or ``torch.save(module.state_dict(), path)``
        The module is one of :func:`to_torch`, or has tensors of the same names and shapes. Float64 stays, other
        floats become float32.
    name, reverse, pad_id : as in :func:`model_of_params`
        For files of other modules, which do not say it.

    Raises
    ------
    ImportError
        PyTorch is not installed.
    FileNotFoundError
    ValueError
        The file is damaged, or holds something else.
    """
    source = as_path("path", path)
    need("torch", "peers", "models are read")
    require_file(source)
    from fasts2s.exchange._torch_files import load  # noqa: PLC0415 - needs PyTorch

    return load(source, name, reverse, pad_id, backend)

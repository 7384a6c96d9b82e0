"""Weights and whole models to and from PyTorch and safetensors, and to ONNX.

The libraries are imported when they are asked for.
"""

from typing import Any

from fasts2s._extras import need
from fasts2s.backend import BackendLike
from fasts2s.exchange._onnx import to_onnx
from fasts2s.exchange._params import model_of_params
from fasts2s.exchange._safetensors import load_safetensors, save_safetensors

__all__ = ["from_torch", "load_safetensors", "model_of_params", "save_safetensors", "to_onnx", "to_torch"]


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

"""Layers and whole models between this package and PyTorch."""

from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from fasts2s.backend import BackendLike, FloatName, get_backend, to_cpu
from fasts2s.exchange._form import Form, form_for, form_of
from fasts2s.exchange._random import random_kept
from fasts2s.exchange._torch_layers import layer_from_torch, layer_to_torch
from fasts2s.exchange._torch_models import TorchLanguageModel, TorchSeq2seq
from fasts2s.exchange._torch_weights import count, fill, read
from fasts2s.models import BaseModel, EncoderDecoder


def to_module(what: Any) -> Any:
    """Return the module of a model or a layer, in eval mode. Raises ValueError."""
    if not isinstance(what, BaseModel):
        return layer_to_torch(what).eval()
    form = form_of(what)
    for name, refused in (("variational", form.variational), ("cell", form.cell == "gru" and form.source_size)):
        if refused:
            value = getattr(form, name)
            why = "masks of dropout that stay" if name == "variational" else "the book's GRU on padded sources"
            raise ValueError(f"{name} of the model is {value!r}, expected another: PyTorch's layers have no {why}")
    module = empty_module(form)
    params: list[Any] = [to_cpu(p) for p in what.params]
    if params[0].dtype == "float64":
        module = module.to(torch.float64)
    at = 0
    for layer in module.layers():
        more = count(layer)
        fill(layer, params[at : at + more])
        at += more
    module.made_of = (type(what), dict(what.config))
    return module.eval()


def empty_module(form: Form) -> Any:
    """Return a module of a form, with weights of no meaning."""
    return TorchSeq2seq(form) if form.source_size else TorchLanguageModel(form)


def _made_of(module: Any) -> tuple[Any, dict[str, Any]]:
    """Return class and arguments of a module of :func:`to_module`. ValueError for others, and for altered ones."""
    made_of: tuple[Any, dict[str, Any]] | None = getattr(module, "made_of", None)
    if made_of is None:
        raise ValueError(f"module is a {type(module).__name__} of your own, expected what to_torch returned")
    with torch.device("meta"):  # shapes alone
        wanted = empty_module(form_for(*made_of))
    own, came = ({(name, tuple(p.shape)) for name, p in one.named_parameters()} for one in (wanted, module))
    if own != came:
        raise ValueError(
            f"module has the parameters {sorted(came - own)}, expected {sorted(own - came)}: keep its layers"
        )
    return made_of


def from_module(module: Any, backend: BackendLike | None) -> Any:
    """Return the model or layer of a module. Raises ValueError."""
    if not isinstance(module, nn.Module):
        raise ValueError(f"module is a {type(module).__name__}, expected a torch.nn.Module")
    if not isinstance(module, TorchSeq2seq | TorchLanguageModel):
        return layer_from_torch(module, backend)
    kind, config = _made_of(module)
    dtype: FloatName | None = "float64" if next(module.parameters()).dtype == torch.float64 else None
    chosen = get_backend(backend, dtype=dtype)
    with random_kept():
        model = (EncoderDecoder.of if kind is EncoderDecoder else kind)(**config, backend=chosen)
    arrays = [a for layer in module.layers() for a in read(layer)]
    # The v of additive attention is a vector here, in PyTorch a matrix of one row.
    model.set_params([a.reshape(p.shape) for a, p in zip(arrays, model.params, strict=True)], "the module")
    return model

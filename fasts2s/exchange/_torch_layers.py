"""Single layers between this package and PyTorch."""

from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from fasts2s.backend import BackendLike, to_cpu
from fasts2s.exchange._torch_weights import BookGRU, fill, read, shapes
from fasts2s.layers import TimeAffine, TimeBiLSTM, TimeEmbedding, TimeGRU, TimeLSTM, TimeRNN
from fasts2s_kernels.arrays import Array

_CELLS: dict[type, str] = {TimeLSTM: "lstm", TimeBiLSTM: "lstm", TimeGRU: "gru", TimeRNN: "rnn"}
_GRU = (
    "expected an LSTM or RNN: PyTorch's GRU multiplies by the gate r behind the product, r (h Wh), the book's "
    "before it, (r h) Wh. No weights make the one of the other; to_torch(TimeGRU) gives the book's as a module"
)


def recurrent(cell: str, D: int, H: int, both_ways: bool = False) -> Any:
    """Return a recurrent module, batch first; H units in each direction."""
    if cell == "gru":
        return BookGRU(D, H)
    kind = nn.LSTM if cell == "lstm" else nn.RNN
    return kind(D, H, batch_first=True, bidirectional=both_ways)


def layer_to_torch(layer: Any) -> Any:
    """Return the module of a layer, with its weights. Raises ValueError for a layer that has none in PyTorch."""
    _require_layer(layer)
    params = [to_cpu(p) for p in layer.params]
    module = _empty(layer, params)
    if isinstance(layer, TimeGRU) and len(params) == 2:  # the Korean edition's, without a bias
        params.append(module.b.detach().numpy())
    came, wanted = [p.shape for p in params], shapes(module)
    if came != wanted:
        raise ValueError(f"the layer has parameters of shapes {came}, expected those of its class: {wanted}")
    return fill(module.to(torch.float64) if params[0].dtype == "float64" else module, params)


def _require_layer(layer: Any) -> None:
    """Raise ValueError for a layer that has no module, and for one that has lost its weights."""
    if not (isinstance(layer, TimeEmbedding | TimeAffine) or type(layer) in _CELLS):
        names = ", ".join(["TimeEmbedding", "TimeAffine", *[kind.__name__ for kind in _CELLS]])
        raise ValueError(f"what is a {type(layer).__name__}, expected a model, or a layer: {names}")
    weights = 2 if type(layer) in _CELLS else 1
    came = [getattr(p, "shape", ()) for p in layer.params]
    if any(len(shape) != 2 for shape in [*came, ()][:weights]):
        raise ValueError(f"the layer has parameters of shapes {came}, expected the {weights} of its weights first")


def _empty(layer: Any, params: list[Array]) -> Any:
    """Return a module of the layer's sizes."""
    if isinstance(layer, TimeEmbedding):
        return nn.Embedding(*params[0].shape)
    if isinstance(layer, TimeAffine):
        return nn.Linear(*params[0].shape)
    return recurrent(_CELLS[type(layer)], len(params[0]), len(params[1]), isinstance(layer, TimeBiLSTM))


def layer_from_torch(module: Any, backend: BackendLike | None) -> Any:
    """Return the layer of a module, with its weights; a list where the module has several layers.

    Raises ValueError.
    """
    if isinstance(module, nn.Embedding):
        if module.max_norm is not None:
            raise ValueError(f"max_norm of the module is {module.max_norm}, expected None: no vector is cut here")
        return TimeEmbedding(*read(module), backend=backend)
    if isinstance(module, nn.Linear):
        W, *bias = read(module)
        return TimeAffine(W, bias[0] if bias else W[0] * 0, backend=backend)
    if isinstance(module, BookGRU):
        return TimeGRU(*read(module), backend=backend)
    if isinstance(module, nn.GRU):
        raise ValueError(f"module is an nn.GRU, {_GRU}")
    if not isinstance(module, nn.LSTM | nn.RNN):
        wanted = "expected what to_torch returned, or nn.LSTM, nn.RNN, nn.Embedding, nn.Linear"
        raise ValueError(f"module is a {type(module).__name__}, {wanted}")
    return _recurrent_from_torch(module, backend)


def _recurrent_from_torch(module: Any, backend: BackendLike | None) -> Any:
    if getattr(module, "proj_size", 0):
        raise ValueError(
            f"proj_size of the module is {module.proj_size}, expected 0: the layers here project nothing"
        )
    if getattr(module, "nonlinearity", "tanh") != "tanh":
        raise ValueError(f"nonlinearity of the module is {module.nonlinearity!r}, expected 'tanh'")
    is_lstm, each = isinstance(module, nn.LSTM), 6 if module.bidirectional else 3
    if module.bidirectional and not is_lstm:
        raise ValueError("bidirectional of the nn.RNN is True, expected False: only the LSTM reads both ways here")
    kind: Any = (TimeBiLSTM if module.bidirectional else TimeLSTM) if is_lstm else TimeRNN
    params = read(module)
    layers = [kind(*params[k : k + each], backend=backend) for k in range(0, len(params), each)]
    return layers[0] if len(layers) == 1 else layers

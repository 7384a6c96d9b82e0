"""Weights of single layers between this package and PyTorch.

Here a layer has ``x Wx + h Wh + b``, gates in columns: f, g, i, o of an LSTM, z, r, n of a GRU. PyTorch has gates in
rows, i, f, g, o, and two biases, of which one is zero here.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from fasts2s_kernels.arrays import Array

_TO_TORCH, _TO_BOOK = (2, 0, 1, 3), (1, 2, 0, 3)


class BookGRU(nn.Module):
    """The GRU of the book and of Cho et al. 2014, batch first; ``nn.GRU`` is another one.

    Here ``n = tanh(x Wx_n + (r h) Wh_n + b_n)`` and ``h = (1 - z) h + z n``. ``nn.GRU`` multiplies by r behind the
    product, ``r (h Wh_n)``, and has z the other way round. No weights make the one of the other.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.Wx = nn.Parameter(torch.zeros(input_size, 3 * hidden_size))
        self.Wh = nn.Parameter(torch.zeros(hidden_size, 3 * hidden_size))
        self.b = nn.Parameter(torch.zeros(3 * hidden_size))

    def forward(self, xs: Any, h: Any = None) -> tuple[Any, Any]:
        """xs (N, T, D), h (1, N, H) or None -> hs (N, T, H), last h (1, N, H), as ``nn.GRU`` has it."""
        H = self.hidden_size
        last = xs.new_zeros(len(xs), H) if h is None else h[0]
        hs = []
        for a in (xs @ self.Wx + self.b).unbind(1):
            z, r = torch.sigmoid(a[:, : 2 * H] + last @ self.Wh[:, : 2 * H]).split(H, 1)
            n = torch.tanh(a[:, 2 * H :] + (r * last) @ self.Wh[:, 2 * H :])
            last = (1 - z) * last + z * n
            hs.append(last)
        return torch.stack(hs, 1), last[None]


def _blocks(a: Any, order: tuple[int, ...]) -> Any:
    parts = np.split(a, 4, axis=-1)
    return np.concatenate([parts[k] for k in order], axis=-1)


def suffixes(module: Any) -> list[str]:
    """Return what the names of a recurrent module's parameters end with, for every layer and direction."""
    ways = ("", "_reverse") if module.bidirectional else ("",)
    return [f"_l{k}{way}" for k in range(module.num_layers) for way in ways]


def _pairs(module: Any) -> Sequence[tuple[Any, int | None, bool]]:
    """Return (tensor, number of our parameter, whether its rows are our columns); None: a zero bias of PyTorch."""
    if isinstance(module, nn.Embedding):
        return [(module.weight, 0, False)]
    if isinstance(module, nn.Linear):
        return [(module.weight, 0, True)] + ([] if module.bias is None else [(module.bias, 1, True)])
    if isinstance(module, BookGRU):
        return [(module.Wx, 0, False), (module.Wh, 1, False), (module.b, 2, False)]
    found: list[tuple[Any, int | None, bool]] = []
    for k, end in enumerate(suffixes(module)):
        for number, name in enumerate(("weight_ih", "weight_hh", "bias_ih")):
            found.append((getattr(module, name + end), 3 * k + number, True))
        found.append((getattr(module, "bias_hh" + end), None, True))
    return found


def count(module: Any) -> int:
    """Return how many of our parameters a module holds."""
    return sum(number is not None for _, number, _ in _pairs(module))


def shapes(module: Any) -> list[tuple[int, ...]]:
    """Return the shapes of our parameters that a module holds."""
    held = [(tuple(tensor.shape), turned) for tensor, number, turned in _pairs(module) if number is not None]
    return [shape[::-1] if turned else shape for shape, turned in held]


def fill(module: Any, params: list[Array]) -> Any:
    """Copy our parameters into a module; return it."""
    with torch.no_grad():
        for tensor, number, turned in _pairs(module):
            if number is None:
                tensor.zero_()
                continue
            a: Any = params[number]
            if isinstance(module, nn.LSTM):
                a = _blocks(a, _TO_TORCH)
            tensor.copy_(torch.from_numpy(np.array(a.T if turned else a, order="C")))
    return module


def read(module: Any) -> list[Array]:
    """Return copies of a module's weights in our order; the two biases are summed, one that is left out is zero."""
    if not isinstance(module, nn.RNNBase):
        return [_host(tensor.T if turned and tensor.ndim == 2 else tensor) for tensor, _, turned in _pairs(module)]
    params = []
    for end in suffixes(module):
        Wx, Wh = (_host(getattr(module, name + end).T) for name in ("weight_ih", "weight_hh"))
        b = np.zeros_like(Wx[0])
        if module.bias:
            b = _host(getattr(module, "bias_ih" + end)) + _host(getattr(module, "bias_hh" + end))
        one = [Wx, Wh, b]
        params += [_blocks(a, _TO_BOOK) for a in one] if isinstance(module, nn.LSTM) else one
    return params


def _host(tensor: Any) -> Any:
    """Return a tensor as an array of float32, or float64 where it was that. ValueError if it holds neither."""
    is_empty = tensor.is_meta or isinstance(tensor, nn.parameter.UninitializedTensorMixin)
    if is_empty or not tensor.is_floating_point():
        what = "without numbers yet" if is_empty else f"of {tensor.dtype}"
        raise ValueError(
            f"a weight of the module is {what}, expected real numbers: give the module its weights first"
        )
    whole = tensor.detach().cpu()
    return np.array(whole.numpy() if whole.dtype == torch.float64 else whole.float().numpy(), order="C")

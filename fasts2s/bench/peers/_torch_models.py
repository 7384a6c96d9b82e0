"""The book's models in PyTorch, as a PyTorch user would write them, with weights in this package's order.

Gates: this package has f, g, i, o in the columns of Wx and Wh; PyTorch has i, f, g, o in the rows.
"""

from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional as F  # noqa: N812 # pyright: ignore[reportMissingImports]

TO_TORCH = (2, 0, 1, 3)  # block k of PyTorch is block TO_TORCH[k] of the book
TO_BOOK = (1, 2, 0, 3)


def _blocks(a: Any, order: tuple[int, ...]) -> Any:
    """Return the four blocks of the last axis in another order."""
    parts = np.split(a, 4, axis=-1)
    return np.concatenate([parts[k] for k in order], axis=-1)


def new_lstm(D: int, H: int) -> Any:
    """Return an LSTM with one bias: the second one of PyTorch is zero and not trained."""
    lstm = nn.LSTM(D, H, batch_first=True)
    lstm.bias_hh_l0.requires_grad_(False).zero_()
    return lstm


def from_book(module: Any, a: Any) -> Any:
    """Return an array of the book in the layout of a layer's parameter."""
    if isinstance(module, nn.LSTM):
        return np.ascontiguousarray(_blocks(a, TO_TORCH).T)
    return np.ascontiguousarray(a.T) if isinstance(module, nn.Linear) else a


def to_book(module: Any, a: Any) -> Any:
    """The inverse of :func:`from_book`."""
    if isinstance(module, nn.LSTM):
        return _blocks(a.T, TO_BOOK)
    return a.T if isinstance(module, nn.Linear) else a


def slots(layers: list[Any]) -> list[tuple[Any, Any]]:
    """Return (layer, parameter) of layers in the book's order."""
    names = {nn.LSTM: ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"), nn.Linear: ("weight", "bias")}
    return [(layer, getattr(layer, name)) for layer in layers for name in names.get(type(layer), ("weight",))]


def host(a: Any) -> Any:
    """Return a tensor as a float32 array on the host."""
    return a.detach().float().cpu().numpy()


def fill(slots: Any, weights: list[Any]) -> None:
    """Copy the book's weights into the parameters, in place: a captured graph holds their addresses."""
    with torch.no_grad():
        for (module, p), weight in zip(slots, weights, strict=True):
            p.copy_(torch.from_numpy(from_book(module, weight)))


def loss_of(scores: Any, ts: Any) -> Any:
    """Return the mean cross entropy of scores (N, T, V) and labels (N, T)."""
    return F.cross_entropy(scores.flatten(0, 1), ts.flatten())


class Model(nn.Module):
    """What the step sets: the states of a language model, carried on; the masks of dropout that the gate gives."""

    states: list[Any]
    kept: list[Any] | None = None
    drops = True


class Seq2seq(Model):
    """Encoder and decoder; ``decode`` is what the other models change."""

    decoder_input, linear_input = 0, 1  # in units of H: what is added to D, and the columns of the last layer

    def __init__(self, V: int, D: int, H: int) -> None:
        super().__init__()
        self.encoder_embed, self.encoder = nn.Embedding(V, D), new_lstm(D, H)
        self.embed, self.decoder = nn.Embedding(V, D), new_lstm(D + self.decoder_input * H, H)
        self.linear = nn.Linear(self.linear_input * H, V)

    def layers(self) -> list[Any]:
        """Return the layers in the book's order."""
        return [self.encoder_embed, self.encoder, self.embed, self.decoder, self.linear]

    def forward(self, xs: Any, ts: Any) -> Any:
        """Return the loss."""
        enc_hs, (h, c) = self.encoder(self.encoder_embed(xs))
        out = self.decode(self.embed(ts[:, :-1]), h, torch.zeros_like(c), enc_hs)
        return loss_of(self.linear(out), ts[:, 1:])

    def decode(self, x: Any, h: Any, c: Any, enc_hs: Any) -> Any:
        """Return the input of the last layer."""
        return self.decoder(x, (h, c))[0]


class PeekySeq2seq(Seq2seq):
    """The decoder's layers get h beside their input."""

    decoder_input, linear_input = 1, 2

    def decode(self, x: Any, h: Any, c: Any, enc_hs: Any) -> Any:
        """Return the input of the last layer."""
        hs = h[0][:, None].expand(-1, x.shape[1], -1)
        out, _ = self.decoder(torch.cat((hs, x), 2), (h, c))
        return torch.cat((hs, out), 2)


class AttentionSeq2seq(Seq2seq):
    """The last layer gets the context beside the hidden state."""

    linear_input = 2

    def decode(self, x: Any, h: Any, c: Any, enc_hs: Any) -> Any:
        """Return the input of the last layer."""
        out, _ = self.decoder(x, (h, c))
        weights = torch.softmax(torch.bmm(out, enc_hs.transpose(1, 2)), 2)
        return torch.cat((torch.bmm(weights, enc_hs), out), 2)


class Rnnlm(Model):
    """Embedding, LSTM, linear; the state is carried on without gradient."""

    def __init__(self, V: int, D: int, H: int, lstms: int = 1) -> None:
        super().__init__()
        self.embed, self.linear = nn.Embedding(V, D), nn.Linear(H, V)
        self.lstms = nn.ModuleList([new_lstm(H if k else D, H) for k in range(lstms)])

    def layers(self) -> list[Any]:
        """Return the layers in the book's order."""
        return [self.embed, *self.lstms, self.linear]

    def dropout(self, k: int, x: Any) -> Any:
        """Return x: there is none."""
        return x

    def forward(self, xs: Any, ts: Any) -> Any:
        """Return the loss."""
        x = self.dropout(0, self.embed(xs))
        for k, lstm in enumerate(self.lstms):
            x, (h, c) = lstm(x, self.states[k])
            self.states[k] = (h.detach(), c.detach())
            x = self.dropout(k + 1, x)
        return loss_of(self.linear(x), ts)


class BetterRnnlm(Rnnlm):
    """Two LSTM layers, dropout three times, output weights tied to the embedding."""

    def __init__(self, V: int, D: int, H: int) -> None:
        super().__init__(V, H, H, lstms=2)
        self.linear.weight = self.embed.weight

    def dropout(self, k: int, x: Any) -> Any:
        """Return x, half of it dropped: by PyTorch, or by the masks that the gate gives."""
        if not self.drops:
            return x
        return F.dropout(x, 0.5) if self.kept is None else x * self.kept[k] * 2


MODELS = {c.__name__: c for c in (Seq2seq, PeekySeq2seq, AttentionSeq2seq, Rnnlm, BetterRnnlm)}

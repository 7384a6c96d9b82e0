"""Whole models as torch modules, which compute the same scores. N batch, S and T steps, V vocabulary, H units."""

import json
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence  # pyright: ignore[reportMissingImports]

from fasts2s.exchange._form import Form
from fasts2s.exchange._torch_layers import recurrent

#: Where the metadata of a state dict say what model it is of, as JSON.
SAYS = "fasts2s"


class _OfModel(nn.Module):
    """A module that is made of a model: its state dicts say of which class, and with which arguments."""

    made_of: tuple[Any, dict[str, Any]]

    def state_dict(self, *args: Any, prefix: str = "", **options: Any) -> Any:
        """Return what ``nn.Module.state_dict`` does."""
        state = super().state_dict(*args, prefix=prefix, **options)
        said = getattr(state, "_metadata", {}).get(prefix[:-1])  # a destination of one's own may have none
        if said is not None and hasattr(self, "made_of"):
            kind, config = self.made_of
            said[SAYS] = json.dumps({"class": kind.__name__, "config": config})
        return state


class TorchLanguageModel(_OfModel):
    """Word vectors, recurrent layers, linear."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.embed = nn.Embedding(form.target_size, form.wordvec_size)
        self.recurrent = nn.ModuleList([recurrent(form.cell, D, form.hidden_size) for D in form.decoder_inputs])
        self.linear = nn.Linear(form.hidden_size, form.target_size)
        self.dropout = nn.Dropout(form.dropout)
        if form.tied:
            self.linear.weight = self.embed.weight

    def layers(self) -> list[Any]:
        """Return the layers in the order of our parameters."""
        return [self.embed, *self.recurrent, self.linear]

    def forward(self, xs: Any, states: Any = None) -> tuple[Any, list[Any]]:
        """xs (N, T) ids, states of the layers or None for zero -> scores (N, T, V), next states."""
        out, following = self.dropout(self.embed(xs)), []
        for k, layer in enumerate(self.recurrent):
            out, state = layer(out, None if states is None else states[k])
            out = self.dropout(out)
            following.append(state)
        return self.linear(out), following


class Attention(nn.Module):
    """Context of decoder states: the mean of encoder states, weighted by scores dot, general or additive."""

    def __init__(self, kind: str, H: int) -> None:
        super().__init__()
        self.kind = kind
        if kind == "general":
            self.query = nn.Linear(H, H, bias=False)
        elif kind == "additive":
            self.query, self.key, self.v = nn.Linear(H, H), nn.Linear(H, H, bias=False), nn.Linear(H, 1, bias=False)

    def layers(self) -> list[Any]:
        """Return the layers in the order of our parameters."""
        return list(self.children())

    def forward(self, hs: Any, enc_hs: Any, mask: Any) -> Any:
        """hs (N, T, H), enc_hs (N, S, H), mask (N, S) -> context (N, T, H)."""
        if self.kind == "additive":
            scores = self.v(torch.tanh(self.query(hs)[:, :, None] + self.key(enc_hs)[:, None]))[..., 0]
        else:
            scores = (self.query(hs) if self.kind == "general" else hs) @ enc_hs.transpose(1, 2)
        weights = torch.softmax(scores.masked_fill(~mask[:, None], -torch.inf), 2)
        return torch.nan_to_num(weights) @ enc_hs  # a source of padding alone has no weights


class TorchSeq2seq(_OfModel):
    """Encoder and decoder; ``forward`` for training, ``start`` and ``step`` word by word, ``greedy`` to answer."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        V, D, H = form.target_size, form.wordvec_size, form.hidden_size
        units = H // 2 if form.bidirectional else H
        self.encoder_embed = nn.Embedding(form.source_size, D)
        self.encoder = nn.ModuleList(
            [recurrent(form.cell, n, units, form.bidirectional) for n in form.encoder_inputs]
        )
        self.embed = nn.Embedding(V, D)
        self.decoder = nn.ModuleList([recurrent(form.cell, n, H) for n in form.decoder_inputs])
        self.attention = None if form.attention == "none" else Attention(form.attention, H)
        self.join = nn.Linear(2 * H, form.joined_size, bias=False) if form.is_joined else None
        self.linear = nn.Linear(form.out_size + (H if form.peeky else 0), V)
        self.dropout = nn.Dropout(form.dropout)
        if form.tied:
            self.linear.weight = self.embed.weight

    def layers(self) -> list[Any]:
        """Return the layers in the order of our parameters."""
        attention = [] if self.attention is None else self.attention.layers()
        join = [] if self.join is None else [self.join]
        return [self.encoder_embed, *self.encoder, self.embed, *self.decoder, *attention, *join, self.linear]

    def forward(self, xs: Any, ts: Any) -> Any:
        """xs (N, S) ids of sources, ts (N, T) ids that the decoder is given -> scores (N, T, V)."""
        state, vectors = self.start(xs), self.dropout(self.embed(ts))
        if not self.form.input_feeding:
            return self._scores(vectors, state)[0]
        scores = []
        for t in range(vectors.shape[1]):
            one, state = self._scores(vectors[:, t : t + 1], state)
            scores.append(one)
        return torch.cat(scores, 1)

    def start(self, xs: Any) -> dict[str, Any]:
        """xs (N, S) ids -> the state before the first step."""
        enc_hs, mask, states = self._read(xs)
        tops = [state[0] if self.form.cell == "lstm" else state for state in states]
        if self.form.bridge == "h" and self.form.cell == "lstm":
            states = [(h, torch.zeros_like(c)) for h, c in states]
        fed = enc_hs.new_zeros(len(xs), 1, self.form.fed_size)
        return {"enc_hs": enc_hs, "mask": mask, "top": tops[-1][0][:, None], "states": states, "fed": fed}

    def step(self, ids: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """ids (N,) of the last words, state -> scores (N, V) of the next, its state."""
        scores, state = self._scores(self.embed(ids)[:, None], state)
        return scores[:, 0], state

    def greedy(self, xs: Any, start_id: int, length: int) -> Any:
        """xs (N, S) ids -> ids (N, length), each the best after the last."""
        ids = torch.full((len(xs),), start_id)
        state, answer = self.start(xs), []
        for _ in range(length):
            scores, state = self.step(ids, state)
            ids = scores.argmax(1)
            answer.append(ids)
        return torch.stack(answer, 1) if answer else ids.new_zeros(len(xs), 0)

    def _read(self, xs: Any) -> tuple[Any, Any, list[Any]]:
        """xs (N, S) ids -> hs (N, S, H), mask (N, S), last states; padding moves to the end of its row."""
        mask = torch.ones_like(xs, dtype=torch.bool) if self.form.pad is None else xs != self.form.pad
        if self.form.reverse:
            xs, mask = xs.flip(1), mask.flip(1)
        order = torch.argsort((~mask).to(torch.int8), dim=1, stable=True)
        xs, mask = xs.gather(1, order), mask.gather(1, order)
        lengths = mask.sum(1)
        out, states = self.dropout(self.encoder_embed(xs)), []
        for k, layer in enumerate(self.encoder):
            below = out
            packed = pack_padded_sequence(
                self.dropout(below) if k else below,
                lengths.clamp(min=1).cpu(),
                batch_first=True,
                enforce_sorted=False,
            )
            made, state = layer(packed)
            out, _ = pad_packed_sequence(made, batch_first=True, total_length=xs.shape[1])
            out = out + below if k and self.form.residual else out
            states.append(_joined(state, lengths))
        return out, mask, states

    def _scores(self, vectors: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """vectors (N, T, D) of words -> scores (N, T, V), next state."""
        top = state["top"].expand(-1, vectors.shape[1], -1)
        below = [vectors] if not self.form.fed_size else [vectors, state["fed"]]
        out, following = torch.cat([top, *below] if self.form.peeky else below, 2), []
        for k, layer in enumerate(self.decoder):
            below_k = out
            out, last = layer(self.dropout(below_k) if k else below_k, state["states"][k])
            out = out + below_k if k and self.form.residual else out
            following.append(last)
        if self.attention is not None:
            out = torch.cat((self.attention(out, state["enc_hs"], state["mask"]), out), 2)
        if self.join is not None:
            out = torch.tanh(self.join(out))
        fed = out[:, -1:] if self.form.fed_size else state["fed"]
        out = self.dropout(out)
        scores = self.linear(torch.cat((top, out), 2) if self.form.peeky else out)
        return scores, {**state, "states": following, "fed": fed}


def _joined(state: Any, lengths: Any) -> Any:
    """Return the last state, both directions side by side; zero where a source was padding alone."""
    if isinstance(state, tuple):
        h, c = (_joined(one, lengths) for one in state)
        return h, c
    return torch.cat(tuple(state), 1)[None] * (lengths > 0)[:, None]

"""The decoder: it starts from what the encoder has read, and scores the next word."""

from typing import Any, NamedTuple

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.backend import Backend
from fasts2s.layers import TimeAffine, TimeEmbedding
from fasts2s.models.encoder_decoder._attention import ATTENTION
from fasts2s.models.encoder_decoder._dropout import Dropper, dropped
from fasts2s.models.encoder_decoder._encoder import Read
from fasts2s.models.encoder_decoder._joined import Joined
from fasts2s.models.encoder_decoder._recurrent import Recurrent, State
from fasts2s.models.encoder_decoder._stack import Stack
from fasts2s.models.encoder_decoder.settings import EncoderDecoderSettings
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks.either import beside
from fasts2s_kernels.ops.affine import with_constant
from fasts2s_kernels.ops.embedded_lstm.plan import table_pays_in_steps


class Kept(NamedTuple):
    """What backward needs of a forward call."""

    read: Read
    pieces: list[tuple[slice, list[Any], Any]]  # steps, caches of the layers, cache of the attention
    drops: tuple[Array | None, list[Array | None], Array | None]  # of word vectors, between layers, before the output
    out: Array  # what scores were made from (N, T, P), or (1, R, P) of the rows
    rows: Array | None  # (R,): which of the N T steps have scores; None: all


class DecoderState(NamedTuple):
    """Between two steps of an answer: what stays the same for a source, and what moves.

    Attributes
    ----------
    read : Read
    keys : (N, S, H) or None
        Of the attention.
    bias, score_bias : (N, gH), (N, V) or None
        What a peeky decoder adds to gates and scores at every step.
    states : list of (h, c) or (h,)
        Of every layer.
    fed : (N, P) or None
        What the last scores were made from, with input feeding.
    weights : (N, S) or None
        Attention of the last step, in the order of reading.
    table : (V, gH) or None
        What every word brings to the gates of the first layer, once that has been found to pay.

    There are N sources; with R rows for each of them, what moves has N R rows, and so has bias.
    """

    read: Read
    keys: Array | None
    bias: Array | None
    score_bias: Array | None
    states: list[State]
    fed: Array | None
    weights: Array | None
    table: Array | None = None

    @property
    def rows(self) -> int:
        """Rows of the answer: a whole number for every source, together."""
        h: Any = self.states[0][0]
        return len(h)

    @property
    def mask(self) -> Array:
        """(N, S) bool, False on padding, in the order of reading."""
        return self.read.mask

    def moved(self, rows: Array) -> "DecoderState":
        """Return the state whose row n goes on from row rows[n], of the same source.

        There may be more or fewer rows than before, but as many for every source.
        """
        moving = {name: _taken(getattr(self, name), rows) for name in ("fed", "weights")}
        if len(rows) != self.rows:
            moving |= {name: _taken(getattr(self, name), rows) for name in ("bias", "score_bias")}
        return self._replace(states=_taken_states(self.states, rows), **moving)

    def taken(self, sources: Array) -> "DecoderState":
        """Return the state of other sources with all their rows: some of them, or some of them several times."""
        return self._of_sources(sources, _taken)

    def refilled(self, sources: Array) -> "DecoderState":
        """As :meth:`taken`, of some of them, each once, in the memory of this state: it must not be used again.

        What stays the same for a source is large, and is not copied where the source keeps its place.
        """
        return self._of_sources(sources, _refilled)

    def _of_sources(self, sources: Array, take: Any) -> "DecoderState":
        (hs, mask, states), keys = self.read, take(self.keys, sources)
        each = self.rows // len(hs)
        read = Read(take(hs, sources), take(mask, sources), _taken_states(states, sources))
        rows = sources if each == 1 else (sources[:, None] * each + np.arange(each)).ravel()
        constant = {name: _taken(getattr(self, name), rows) for name in ("bias", "score_bias")}
        return self.moved(rows)._replace(read=read, keys=keys, **constant)


def _taken_states(states: list[State], rows: Array) -> list[State]:
    return [tuple(_taken(a, rows) for a in state) for state in states]


def _taken(a: Any, rows: Array) -> Any:
    return None if a is None else a[beside(a, rows)]


def _refilled(a: Any, rows: Array) -> Any:
    if a is None:
        return None
    places = np.flatnonzero(rows != np.arange(len(rows)))
    a[beside(a, places)] = _taken(a, rows[places])
    return a[: len(rows)]


class Decoder:
    """Parameters: word vectors (V_t, D), those of the layers, those of the attention, output W (P, V_t), b."""

    def __init__(self, settings: EncoderDecoderSettings, backend: Backend) -> None:
        s = self.settings = settings
        self.backend = backend
        V, D, H = s.target_size, s.wordvec_size, s.hidden_size
        C = H if s.decoder == "peeky" else 0
        P = s.joined_size if s.attention != "none" else H
        self.fed_size = P if s.input_feeding else 0
        # Tied vectors are also the weights of the scores, and begin as small as those.
        vectors = init.draw(V, D, np.sqrt(D), backend) if s.tied else init.word_vectors(V, D, backend)
        self.embed = TimeEmbedding(vectors, backend=backend)
        first = Recurrent(s.cell, D + self.fed_size, H, backend, constant_size=C)
        self.stack = Stack([first, *[Recurrent(s.cell, H, H, backend) for _ in range(s.layers - 1)]], s.residual)
        self.joined = None
        if s.attention != "none":
            self.joined = Joined(ATTENTION[s.attention](H, backend), H, P, backend)
        self.affine = TimeAffine(*self._output(C + P, V, backend), backend=backend)
        parts: list[Any] = [self.embed, self.stack, self.joined, self.affine]
        self.params = [p for part in parts if part for p in part.params]
        self.grads = [g for part in parts if part for g in part.grads]

    def _output(self, inputs: int, V: int, backend: Backend) -> tuple[Array, Array]:
        if self.settings.tied:
            return self.embed.W.T, init.zeros(V, backend)
        return init.affine(inputs, V, backend)

    def forward(
        self, ts: Array, read: Read, dropper: Dropper, train: bool, rows: Array | None = None
    ) -> tuple[Array, Kept]:
        """ts (N, T) ids, what was read -> scores (N, T, V), cache; with rows (R,) of the N T steps: (1, R, V)."""
        (N, T), s = ts.shape, self.settings
        vectors = self.embed.forward(ts)
        drop = dropper.draw(vectors, (N, T, s.wordvec_size), train)
        drops = self.stack.draw(dropper, vectors, (N, T, s.hidden_size), train)
        vectors = dropped(vectors, drop)
        state, pieces, outs = self._start(read), [], []
        for steps in self._pieces(T):
            out, state, caches, joining = self._piece(vectors[:, steps], state, drops, steps)
            pieces.append((steps, caches, joining))
            outs.append(out)
        made = outs[0] if len(outs) == 1 else np.concatenate(outs, axis=1)
        last = dropper.draw(made, made.shape, train)
        made = dropped(made, last)
        if rows is not None:
            made = made.reshape(1, N * T, made.shape[2])[:, rows]
        return self._scores(made, read), Kept(read, pieces, (drop, drops, last), made, rows)

    def _pieces(self, T: int) -> list[slice]:
        """Return the steps that are computed together: all, or one at a time where each is fed the one before."""
        return [slice(t, t + 1) for t in range(T)] if self.fed_size else [slice(0, T)]

    def _piece(
        self, vectors: Array, state: DecoderState, drops: list[Array | None], steps: slice
    ) -> tuple[Array, DecoderState, list[Any], Any]:
        xs = vectors
        if state.fed is not None:
            xs = np.concatenate((vectors, state.fed[:, None]), axis=2)
        out, states, caches = self.stack.forward(xs, state.states, drops, steps, bias=state.bias)
        if self.joined is None:
            return out, state._replace(states=states), caches, None
        out, _, cache = self.joined.forward(out, state.read, state.keys)
        fed = out[:, -1] if self.fed_size else None
        return out, state._replace(states=states, fed=fed), caches, cache

    def _scores(self, out: Array, read: Read) -> Array:
        if not self._is_peeky():
            return self.affine.forward(out)
        W, b = self.affine.params
        return with_constant.forward(self.backend.kernels_for(W), _top(read), out, W, b)

    def rows(self, labels: Array, pad: int) -> Array | None:
        """Return which steps of labels (N, T) are worth scores, (R,); None: all, or it would not be less work."""
        # A peeky decoder scores what does not change over time once for a source, not for every step.
        counted = labels != pad
        return None if self._is_peeky() or counted.all() else np.flatnonzero(counted)

    def _is_peeky(self) -> bool:
        return self.settings.decoder == "peeky"

    def backward(self, dscores: Array, kept: Kept) -> tuple[Array | None, list[State]]:
        """dscores, as the scores were -> gradient of the encoder's hs (N, S, H), or None, and of its last states."""
        read, pieces, (drop, drops, last), _, rows = kept
        dout, dtop = self._scores_backward(dscores, kept)
        if rows is not None:
            (N, _, _), T = read.hs.shape, pieces[-1][0].stop
            whole = np.zeros_like(dout, shape=(N * T, dout.shape[2]))
            whole[rows] = dout[0]
            dout = whole.reshape(N, T, dout.shape[2])
        dout = dropped(dout, last)
        D = self.settings.wordvec_size
        dvectors = np.empty_like(dout, shape=(*dout.shape[:2], D))
        dstates: list[State] = [(None,) * len(state) for state in read.states]
        dhs_enc = dkeys = dbias = dfed = None
        for steps, caches, joining in reversed(pieces):
            add = steps.stop != dout.shape[1]
            d = dout[:, steps]
            if dfed is not None:
                d = d + dfed[:, None]
            if self.joined is not None:
                d, dmore, dmore_keys = self.joined.backward(d, joining, add)
                dhs_enc, dkeys = _sum(dhs_enc, dmore), _sum(dkeys, dmore_keys)
            dxs, dstates, dmore_bias = self.stack.backward(d, dstates, caches, drops, steps, add)
            dbias = _sum(dbias, dmore_bias)
            dvectors[:, steps] = dxs[:, :, :D]
            dfed = dxs[:, 0, D:] if self.fed_size else None
        self.embed.backward(dropped(dvectors, drop))
        if self.joined is not None and dkeys is not None:
            dhs_enc = _sum(dhs_enc, self.joined.attention.finish(dkeys, read.hs))
        return dhs_enc, self._bridge_backward(dstates, dtop, dbias, read)

    def _scores_backward(self, dscores: Array, kept: Kept) -> tuple[Array, Array | None]:
        if not self._is_peeky():
            return self.affine.backward(dscores), None
        (W, _), (dW, db) = self.affine.params, self.affine.grads
        kernels = self.backend.kernels_for(W)
        dtop, dout = with_constant.backward(kernels, dscores, _top(kept.read), kept.out, W, dW=dW, db=db)
        return dout, dtop

    def _bridge_backward(
        self, dstates: list[State], dtop: Array | None, dbias: Array | None, read: Read
    ) -> list[State]:
        """Return the gradient of the encoder's last states from that of the decoder's first and of what is peeked."""
        dstates = self._bridged(dstates)
        if dbias is not None:
            dtop = _sum(dtop, self._first().bias_backward(dbias, _top(read)))
        dstates[-1] = (_sum(dstates[-1][0], dtop), *dstates[-1][1:])
        return dstates

    def _bridged(self, states: list[State]) -> list[State]:
        """Return what passes the bridge of states, or of their gradients: all, or h alone."""
        if self.settings.bridge == "hc":
            return list(states)
        return [(state[0], *[None] * (len(state) - 1)) for state in states]

    def start(self, read: Read) -> DecoderState:
        """Return the state before the first step."""
        state = self._start(read)
        if not self._is_peeky():
            return state
        W, b = self.affine.params
        return state._replace(score_bias=with_constant.bias(self.backend.kernels_for(W), _top(read), W, b))

    def _start(self, read: Read) -> DecoderState:
        states = self._bridged(read.states)
        bias = self._first().bias(_top(read)) if self._is_peeky() else None
        keys = None if self.joined is None else self.joined.attention.prepare(read.hs)
        fed = np.zeros_like(read.hs, shape=(len(read.hs), self.fed_size)) if self.fed_size else None
        return DecoderState(read, keys, bias, None, states, fed, None)

    def _first(self) -> Any:
        return self.stack.layers[0]

    def step(self, ids: Array, state: DecoderState) -> tuple[Array, DecoderState]:
        """ids (N,) -> scores (N, V) of what follows them, next state."""
        x, table = ids, self._table(state)
        if table is None:
            x, _ = self.embed.step(ids)
        if state.fed is not None:
            x = np.concatenate((x, state.fed), axis=1)
        out, states = self.stack.step(x, state.states, state.bias, table)
        fed = weights = None
        if self.joined is not None:
            each = out.reshape(len(state.read.hs), -1, out.shape[1])  # the rows of a source ask as steps do
            joined, attention, _ = self.joined.forward(each, state.read, state.keys)
            out, weights = joined.reshape(len(out), -1), attention.reshape(len(out), -1)
            fed = out if self.fed_size else None
        W, b = self.affine.params
        kernels = self.backend.kernels_for(W)
        if state.score_bias is not None:
            scores = with_constant.step(kernels, out, W, state.score_bias)
        else:
            scores = kernels.affine_forward(out, W, b)
        return scores, state._replace(states=states, fed=fed, weights=weights, table=table)

    def _table(self, state: DecoderState) -> Array | None:
        W: Any = self.embed.W
        if state.table is not None or state.fed is not None or not table_pays_in_steps(len(W), state.rows):
            return state.table
        made: Array | None = self._first().table(W)
        return made


def _top(read: Read) -> Any:
    """Return the h of the encoder's last layer after the last word: what a peeky decoder looks at."""
    return read.states[-1][0]


def _sum(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return a + b

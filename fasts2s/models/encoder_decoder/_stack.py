"""Recurrent layers one above the other, with dropout between them and residuals around them."""

from collections.abc import Sequence
from typing import Any

from fasts2s.models.encoder_decoder._dropout import Dropper, dropped
from fasts2s.models.encoder_decoder._recurrent import Bidirectional, Recurrent, State
from fasts2s_kernels.arrays import Array


class Stack:
    """Layers, the first of which may have a constant input; ``residual`` adds the input of each but the first."""

    def __init__(self, layers: Sequence[Recurrent | Bidirectional], residual: bool) -> None:
        self.layers, self.residual = list(layers), residual
        self.params = [p for layer in self.layers for p in layer.params]
        self.grads = [g for layer in self.layers for g in layer.grads]

    def draw(self, dropper: Dropper, like: Array, shape: tuple[int, int, int], train: bool) -> list[Array | None]:
        """Return what is dropped before every layer but the first; shape : (N, T, H)."""
        return [dropper.draw(like, shape, train) for _ in self.layers[1:]]

    def forward(
        self,
        xs: Array,
        states: Sequence[State],
        drops: Sequence[Array | None],
        steps: slice = slice(None),
        *,
        mask: Array | None = None,
        bias: Array | None = None,
    ) -> tuple[Array, list[State], list[Any]]:
        """xs (N, T, D), states and drops (of the whole sequence) of the layers -> output (N, T, H), states, caches.

        ``steps``: which of the sequence xs are. mask (N, T) bool; bias of the first layer.
        """
        out, last, caches = xs, [], []
        for k, layer in enumerate(self.layers):
            below = out
            out, state, cache = layer.forward(
                dropped(below, drops[k - 1], steps) if k else below, states[k], mask, None if k else bias
            )
            if k and self.residual:
                out = out + below
            last.append(state)
            caches.append(cache)
        return out, last, caches

    def backward(
        self,
        dout: Array | None,
        dstates: Sequence[State],
        caches: Sequence[Any],
        drops: Sequence[Array | None],
        steps: slice = slice(None),
        add: bool = False,
    ) -> tuple[Array, list[State], Array | None]:
        """Gradients of :meth:`forward`: of the output and the last states -> dxs, of the first states, dbias."""
        first: list[State] = [()] * len(self.layers)
        d: Any = dout
        dbias = None
        for k in reversed(range(len(self.layers))):
            dxs, first[k], dbias = self.layers[k].backward(d, dstates[k], caches[k], add)
            below = dropped(dxs, drops[k - 1], steps) if k else dxs
            d = below + d if k and self.residual and d is not None else below
        return d, first, dbias

    def step(
        self, x: Array, states: Sequence[State], bias: Array | None, table: Array | None = None
    ) -> tuple[Array, list[State]]:
        """One step for inference: x (N, D), or with a table ids (N,) -> output (N, H), next states.

        All layers read forwards.
        """
        out, following = x, []
        for k, layer in enumerate(self.layers):
            made: Any = layer
            if k == 0 and table is not None:
                h, state = made.step_of_words(x, table, states[k], bias)
            else:
                h, state = made.step(out, states[k], None if k else bias)
            out = h + out if k and self.residual else h
            following.append(state)
        return out, following

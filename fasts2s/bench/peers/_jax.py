"""JAX: jitted forward, backward and update, the recurrence as ``lax.scan``, the product with Wx outside of it.

Weights are in the book's layout, so nothing has to be converted.
"""

from typing import Any

import jax  # pyright: ignore[reportMissingImports]
import numpy as np
from jax import numpy as jnp  # pyright: ignore[reportMissingImports]

from fasts2s.bench.cases import Case
from fasts2s.bench.peer import CURVE, Arrays, Option, Peer, Runnable, UnsupportedError, numbered, weights_of

TIED = 7  # place of BetterRnnlm's output matrix in the book's params: the transposed embedding


def lstm(xs: Any, weights: Any, state: Any = None) -> tuple[Any, Any]:
    """xs (N, T, D), weights Wx, Wh, b -> hs (N, T, H), last (h, c)."""
    Wx, Wh, b = weights
    zero = jnp.zeros((xs.shape[0], Wh.shape[0]), xs.dtype)

    def step(carry: Any, a: Any) -> Any:
        h, c = carry
        f, g, i, o = jnp.split(a + h @ Wh, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jnp.tanh(g) * jax.nn.sigmoid(i)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    last, hs = jax.lax.scan(step, state or (zero, zero), jnp.swapaxes(xs @ Wx + b, 0, 1))
    return jnp.swapaxes(hs, 0, 1), last


def mean_loss(scores: Any, ts: Any) -> Any:
    """Return the mean cross entropy of scores (N, T, V) and labels (N, T)."""
    chosen = jnp.take_along_axis(scores, ts[..., None], axis=2)[..., 0]
    return jnp.mean(jax.nn.logsumexp(scores, axis=2) - chosen)


def sequence_loss(kind: str) -> Any:
    """Return the loss function of a sequence model: params, state, xs, ts, kept, key -> loss, state."""

    def loss(p: Any, state: Any, xs: Any, ts: Any, kept: Any, key: Any) -> Any:
        enc_hs, (h, _) = lstm(p[0][xs], p[1:4])
        x, start = p[4][ts[:, :-1]], (h, jnp.zeros_like(h))
        hs = jnp.broadcast_to(h[:, None], (*x.shape[:2], h.shape[1]))
        if kind == "PeekySeq2seq":
            out = jnp.concatenate((hs, lstm(jnp.concatenate((hs, x), 2), p[5:8], start)[0]), 2)
        else:
            out, _ = lstm(x, p[5:8], start)
        if kind == "AttentionSeq2seq":
            weights = jax.nn.softmax(out @ jnp.swapaxes(enc_hs, 1, 2), axis=2)
            out = jnp.concatenate((weights @ enc_hs, out), 2)
        return mean_loss(out @ p[8] + p[9], ts[:, 1:]), state

    return loss


def rnnlm_loss(p: Any, state: Any, xs: Any, ts: Any, kept: Any, key: Any) -> Any:
    """Loss of Rnnlm; the state is carried on."""
    hs, last = lstm(p[0][xs], p[1:4], state)
    return mean_loss(hs @ p[4] + p[5], ts), last


def better_rnnlm_loss(p: Any, state: Any, xs: Any, ts: Any, kept: Any, key: Any) -> Any:
    """Loss of BetterRnnlm; ``kept`` are the masks of dropout, None: drawn from the key."""

    def dropout(k: int, x: Any) -> Any:
        mask = kept[k] if kept else jax.random.bernoulli(jax.random.fold_in(key, k), 0.5, x.shape)
        return jnp.where(mask, 2 * x, 0)

    first, second = state or (None, None)
    out, first = lstm(dropout(0, p[0][xs]), p[1:4], first)
    out, second = lstm(dropout(1, out), p[4:7], second)
    return mean_loss(dropout(2, out) @ p[0].T + p[7], ts), (first, second)


def clipped(grads: Any, max_grad: float) -> Any:
    """Return gradients with a global norm of at most max_grad."""
    norm = jnp.sqrt(sum(jnp.sum(g * g) for g in grads))
    return [g * jnp.minimum(max_grad / (norm + 1e-6), 1.0) for g in grads]


def updated(adam: bool, params: Any, slots: Any, grads: Any, count: Any) -> tuple[Any, Any]:
    """Return parameters and slots after the book's Adam (0.001) or SGD (20)."""
    if not adam:
        return [p - 20.0 * g for p, g in zip(params, grads, strict=True)], slots
    rate = 0.001 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    m = [m + 0.1 * (g - m) for m, g in zip(slots[0], grads, strict=True)]
    v = [v + 0.001 * (g * g - v) for v, g in zip(slots[1], grads, strict=True)]
    return [p - rate * a / (jnp.sqrt(b) + 1e-7) for p, a, b in zip(params, m, v, strict=True)], (m, v)


class Jax(Peer):
    """JAX on the CPU; it chooses its number of threads itself."""

    def versions(self) -> dict[str, str]:
        """Return the version of JAX."""
        return {"jax": str(jax.__version__)}

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        if case.is_step:
            step = _Step(case, data)
            return Runnable(step.once, step.results, step.reset)
        if case.kind == "lstm":
            return _lstm_case(data)
        raise UnsupportedError("not written for JAX")


def _lstm_case(data: Arrays) -> Runnable:
    inputs = [jnp.asarray(data["xs"]), *map(jnp.asarray, weights_of(data))]
    dhs = jnp.asarray(data["dhs"])

    @jax.jit
    def both(inputs: Any, dhs: Any) -> Any:
        hs, backward = jax.vjp(lambda xs, *weights: lstm(xs, weights)[0], *inputs)
        return hs, backward(dhs)

    def results() -> Arrays:
        hs, (dxs, *grads) = both(inputs, dhs)
        return {"out_hs": hs, "grad_xs": dxs, **_numbered("grad", grads)}

    def once() -> None:
        jax.block_until_ready(both(inputs, dhs))

    return Runnable(once, results)


def _numbered(prefix: str, arrays: Any) -> Arrays:
    return numbered(prefix, map(np.asarray, arrays))


class _Step:
    """A training step; parameters, slots and state are handed from call to call."""

    def __init__(self, case: Case, data: Arrays) -> None:
        self.case, self.weights = case, weights_of(data)
        self.loss = {"Rnnlm": rnnlm_loss, "BetterRnnlm": better_rnnlm_loss}.get(case.kind) or sequence_loss(case.kind)
        self.masks = [jnp.asarray(mask) for mask in weights_of(data, "kept")]
        if case.kind == "BetterRnnlm":
            del self.weights[TIED]
        self.xs, self.ts = jnp.asarray(data["xs"]), jnp.asarray(data["ts"])
        self.step = jax.jit(self._step, donate_argnums=(0, 1))
        self.state: Any = None
        self.count, self.key = 0, jax.random.key(0)
        self.slots: Any = tuple([jnp.zeros_like(w) for w in self.weights] for _ in "mv")
        self.reset()

    def reset(self) -> None:
        """Take the initial weights again."""
        self.params = [jnp.array(w) for w in self.weights]

    def _step(self, params: Any, slots: Any, state: Any, xs: Any, ts: Any, count: Any, kept: Any, key: Any) -> Any:
        key = jax.random.fold_in(key, count)
        (loss, state), grads = jax.value_and_grad(self.loss, has_aux=True)(params, state, xs, ts, kept, key)
        params, slots = updated(self.case.adam, params, slots, clipped(grads, self.case.max_grad), count)
        return params, slots, state, loss

    def once(self, kept: Any = None) -> float:
        """Make one step."""
        self.count += 1
        self.params, self.slots, self.state, loss = self.step(
            self.params, self.slots, self.state, self.xs, self.ts, self.count, kept, self.key
        )
        jax.block_until_ready(self.params)
        return float(loss)

    def results(self) -> Arrays:
        """Return loss, gradients and updated parameters of the first step, and the losses of the next ones."""
        kept = [self.masks[k : k + 3] or None for k in range(0, 3 * (1 + CURVE), 3)]
        grads, _ = jax.jit(jax.grad(self.loss, has_aux=True))(self.params, None, self.xs, self.ts, kept[0], self.key)
        found = _numbered("grad", grads) | {"out_loss": self.once(kept[0])}
        params = list(self.params)
        if self.case.kind == "BetterRnnlm":
            params.insert(TIED, params[0].T)
        found |= _numbered("param", params)
        return {**found, "curve": [self.once(masks) for masks in kept[1:]]}

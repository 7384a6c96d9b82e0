"""The Neural Turing Machine: an LSTM with a memory. Source: Graves et al. 2014, arXiv:1410.5401."""

from typing import Any, NamedTuple

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.backend import BackendLike, get_backend
from fasts2s.layers import Affine, sigmoid
from fasts2s.layers._transaction import all_or_nothing
from fasts2s.models.base_model import BaseModel
from fasts2s.models.encoder_decoder._recurrent import Recurrent, State
from fasts2s.models.turing._addressing import Stages, address, address_backward
from fasts2s.models.turing._heads import HEADS, Orders, orders_backward, orders_of, orders_width
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import integer
from fasts2s_kernels.checks.either import as_array, as_float, number, saved
from fasts2s_kernels.quiet import quiet

#: What a new memory holds: small and the same everywhere (Collier and Beel 2018).
_NEW = 1e-6
#: No computer holds a matrix with more rows.
_MOST = 10**9


class Watched(NamedTuple):
    """What a machine did: memory (T, R, M) after every step, weightings (T, R) of the head that reads, and writes."""

    memory: Array
    reads: Array
    writes: Array


class _Step(NamedTuple):
    controller: Any
    orders: Orders
    stages: Stages
    kept: Any
    memory: Array  # before the step


class _Run(NamedTuple):
    scores: Array
    steps: list[_Step]
    memory: Array  # after the last step
    rows: Array  # h and what was read, of all steps (N T, H + M)


class NeuralTuringMachine(BaseModel):
    """Reads vectors of bits, and says vectors of bits.

    A step: the LSTM sees the input and what was read before; from its h come the orders to both heads, which look at
    the same memory; the first head reads, the second erases, then adds. Scores are made from h and what was read.

    Parameters
    ----------
    input_size, output_size : int
        Numbers of an input, bits of an output.
    hidden_size : int
        H of the LSTM.
    rows, width : int
        Of the memory.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        hidden_size: int = 100,
        rows: int = 128,
        width: int = 20,
        *,
        backend: BackendLike | None = None,
    ) -> None:
        super().__init__()
        sizes = {"input_size": input_size, "output_size": output_size, "hidden_size": hidden_size}
        self.config = {name: _size(name, n) for name, n in {**sizes, "rows": rows, "width": width}.items()}
        D, outputs, H, self.rows, self.width = self.config.values()
        self.backend = get_backend(backend)
        self.controller = Recurrent("lstm", D + self.width, H, self.backend)
        self.orders = Affine(*init.affine(H, orders_width(self.width), self.backend), backend=self.backend)
        self.output = Affine(*init.affine(H + self.width, outputs, self.backend), backend=self.backend)
        parts: list[Any] = [self.controller, self.orders, self.output]
        self.params = [p for part in parts for p in part.params]
        self.grads = [g for part in parts for g in part.grads]
        self._cache: Any = None

    @quiet
    def scores(self, xs: AnyArray) -> Array:
        """xs (N, T, D) -> scores (N, T, O); above 0 a bit is 1. The memory is new. Raises ValueError."""
        with all_or_nothing([self.output]):
            return self._run(self._inputs(xs)).scores

    @quiet
    def watch(self, xs: AnyArray) -> Watched:
        """xs (1, T, D) -> what the machine did."""
        with all_or_nothing([self.output]):
            run = self._run(self._inputs(xs))
        memories = [step.memory[0] for step in run.steps[1:]] + [run.memory[0]]
        reads, writes = (np.stack([step.stages.sharpened[0, k] for step in run.steps]) for k in range(HEADS))
        return Watched(np.stack(memories), reads, writes)

    @quiet
    def forward(self, xs: AnyArray, ts: AnyArray) -> float:
        """Return the mean loss in nats per bit.

        xs : (N, T, D) real numbers; ts : (N, L, O) bits, 0 or 1, which the last L outputs are to be.
        """
        xs = self._inputs(xs)
        ts = as_array("ts", ts, "bits (N, L, O)")
        (N, T, _), outputs = xs.shape, self.config["output_size"]
        L = ts.shape[1] if ts.ndim == 3 and 1 <= ts.shape[1] <= T else T
        ts = as_float("ts", ts, xs.dtype, (N, L, outputs), "(N, L, O) with L from 1 to T")
        with all_or_nothing([self.output, self]):
            run = self._run(xs)
            said = run.scores[:, T - L :]
            self._cache = (run, said, ts)
            return float((np.logaddexp(0, said) - said * ts).mean()) if ts.size else 0.0

    @quiet
    def backward(self, dout: float = 1) -> None:
        """Compute all gradients of the loss, times dout."""
        run, said, ts = saved(self._cache)
        rate = float(number("dout", dout)) / max(ts.size, 1)
        dscores = np.zeros_like(run.scores)
        dscores[:, dscores.shape[1] - ts.shape[1] :] = (sigmoid(said) - ts) * rate
        self._backward(dscores, run)

    def _inputs(self, xs: AnyArray) -> Array:
        D, dtype = self.config["input_size"], self.params[0].dtype
        shape = as_array("xs", xs, "real numbers (N, T, D)").shape
        wanted = (*shape[:2], D) if len(shape) == 3 and shape[1] else (1, 1, D)
        return as_float("xs", xs, dtype, wanted, "(N, T, D) with T >= 1")

    def _run(self, xs: Array) -> _Run:
        N, T, _ = xs.shape
        memory = np.full((N, self.rows, self.width), _NEW, xs.dtype)
        weights = np.zeros((N, HEADS, self.rows), xs.dtype)
        weights[:, :, 0] = 1  # both heads begin at the first row
        read, steps, seen = np.zeros((N, self.width), xs.dtype), list[_Step](), list[Array]()
        state: State = (None, None)
        for t in range(T):
            x = np.concatenate((xs[:, t], read), axis=1)[:, None]
            hs, state, controller = self.controller.forward(x, state)
            h = hs[:, 0]
            numbers = self._affine(h, self.orders)
            orders = orders_of(numbers, self.width)
            stages, kept = address(memory, weights, orders.asked)
            steps.append(_Step(controller, orders, stages, kept, memory))
            weights = stages.sharpened
            read = np.matmul(weights[:, :1], memory)[:, 0]
            where = weights[:, 1, :, None]
            memory = memory * (1 - where * orders.erase[:, None]) + where * orders.add[:, None]
            seen.append(np.concatenate((h, read), axis=1))
        rows = np.stack(seen, axis=1).reshape(N * T, seen[0].shape[1])
        scores = self.output.forward(rows)
        return _Run(scores.reshape(N, T, scores.shape[1]), steps, memory, rows)

    def _affine(self, x: Array, layer: Affine) -> Array:
        W, b = layer.params
        return self.backend.kernels_for(W).affine_forward(x, W, b)

    def _backward(self, dscores: Array, run: _Run) -> None:
        N, T, outputs = dscores.shape
        H, M = self.config["hidden_size"], self.width
        dseen = self.output.backward(dscores.reshape(N * T, outputs)).reshape(N, T, H + M)
        dmemory = np.zeros((N, self.rows, M), dscores.dtype)
        dweights = np.zeros((N, HEADS, self.rows), dscores.dtype)
        dread = np.zeros((N, M), dscores.dtype)
        dstate: State = (None, None)
        W, _ = self.orders.params
        dnumbers = np.empty((T, N, W.shape[1]), W.dtype)
        for t in reversed(range(T)):
            step = run.steps[t]
            dmemory, dweights, dorders = _use_backward(step, dmemory, dweights, dread + dseen[:, t, H:])
            more, dweights, dasked = address_backward(dweights, step.kept)
            dmemory += more
            dnumbers[t] = orders_backward(dorders._replace(asked=dasked), step.orders)
            dh = dseen[:, t, :H] + np.dot(dnumbers[t], W.T)
            dx, dstate, _ = self.controller.backward(dh[:, None], dstate, step.controller, add=t < T - 1)
            dread = dx[:, 0, -M:]
        dW, db = self.orders.grads
        hs = run.rows.reshape(N, T, H + M)[:, :, :H].transpose(1, 0, 2).reshape(T * N, H)
        kernels = self.backend.kernels_for(W)
        kernels.affine_backward(dnumbers.reshape(T * N, W.shape[1]), hs, W, dW=dW, db=db)

    def named_layers(self) -> list[tuple[str, Any]]:
        """Return (name, layer) for every layer with parameters."""
        return [("controller LSTM", self.controller), ("orders Affine", self.orders), ("output Affine", self.output)]


def _size(name: str, value: object) -> int:
    size = integer(name, value, 1)
    if size > _MOST:
        raise ValueError(f"{name} is {size}, expected 1 to {_MOST:,}")
    return size


def _use_backward(step: _Step, dmemory: Array, dweights: Array, dread: Array) -> tuple[Array, Array, Orders]:
    """Gradients of reading and writing: those after a step -> those of memory, weightings and orders in it."""
    memory, orders, weights = step.memory, step.orders, step.stages.sharpened
    where = weights[:, 1, :, None]
    dwhere = (dmemory * (orders.add[:, None] - memory * orders.erase[:, None])).sum(axis=2)
    derase = -(dmemory * memory * where).sum(axis=1)
    dadd = (dmemory * where).sum(axis=1)
    dbefore = dmemory * (1 - where * orders.erase[:, None]) + weights[:, 0, :, None] * dread[:, None]
    dheads = dweights.copy()
    dheads[:, 0] += np.matmul(memory, dread[:, :, None])[:, :, 0]
    dheads[:, 1] += dwhere
    return dbefore, dheads, Orders(orders.asked, derase, dadd)

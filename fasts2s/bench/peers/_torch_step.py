"""A training step in PyTorch: eager, compiled, compiled with CUDA graphs, or captured as one CUDA graph."""

from collections.abc import Callable
from typing import Any

import torch  # pyright: ignore[reportMissingImports]

from fasts2s.bench.cases import Case
from fasts2s.bench.peer import CURVE, Arrays, numbered, weights_of
from fasts2s.bench.peers import _torch_models as torch_models
from fasts2s.bench.peers._torch_models import host

_CAPTURED = ("reduce-overhead", "graph")
#: Of Adam: the book's.
EPSILON = 1e-7


def new_optimizer(params: list[Any], case: Case, epsilon: float, **form: bool) -> Any:
    """Return the optimiser of a case."""
    if case.adam:
        return torch.optim.Adam(params, lr=0.001, eps=epsilon, **form)
    return torch.optim.SGD(params, lr=20.0, **form)


class Step:
    """A training step of a model, by default with fresh weights, with xs and ts (N, T).

    Attributes
    ----------
    held : list of (h, c)
        The states of the LSTM layers of a language model, carried from step to step, in memory that stays.
    """

    def __init__(self, case: Case, data: Arrays, device: str = "cpu", way: str = "", **form: bool) -> None:
        self.case, self.data, self.device, self.way = case, data, device, way
        self.captures = way == "graph" and device == "cuda"
        with torch.device(device):
            self.model = torch_models.MODELS[case.kind](case["V"], case["D"], case["H"])
        self.model.drops = case.variant != "no dropout"
        self.forward = self._compiled() if way in {"compiled", "reduce-overhead"} else self.model
        self.trained = [p for p in self.model.parameters() if p.requires_grad]  # a tied weight stands there once
        capturable = {"capturable": True} if self.captures and case.adam else {}
        self.optimizer = new_optimizer(self.trained, case, EPSILON, **form, **capturable)
        self.xs, self.ts = (torch.from_numpy(data[name]).to(device) for name in ("xs", "ts"))
        shape = (1, case["N"], case["H"])
        layers = {"Rnnlm": 1, "BetterRnnlm": 2}.get(case.kind, 0)
        self.held = [tuple(torch.zeros(shape, device=device) for _ in "hc") for _ in range(layers)]
        self.slots, self.weights = torch_models.slots(self.model.layers()), weights_of(data)
        self.replay: Callable[[], Any] | None = None
        self.restart()

    def _compiled(self) -> Any:
        if self.way == "compiled":
            return torch.compile(self.model)
        if self.device == "cpu":  # a dry run: the whole of the compiler takes minutes
            return torch.compile(self.model, backend="aot_eager")
        return torch.compile(self.model, mode="reduce-overhead")

    def reset(self) -> None:
        """Set the weights as at the beginning."""
        if self.weights:
            torch_models.fill(self.slots, self.weights)

    def restart(self) -> None:
        """Set weights, slots and states as at the beginning, all in place."""
        self.reset()
        with torch.no_grad():
            for a in (a for slots in self.optimizer.state.values() for a in slots.values()):
                if isinstance(a, torch.Tensor):
                    a.zero_()
            for a in (a for pair in self.held for a in pair):
                a.zero_()
        self.model.states = list(self.held)

    def _keep_states(self) -> None:
        """Copy the states into memory that stays: graphs use theirs again. In eager mode they stay as they are."""
        if self.way in _CAPTURED and self.held:
            with torch.no_grad():
                for pair, came in zip(self.held, self.model.states, strict=True):
                    for mine, a in zip(pair, came, strict=True):
                        mine.copy_(a)
            self.model.states = list(self.held)

    def step(self, look: Any = None) -> Any:
        """Make one step, not from a graph; return the loss. ``look`` is called when the gradients are there."""
        self.optimizer.zero_grad(set_to_none=True)
        if self.way == "reduce-overhead" and self.device == "cuda":
            torch.compiler.cudagraph_mark_step_begin()
        loss = self.forward(self.xs, self.ts)
        loss.backward()
        self._keep_states()
        if look is not None:
            look()
        torch.nn.utils.clip_grad_norm_(self.trained, self.case.max_grad)
        self.optimizer.step()
        return loss.detach()

    def once(self) -> Any:
        """Make one step; return the loss, on the CPU as a number."""
        loss = self.step() if self.replay is None else self.replay()
        return loss if self.device == "cuda" else float(loss)

    def _warm_up(self) -> None:
        """Make what has to be there before a capture: slots, workspaces, tuned kernels. Then begin anew."""
        self.replay = None
        if self.captures:
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):
                    self.step()
            torch.cuda.current_stream().wait_stream(side)
        self.restart()

    def _set_epsilon(self, epsilon: float) -> None:
        for group in self.optimizer.param_groups if self.case.adam else ():
            group["eps"] = epsilon

    def _capture(self, epsilon: float) -> None:
        """Let Adam have this epsilon, and capture a step where the way is to replay it; none is made."""
        self._set_epsilon(epsilon)
        if self.captures:
            self.optimizer.zero_grad(set_to_none=True)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                loss = self.step()
            self.replay = lambda: (graph.replay(), loss)[1]

    def results(self) -> Arrays:
        """Return what the gate compares: the first step, then losses by the way that is timed, with given masks."""
        # PyTorch adds epsilon to the corrected root, the book to the bare one: at step k + 1 they are equal so.
        epsilons = [EPSILON / (1 - 0.999 ** (k + 1)) ** 0.5 for k in range(1 + CURVE)]
        masks = [torch.from_numpy(m).to(self.device).float() for m in weights_of(self.data, "kept")]
        self.model.kept = [m.clone() for m in masks[:3]] or None
        self._set_epsilon(epsilons[0])
        found: Arrays = {}
        loss = self.step(lambda: found.update(self._in_book_order("grad", lambda p: p.grad)))
        found |= {"out_loss": host(loss), **self._in_book_order("param", lambda p: p, tied_twice=True)}
        self._warm_up()
        losses = []
        for k, epsilon in enumerate(epsilons):
            self._capture(epsilon)
            for mask, given in zip(self.model.kept or [], masks[3 * k :], strict=False):
                mask.copy_(given)
            losses.append(float(self.once()))
        if masks:
            self.model.kept = None
            self._warm_up()
        self._capture(EPSILON)
        return {**found, "curve": losses[1:]}

    def _in_book_order(self, prefix: str, part: Any, tied_twice: bool = False) -> Arrays:
        """Return a part of every parameter in the book's layout; a tied weight once, or as often as there."""
        seen: set[int] = set()
        found = []
        for module, p in self.slots:
            if tied_twice or id(p) not in seen:
                found.append(torch_models.to_book(module, host(part(p))))
            seen.add(id(p))
        return numbered(prefix, found)

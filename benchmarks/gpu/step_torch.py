"""Training steps in PyTorch: eager, compiled, compiled with CUDA graphs, and the whole step as one CUDA graph."""

from collections.abc import Callable
from typing import Any

import torch  # pyright: ignore[reportMissingImports]

from fasts2s.bench.peers import _torch_models as torch_models
from gpu.step_cases import RATE, STEPS, Stepper, Work
from gpu.torch_kernels import use_tf32

#: Mode -> what is printed.
MODES = {
    "eager": "torch eager",
    "default": "torch compile",
    "reduce-overhead": "torch reduce-overhead",
    "graph": "torch CUDA graph",
}


class _WithoutDropout(torch_models.BetterRnnlm):
    def _dropout(self, k: int, x: Any) -> Any:
        return x


class TorchStep:
    """One model in one mode.

    Attributes
    ----------
    held : list of (h, c)
        The states of the LSTM layers of a language model, carried from step to step, in memory that stays.
    """

    def __init__(self, work: Work, mode: str, device: str) -> None:
        self.work, self.mode, self.device = work, mode, device
        self._captures = mode == "graph" and device == "cuda"
        if device == "cpu":
            torch.set_num_threads(1)  # for tiny sizes
        case = work.case
        better = case.kind == "BetterRnnlm" and not work.dropout
        with torch.device(device):
            self.model = (_WithoutDropout if better else torch_models.MODELS[case.kind])(
                case["V"], case["D"], case["H"]
            )
        self.forward = self._compiled()
        self.trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = self._optimizer()
        self.xs, self.ts = self._up(work.xs), self._up(work.ts)
        layers = {"Rnnlm": 1, "BetterRnnlm": 2}.get(case.kind, 0)
        shape = (1, case["N"], case["H"])
        self.held = [tuple(torch.zeros(shape, device=device) for _ in "hc") for _ in range(layers)]
        self.masks = [self._up(m).float() for m in work.masks[0]] if work.dropout else []
        self._replay: Callable[[], Any] | None = None
        self._slots = torch_models.slots(self.model)
        self._weights = [
            self._up(torch_models.from_book(module, weight))
            for (module, _), weight in zip(self._slots, work.weights, strict=True)
        ]
        self.reset()

    def _up(self, a: Any) -> Any:
        return torch.from_numpy(a).to(self.device)

    def _compiled(self) -> Any:
        if self.mode not in {"default", "reduce-overhead"}:
            return self.model
        if self.device == "cpu":  # --dry: the whole of the compiler takes minutes
            return torch.compile(self.model, backend="aot_eager")
        return torch.compile(self.model, mode=self.mode)

    def _optimizer(self) -> Any:
        if not self.work.case.adam:
            return torch.optim.SGD(self.trained, lr=RATE, fused=True)
        return torch.optim.Adam(self.trained, lr=0.001, fused=True, capturable=self._captures)

    def _hand_states(self, states: list[Any]) -> None:
        if len(states) == 1:
            self.model.state = states[0]
        elif states:
            self.model.states = list(states)

    def reset(self) -> None:
        """Set weights, slots and states as at the beginning, in place: a captured graph holds their addresses."""
        use_tf32(False)
        with torch.no_grad():
            for (_, p), weight in zip(self._slots, self._weights, strict=True):
                p.copy_(weight)
            for slots in self.optimizer.state.values():
                for a in slots.values():
                    if isinstance(a, torch.Tensor):
                        a.zero_()
            for a in (a for pair in self.held for a in pair):
                a.zero_()
        self._hand_states(self.held)

    def _keep_states(self) -> None:
        """Copy the states into memory that stays: graphs use theirs again. In eager mode they stay as they are."""
        if self.mode == "eager" or not self.held:
            return
        states = [self.model.state] if len(self.held) == 1 else self.model.states
        with torch.no_grad():
            for pair, came in zip(self.held, states, strict=True):
                for mine, a in zip(pair, came, strict=True):
                    mine.copy_(a)
        self._hand_states(self.held)

    def step(self) -> Any:
        """Make one step, not from a graph; return the loss."""
        self.optimizer.zero_grad(set_to_none=True)
        if self.mode == "reduce-overhead":
            torch.compiler.cudagraph_mark_step_begin()
        loss = self.forward(self.xs, self.ts)
        loss.backward()
        self._keep_states()
        torch.nn.utils.clip_grad_norm_(self.trained, self.work.case.max_grad)
        self.optimizer.step()
        return loss.detach()

    def once(self) -> Any:
        """Make one step; return the loss."""
        return self.step() if self._replay is None else self._replay()

    def _warm_up(self) -> None:
        """Make what has to be there before a capture: slots, workspaces, tuned kernels. Then begin anew."""
        self._replay = None
        if self._captures:
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):
                    self.step()
            torch.cuda.current_stream().wait_stream(side)
        self.reset()

    def _capture(self, epsilon: float) -> None:
        """Let steps have this epsilon of Adam, and capture one where the mode is to replay it; none is made."""
        for group in self.optimizer.param_groups:
            if "eps" in group:
                group["eps"] = epsilon
        if not self._captures:
            return
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            loss = self.step()

        def replay() -> Any:
            graph.replay()
            return loss

        self._replay = replay

    def losses(self) -> list[float]:
        """Return the losses of the first steps, with the given masks; then be ready with PyTorch's own dropout."""
        if self.masks:
            self.model.kept = self.masks
        self._warm_up()
        found = []
        for k in range(STEPS):
            # PyTorch adds epsilon to the corrected root, the book to the bare one: at step k + 1 they are equal so.
            self._capture(1e-7 / (1 - 0.999 ** (k + 1)) ** 0.5)
            for mask, given in zip(self.masks, self.work.masks[k] if self.masks else [], strict=True):
                mask.copy_(self._up(given))
            found.append(float(self.once()))
        if self.masks:
            self.model.kept = None
            self._warm_up()
        self._capture(1e-7)
        return found


def make(work: Work, mode: str, device: str) -> Stepper:
    """Return a step in a mode."""
    one = TorchStep(work, mode, device)
    note = {"eager": "fused optimiser", "graph": "the whole step captured once"}.get(mode, "")
    return Stepper(MODES[mode], one.once, one.losses, one.reset, note)


def launches(once: Callable[[], Any]) -> int | None:
    """Return how many kernels a step starts, as the profiler of PyTorch sees them; None where it sees none."""
    profiler: Any = torch.profiler
    try:
        with profiler.profile(activities=[profiler.ProfilerActivity.CUDA]) as seen:
            once()
            torch.cuda.synchronize()
        device = torch.autograd.DeviceType.CUDA
        found = [e for e in seen.events() if e.device_type == device and not getattr(e, "is_user_annotation", False)]
    except Exception:  # it needs rights that a container may lack
        return None
    return sum(not e.name.startswith(("Memcpy", "Memset", "Optimizer.")) for e in found) or None

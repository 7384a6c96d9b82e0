"""PyTorch in its best mode, on the CPU or on a GPU.

On the CPU the better number of threads and the faster form of the optimiser are tried out. On a GPU (``cuda``) each
way of using it is a contestant of its own: eager, ``compiled``, ``reduce-overhead`` (compiled, with CUDA graphs),
``graph`` (the whole step captured once), and for LSTMs other precisions: ``tf32``, ``fp16``.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import torch  # pyright: ignore[reportMissingImports]

from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays, Option, Peer, Runnable, UnsupportedError, numbered, thread_choices, weights_of
from fasts2s.bench.peers import _torch_models as torch_models
from fasts2s.bench.peers._torch_models import host
from fasts2s.bench.peers._torch_step import EPSILON, Step, new_optimizer

_PRECISIONS = ("tf32", "fp16")


class Torch(Peer):
    """PyTorch used in one way: words are ``cuda``, and one of the ways above."""

    def __init__(self, threads: int, *words: str) -> None:
        super().__init__(threads, *words)
        self.on_gpu = "cuda" in words
        self.way = next((word for word in words if word != "cuda"), "")
        self.device = "cuda" if self.on_gpu and torch.cuda.is_available() else "cpu"
        if self.on_gpu and self.device == "cpu" and not import_module("fasts2s.bench.peers.gpu").is_stand_in():
            raise UnsupportedError(f"this PyTorch, {torch.__version__}, finds no GPU")
        use_tf32(self.way == "tf32")

    def versions(self) -> dict[str, str]:
        """Return the version of PyTorch."""
        cuda = {"torch's CUDA": f"{torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"}
        return {"torch": str(torch.__version__), **(cuda if self.device == "cuda" else {})}

    def options(self, case: Case) -> list[Option]:
        """Return numbers of threads, and for a step the forms of the optimiser; on a GPU the fused one."""
        if self.on_gpu:
            return [{}]
        forms: list[Option] = [{}]
        if case.is_step:
            forms = [{"fused": True}] if self.way else [{"fused": True}, {"foreach": True}]
        return [{"threads": n, **form} for n in thread_choices(self.threads) for form in forms]

    def use(self, option: Option) -> None:
        """Set the number of threads."""
        torch.set_num_threads(option.get("threads", 1))

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        maker = {"lstm": self._lstm, "softmax": self._softmax, "embedding": self._embedding, "update": self._update}
        if case.group == "kernels" or (not case.is_step and case.kind not in maker):
            raise UnsupportedError("not written for PyTorch")
        if self.on_gpu and self.way and not (case.kind == "lstm" if self.way in _PRECISIONS else case.is_step):
            raise UnsupportedError(f"{self.way} is for {'LSTMs' if self.way in _PRECISIONS else 'steps'}")
        torch.manual_seed(0)
        if case.is_step:
            form = {k: v for k, v in option.items() if k != "threads"} or {"fused": True}
            step = Step(case, data, self.device, self.way, **form)
            return Runnable(step.once, step.results, step.reset)
        return maker[case.kind](case, data)

    def _up(self, a: Any) -> Any:
        return torch.from_numpy(a).to(self.device)

    def _maybe_compiled(self, f: Any) -> Any:
        return torch.compile(f) if self.way == "compiled" else f

    def _lstm(self, case: Case, data: Arrays) -> Runnable:
        layer = torch_models.new_lstm(case["D"], case["H"])
        layer.batch_first = not self.on_gpu  # the layout of cuDNN is the other one, and this one costs a copy
        slots = torch_models.slots([layer])
        torch_models.fill(slots, weights_of(data))
        dtype = torch.float16 if self.way == "fp16" else torch.float32
        layer.to(device=self.device, dtype=dtype)
        params = [p for _, p in slots]
        order = (1, 0, 2) if self.on_gpu else (0, 1, 2)
        xs, dhs = (self._up(data[name]).permute(order).contiguous().to(dtype) for name in ("xs", "dhs"))
        xs.requires_grad_()
        forward = self._maybe_compiled(layer)

        def both() -> Any:
            hs, _ = forward(xs)
            return hs, torch.autograd.grad(hs, [xs, *params], dhs)

        def results() -> Arrays:
            hs, (dxs, *grads) = both()
            found = [torch_models.to_book(layer, host(g)) for g in grads]
            arrays = {"out_hs": host(hs).transpose(order), "grad_xs": host(dxs).transpose(order)}
            return arrays | numbered("grad", found)

        return Runnable(partial(forward, xs) if case.variant == "forward" else both, results)

    def _softmax(self, case: Case, data: Arrays) -> Runnable:
        xs, ts = self._up(data["xs"]).requires_grad_(), self._up(data["ts"])
        loss_of = self._maybe_compiled(torch_models.loss_of)

        def once() -> tuple[Any, Any]:
            loss = loss_of(xs, ts)
            return loss.detach(), torch.autograd.grad(loss, [xs])[0]

        return Runnable(once, lambda: dict(zip(("out_loss", "grad_xs"), map(host, once()), strict=True)))

    def _embedding(self, case: Case, data: Arrays) -> Runnable:
        weight, dout = self._up(weights_of(data)[0]).requires_grad_(), self._up(data["dout"])
        out = torch.nn.functional.embedding(self._up(data["xs"]), weight)

        once = partial(torch.autograd.grad, out, [weight], dout, retain_graph=True)
        return Runnable(once, lambda: {"out": host(out), **numbered("grad", map(host, once()))})

    def _update(self, case: Case, data: Arrays) -> Runnable:
        params = [torch.zeros(g.shape, device=self.device, requires_grad=True) for g in weights_of(data, "given")]
        for p, g in zip(params, weights_of(data, "given"), strict=True):
            p.grad = self._up(g)
        # PyTorch adds epsilon to the corrected root: this is the book's at the first step, which the gate looks at.
        optimizer = new_optimizer(params, case, EPSILON / (1 - 0.999) ** 0.5, fused=True)

        def update() -> None:
            torch.nn.utils.clip_grad_norm_(params, case.max_grad)
            optimizer.step()

        def results() -> Arrays:
            update()
            return numbered("param", map(host, params))

        return Runnable(update, results)


def use_tf32(on: bool) -> None:
    """Allow products in TF32 on a GPU, or forbid them everywhere."""
    precision = "tf32" if on else "ieee"
    if hasattr(torch.backends.cuda.matmul, "fp32_precision"):  # from 2.9 on
        torch.backends.cuda.matmul.fp32_precision = precision
        for part in (torch.backends.cudnn.rnn, torch.backends.cudnn.conv):
            part.fp32_precision = precision
    else:
        torch.backends.cuda.matmul.allow_tf32 = on
        torch.backends.cudnn.allow_tf32 = on


def fresh_step(case: Case, data: Arrays) -> Callable[[], Any]:
    """Return the function that makes one step of a new model on the CPU."""
    return Step(case, data).once

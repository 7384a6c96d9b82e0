"""PyTorch in its best mode: eager or compiled, the better number of threads, the faster form of the optimiser."""

from functools import partial
from typing import Any

import torch  # pyright: ignore[reportMissingImports]

from fasts2s.bench.cases import Case
from fasts2s.bench.peer import (
    Arrays,
    Option,
    Runnable,
    UnsupportedError,
    nothing,
    numbered,
    thread_choices,
    weights_of,
)
from fasts2s.bench.peers import _torch_models as torch_models


class Torch:
    """PyTorch on the CPU."""

    def __init__(self, threads: int, compiled: bool = False) -> None:
        self.threads, self.compiled = threads, compiled

    def versions(self) -> dict[str, str]:
        """Return the version of PyTorch."""
        return {"torch": str(torch.__version__)}

    def options(self, case: Case) -> list[Option]:
        """Return numbers of threads, and for a step the forms of the optimiser; compiled steps take the fused one."""
        forms: list[Option] = [{}]
        if case.is_step:
            forms = [{"fused": True}] if self.compiled else [{"fused": True}, {"foreach": True}]
        return [{"threads": n, **form} for n in thread_choices(self.threads) for form in forms]

    def build(self, case: Case, data: Arrays, option: Option) -> Runnable:
        """Make a case ready. Raises UnsupportedError."""
        torch.set_num_threads(option["threads"])
        torch.manual_seed(0)
        if case.is_step:
            made = self._step(case, data, {k: v for k, v in option.items() if k != "threads"})
        elif case.kind == "lstm":
            made = self._lstm(case, data)
        elif case.kind == "softmax":
            made = self._softmax(data)
        elif case.kind == "embedding":
            made = _embedding(case, data)
        else:
            raise UnsupportedError("not written for PyTorch")
        reset = made.reset
        made.reset = lambda: (torch.set_num_threads(option["threads"]), reset())[1]
        return made

    def _maybe_compiled(self, f: Any) -> Any:
        return torch.compile(f) if self.compiled else f

    def _lstm(self, case: Case, data: Arrays) -> Runnable:
        layer = torch_models.new_lstm(case["D"], case["H"])
        params = torch_models.own_parameters(layer)
        _fill(zip([layer] * 3, params, strict=True), weights_of(data))
        xs, dhs = torch.from_numpy(data["xs"]).requires_grad_(), torch.from_numpy(data["dhs"])
        forward = self._maybe_compiled(layer)

        def once() -> Any:
            xs.grad = None
            for p in params:
                p.grad = None
            hs, _ = forward(xs)
            hs.backward(dhs)
            return hs.detach()

        def results() -> Arrays:
            hs = once()
            grads = [torch_models.to_book(layer, p.grad.numpy()) for p in params]
            return {"out_hs": hs.numpy(), "grad_xs": xs.grad.numpy(), **numbered("grad", grads)}

        return Runnable(lambda: _ignore(once()), results, nothing)

    def _softmax(self, data: Arrays) -> Runnable:
        xs, ts = torch.from_numpy(data["xs"]).requires_grad_(), torch.from_numpy(data["ts"])
        loss_of = self._maybe_compiled(torch_models.loss_of)

        def once() -> float:
            xs.grad = None
            loss = loss_of(xs, ts)
            loss.backward()
            return float(loss.detach())

        return Runnable(once, lambda: {"out_loss": once(), "grad_xs": xs.grad.numpy()}, nothing)

    def _step(self, case: Case, data: Arrays, form: Option) -> Runnable:
        model = torch_models.MODELS[case.kind](case["V"], case["D"], case["H"])
        slots, weights = torch_models.slots(model), weights_of(data)
        _fill(slots, weights)
        once = fresh_step(case, data, model, self._maybe_compiled(model), **form)

        def results() -> Arrays:
            if case.kind == "BetterRnnlm":
                model.kept = [torch.from_numpy(data[f"kept_{k:02d}"]) for k in range(3)]
            kept: Arrays = {}
            loss = once(lambda: kept.update(_in_book_order(slots, "grad", lambda p: p.grad)))
            model.kept = None
            # PyTorch's Adam puts its epsilon elsewhere: only the updates of SGD can be compared.
            updated = {} if case.adam else _in_book_order(slots, "param", lambda p: p.detach(), tied_twice=True)
            return {"out_loss": loss, **kept, **updated}

        return Runnable(once, results, lambda: _fill(slots, weights))


def _ignore(_: Any) -> None:
    return None


def _fill(slots: Any, weights: list[Any]) -> None:
    """Copy the book's weights into the parameters."""
    with torch.no_grad():
        for (module, p), weight in zip(slots, weights, strict=True):
            p.copy_(torch.from_numpy(torch_models.from_book(module, weight)))


def fresh_step(case: Case, data: Arrays, model: Any = None, forward: Any = None, **form: bool) -> Any:
    """Return the function that makes one training step of a model, by default a new one, with xs and ts (N, T).

    ``forward`` is the model or its compiled form; ``form`` goes to the optimiser. What is given to the function as
    ``look`` is called when the gradients are there.
    """
    if model is None:
        model = torch_models.MODELS[case.kind](case["V"], case["D"], case["H"])
    forward = model if forward is None else forward
    trained = [p for p in model.parameters() if p.requires_grad]  # a tied weight stands there once
    make: Any = partial(torch.optim.Adam, lr=0.001, eps=1e-7) if case.adam else partial(torch.optim.SGD, lr=20.0)
    optimizer = make(trained, **form)
    xs, ts = torch.from_numpy(data["xs"]), torch.from_numpy(data["ts"])

    def once(look: Any = None) -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = forward(xs, ts)
        loss.backward()
        if look is not None:
            look()
        torch.nn.utils.clip_grad_norm_(trained, case.max_grad)
        optimizer.step()
        return float(loss.detach())

    return once


def _in_book_order(slots: Any, prefix: str, part: Any, tied_twice: bool = False) -> Arrays:
    """Return a part of every parameter in the book's layout; a tied weight once, or as often as the book has it."""
    seen: set[int] = set()
    found = []
    for module, p in slots:
        if tied_twice or id(p) not in seen:
            found.append(torch_models.to_book(module, part(p).numpy()))
        seen.add(id(p))
    return numbered(prefix, found)


def _embedding(case: Case, data: Arrays) -> Runnable:
    layer = torch.nn.Embedding(case["V"], case["D"])
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights_of(data)[0]))
    xs, dout = torch.from_numpy(data["xs"]), torch.from_numpy(data["dout"])
    out = layer(xs)

    def once() -> None:
        layer.weight.grad = None
        out.backward(dout, retain_graph=True)

    def results() -> Arrays:
        once()
        return {"out": out.detach().numpy(), "grad_00": layer.weight.grad.numpy()}

    return Runnable(once, results, nothing)

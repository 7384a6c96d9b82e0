"""PyTorch's side of gpu_kernels.py: nn.LSTM (cuDNN), cross_entropy, embedding, clip_grad_norm_ and its optimisers."""

from functools import partial
from typing import Any

import torch  # pyright: ignore[reportMissingImports]

from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays, numbered, weights_of
from fasts2s.bench.peers import _torch_models as torch_models
from gpu.kernel_cases import RATE
from gpu.our_kernels import Made


def use_tf32(on: bool) -> None:
    """Allow products in TF32, or forbid them everywhere."""
    precision = "tf32" if on else "ieee"
    if hasattr(torch.backends.cuda.matmul, "fp32_precision"):  # from 2.9 on
        torch.backends.cuda.matmul.fp32_precision = precision
        for part in (torch.backends.cudnn.rnn, torch.backends.cudnn.conv):
            part.fp32_precision = precision
    else:
        torch.backends.cuda.matmul.allow_tf32 = on
        torch.backends.cudnn.allow_tf32 = on


def make(case: Case, data: Arrays, device: str) -> list[Made]:
    """Return PyTorch's contestants of a case; the first one is the peer of the goals."""
    if case.kind == "lstm":
        return [_lstm(data, precision, device) for precision in ("fp32", "tf32", "fp16")]
    return [{"softmax": _softmax, "embedding": _embedding}.get(case.kind, _update)(case, data, device)]


def _host(a: Any) -> Any:
    return a.detach().float().cpu().numpy()


def _lstm(data: Arrays, precision: str, device: str) -> Made:
    D, H = data["xs"].shape[2], data["dhs"].shape[2]
    layer = torch_models.new_lstm(D, H)
    layer.batch_first = False  # the layout of cuDNN: the other one costs a copy
    params = torch_models.own_parameters(layer)
    with torch.no_grad():
        for p, weight in zip(params, weights_of(data), strict=True):
            p.copy_(torch.from_numpy(torch_models.from_book(layer, weight)))
    dtype = torch.float16 if precision == "fp16" else torch.float32
    layer.to(device=device, dtype=dtype)
    params = torch_models.own_parameters(layer)
    xs, dhs = (torch.from_numpy(data[name]).transpose(0, 1).contiguous().to(device, dtype) for name in ("xs", "dhs"))
    xs.requires_grad_()

    def both() -> Any:
        hs, _ = layer(xs)
        return hs, torch.autograd.grad(hs, [xs, *params], dhs)

    def results() -> Arrays:
        hs, (dxs, *grads) = both()
        found = [torch_models.to_book(layer, _host(g)) for g in grads]
        return {
            "out_hs": _host(hs).swapaxes(0, 1), "grad_xs": _host(dxs).swapaxes(0, 1), **numbered("grad", found),
        }  # fmt: skip

    label = f"nn.LSTM {precision}"
    note = "" if precision == "fp32" else "another precision than ours"
    before = partial(use_tf32, precision == "tf32")
    return Made(label, precision, {"forward": lambda: layer(xs), "both": both}, results, before, note)


def _softmax(case: Case, data: Arrays, device: str) -> Made:
    xs = torch.from_numpy(data["xs"]).to(device).requires_grad_()
    ts = torch.from_numpy(data["ts"]).to(device)

    def step() -> Any:
        loss = torch_models.loss_of(xs, ts)
        return loss, torch.autograd.grad(loss, [xs])[0]

    def both() -> Any:
        return step()[0].detach()

    def results() -> Arrays:
        loss, dxs = step()
        return {"out_loss": _host(loss), "grad_xs": _host(dxs)}

    return Made("cross_entropy", "fp32", {"both": both}, results, partial(use_tf32, False))


def _embedding(case: Case, data: Arrays, device: str) -> Made:
    weight = torch.from_numpy(weights_of(data)[0]).to(device).requires_grad_()
    dout = torch.from_numpy(data["dout"]).to(device)
    out = torch.nn.functional.embedding(torch.from_numpy(data["xs"]).to(device), weight)

    def backward() -> Any:
        return torch.autograd.grad(out, [weight], dout, retain_graph=True)[0]

    return Made("embedding", "fp32", {"backward": backward}, lambda: numbered("grad", [_host(backward())]))


def _update(case: Case, data: Arrays, device: str) -> Made:
    params = [torch.zeros(data[name].shape, device=device, requires_grad=True) for name in sorted(data)]
    for p, name in zip(params, sorted(data), strict=True):
        p.grad = torch.from_numpy(data[name]).to(device)
    if case.kind == "Adam":
        # PyTorch adds epsilon to the corrected root: this is ours at the first step, which the gate looks at.
        epsilon = 1e-7 / (1 - 0.999) ** 0.5
        optimizer: Any = torch.optim.Adam(params, lr=RATE["Adam"], eps=epsilon, fused=True)
    else:
        optimizer = torch.optim.SGD(params, lr=RATE["SGD"], fused=True)

    def update() -> None:
        torch.nn.utils.clip_grad_norm_(params, case.max_grad)
        optimizer.step()

    def results() -> Arrays:
        update()
        return numbered("param", [_host(p) for p in params])

    return Made(f"clip_grad_norm_, {case.kind}", "fp32", {"update": update}, results, note="fused")

"""Cases of gpu_kernels.py, their data, and their float64 references."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.bench import data as suite_data
from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays, numbered, read_data
from fasts2s_kernels.backends import numpy as kernels

LSTM_SHAPES = ((128, 7, 16, 128), (128, 29, 16, 128), (20, 35, 100, 100), (128, 29, 16, 256), (20, 35, 650, 650))
#: Parameters of Seq2seq on addition (H=128) and of BetterRnnlm (H=650), the tied matrix once.
_SEQ2SEQ = ((13, 16), (16, 512), (128, 512), (512,), (13, 16), (16, 512), (128, 512), (512,), (128, 13), (13,))
_BETTER = ((10000, 650), (650, 2600), (650, 2600), (2600,), (650, 2600), (650, 2600), (2600,), (10000,))
UPDATES = {"Adam": (_SEQ2SEQ, 5.0), "SGD": (_BETTER, 0.25)}
RATE = {"Adam": 0.001, "SGD": 20.0}


def _lstm(*shape: int) -> Case:
    return Case("lstm " + "x".join(map(str, shape)), "lstm", "lstm", dict(zip("NTDH", shape, strict=True)))


CASES = (
    *(_lstm(*shape) for shape in LSTM_SHAPES),
    Case("softmax 640x13", "loss", "softmax", {"N": 128, "T": 5, "V": 13}),
    Case("softmax 700x10000", "loss", "softmax", {"N": 20, "T": 35, "V": 10000}),
    Case("embedding 700 ids, D=100", "embedding", "embedding", {"N": 20, "T": 35, "V": 10000, "D": 100}),
    Case("embedding 700 ids, D=650", "embedding", "embedding", {"N": 20, "T": 35, "V": 10000, "D": 650}),
    Case("Adam, Seq2seq H=128", "update", "Adam", max_grad=UPDATES["Adam"][1]),
    Case("SGD, BetterRnnlm H=650", "update", "SGD", max_grad=UPDATES["SGD"][1]),
)
GROUPS = tuple(dict.fromkeys(case.group for case in CASES))
#: Sizes of --dry, at most.
_TINY = {"N": 3, "T": 3, "D": 5, "H": 8, "V": 40}


def modes(case: Case) -> tuple[str, ...]:
    """Return what is timed of a case: the name of an attribute of Made."""
    return {"lstm": ("forward", "both"), "softmax": ("both",), "embedding": ("backward",)}.get(case.kind, ("update",))


def tiny(case: Case) -> Case:
    """Return a case with sizes for --dry."""
    return replace(case, sizes={k: min(n, _TINY[k]) for k, n in case.sizes.items()})


def make(case: Case, folder: Path, dry: bool) -> tuple[Arrays, Arrays]:
    """Return the data of a case and its reference in float64."""
    if case.group == "update":
        return _update(case, dry)
    reference = suite_data.make(case, folder)
    if case.kind == "embedding":
        reference.pop("out")  # only backward is measured
    return read_data(case, folder), reference


def _update(case: Case, dry: bool) -> tuple[Arrays, Arrays]:
    """Return gradients, and what parameters of zero are after one clipped update: nothing hides a wrong one."""
    rng, shapes = np.random.default_rng(3), UPDATES[case.kind][0]
    if dry:
        shapes = tuple(tuple(min(n, 20) for n in shape) for shape in shapes)
    grads = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    wide: list[Any] = [g.astype(np.float64) for g in grads]
    params = [np.zeros_like(g) for g in wide]
    kernels.clip_grads(wide, case.max_grad)
    if case.kind == "Adam":
        slots = [[np.zeros_like(g) for g in wide] for _ in range(2)]
        kernels.adam_update(params, wide, *slots, lr=RATE["Adam"], beta1=0.9, beta2=0.999, step=1)
    else:
        kernels.sgd_update(params, wide, lr=RATE["SGD"])
    return numbered("grad", grads), numbered("param", params)

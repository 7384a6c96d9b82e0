"""Arrays beside memory that must not be touched: one element too far, and the process dies of it at once.

An array lies at the end of its pages, before one that cannot be accessed, or at their beginning, after one. Inputs
are read-only to the processor too. While kernels run, NumPy makes all arrays that way: outputs, caches, working
memory.
"""

import ctypes
import mmap
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from fasts2s.testing import TOLERANCES, assert_close
from fasts2s_kernels import load
from fasts2s_kernels.cpu import memory as _memory
from tests.kernels.cpu.training import kernels, parallel_always
from tests.kernels.ops import OPS, Arrays, Op, cast, host, projection

PAGE = mmap.PAGESIZE
_NO_ACCESS, _READ = 0, 1  # PROT_NONE, PROT_READ


@cache
def _mprotect() -> Any:
    function = ctypes.CDLL(None, use_errno=True).mprotect
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return function


def _protect(address: int, size: int, access: int) -> None:
    if _mprotect()(address, size, access):
        raise OSError(ctypes.get_errno(), "mprotect")


class Place:
    """Where arrays lie: at the end or the beginning of their pages, and how far apart their rows are.

    ``gap`` numbers lie between the rows of an array of several dimensions, ``shift`` bytes between it and the page
    that cannot be accessed.
    """

    def __init__(self, at_end: bool, gap: int = 0, shift: int = 0) -> None:
        self.at_end, self.gap, self.shift = at_end, gap, shift

    def memory(self, size: int) -> tuple[Any, int, int]:
        """Return size bytes, and address and size of the pages that hold them."""
        inner = -(-(size + self.shift) // PAGE) * PAGE
        pages = mmap.mmap(-1, inner + 2 * PAGE)
        first = ctypes.addressof(ctypes.c_char.from_buffer(pages))
        _protect(first, PAGE, _NO_ACCESS)
        _protect(first + PAGE + inner, PAGE, _NO_ACCESS)
        start = PAGE + (inner - size - self.shift if self.at_end else self.shift)
        return np.frombuffer(pages, np.uint8)[start : start + size], first + PAGE, inner

    def empty(self, shape: Any, dtype: Any = float) -> Any:
        """Return an array in C order, filled with NaN where it can be."""
        wanted = np.dtype(dtype)
        shape = tuple(shape) if isinstance(shape, tuple | list) else (int(shape),)
        size = int(np.prod(shape, dtype=np.int64)) * wanted.itemsize
        if not size or wanted.kind not in "fiub":
            return _plain["empty"](shape, wanted)
        a = self.memory(size)[0].view(wanted).reshape(shape)
        if wanted.kind == "f":
            a.fill(np.nan)
        return a

    def put(self, a: Any, writable: bool = False) -> Any:
        """Return a copy of an input, which cannot be written to; of a gradient buffer, full of NaN, one that can."""
        a = np.asarray(a)
        if not a.size:
            return a
        turned = a.flags.f_contiguous and not a.flags.c_contiguous
        a = a.T if turned else a
        gap = self.gap if a.ndim > 1 else 0
        wide = (*a.shape[:-1], a.shape[-1] + gap)
        bytes_, pages, inner = self.memory(int(np.prod(wide)) * a.itemsize)
        whole = bytes_.view(a.dtype).reshape(wide)
        copy = whole[..., gap:] if self.at_end else whole[..., : a.shape[-1]]
        copy[...] = a
        if not writable and (a.dtype.kind != "f" or not np.isnan(a).all()):
            _protect(pages, inner, _READ)
            copy.flags.writeable = False
        return copy.T if turned else copy


_plain: dict[str, Callable[..., Any]] = {name: getattr(np, name) for name in ("empty", "zeros", "ones", "full")}


@contextmanager
def arrays_at(place: Place) -> Iterator[None]:
    """Let NumPy make arrays there."""

    def filled(value: Any) -> Callable[..., Any]:
        def make(shape: Any, dtype: Any = float, order: str = "C") -> Any:
            a = place.empty(shape, dtype)
            a[...] = value
            return a

        return make

    before, _memory.FROM = _memory.FROM, sys.maxsize  # each array its own pages
    np.empty = lambda shape, dtype=float, order="C": place.empty(shape, dtype)
    np.zeros, np.ones = filled(0), filled(1)
    np.full = lambda shape, value, dtype=None, order="C": filled(value)(shape, dtype or np.asarray(value).dtype)
    try:
        yield
    finally:
        _memory.FROM = before
        for name, function in _plain.items():
            setattr(np, name, function)


class Guarded:
    """Kernels that see guarded arrays only."""

    def __init__(self, place: Place) -> None:
        self._kernels, self._place = kernels(), place

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernels, name)

    def asarray(self, a: Any) -> Any:
        """Copy an input to its place."""
        return self._place.put(a)


PLACES = {
    "end": Place(True),
    "beginning": Place(False),
    "end, rows apart": Place(True, gap=3),
    "beginning, rows apart": Place(False, gap=5),
    "odd address": Place(True, shift=1),
}

_H = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 130)
_D = (7, 1, 16, 33, 3, 17, 65, 2, 15, 1, 31, 5, 64, 4, 13, 32, 70)
_N = (1, 2, 3, 4, 5, 7, 25, 13, 1, 3, 49, 2, 6, 24, 1, 97, 3)
_T = (1, 3, 2, 5, 1, 2, 4, 11, 7, 2, 1, 3, 2, 3, 1, 3, 2)
_WIDE = (1, 13, 65, 2, 15, 16, 17, 31, 33, 7, 64, 63, 130, 257, 5, 8, 1000)
#: N, T, D, H and V of few rows with many units.
_LONG_ROWS = [(1, 4, 5, 403, 20), (2, 3, 9, 450, 30)]
_RECURRENT: list[tuple[int, ...]] = list(zip(_N, _T, _D, _H, strict=True))
#: Odd sizes around whole vectors, panels of columns, and blocks of rows of every processor.
SIZES: dict[str, list[tuple[int, ...]]] = {
    "lstm": [*_RECURRENT, *(sizes[:4] for sizes in _LONG_ROWS)],
    "lstm_ids": _RECURRENT,
    "gru": _RECURRENT,
    "rnn": _RECURRENT,
    "affine": [(r, d, m) for r, d, m in zip((*_N[:-1], 300), _D, _WIDE, strict=True)] + [(3, 300, 2), (257, 3, 65)],
    "embedding": list(zip(_N, _T, _WIDE, _H, strict=True)),
    "softmax_loss": list(zip(_N, _WIDE, strict=True)),
    "attention": _RECURRENT,
}


def _compare(name: str, found: Arrays, wanted: Arrays, kind: str) -> None:
    # Of a few numbers that cancel one another the relative error says nothing: their scale is that of all results.
    floor = max(float(np.abs(a).max(initial=0)) for a in wanted.values()) * 1e-2
    for key, a in wanted.items():
        if np.linalg.norm(a) > floor:
            assert_close(f"{key} of {name}", found[key], a, kind)
        else:
            assert np.abs(found[key] - a).max(initial=0) <= TOLERANCES[kind][0] * max(floor, 1), f"{key} of {name}"


def _check(op: Op, sizes: tuple[int, ...], place: Place, seed: int) -> None:
    rng, exact = np.random.default_rng([seed, *sizes]), load("numpy")
    inputs = cast(op.case(rng, sizes), np.float32)
    kept = {k: a for k, a in inputs.items() if seed == 0 or k in _NEEDED or rng.random() < 0.6}
    double = cast(kept, np.float64)
    outputs, cache = op.run(exact, double)
    douts = projection(rng, op, outputs, np.float32)
    if len(douts) > 1:
        douts = {k: d for k, d in douts.items() if seed == 0 or rng.random() < 0.7}
    wanted = host(exact, outputs)
    gradients = host(exact, op.back(exact, double, cache, {k: d.astype(np.float64) for k, d in douts.items()}))
    guarded: Any = Guarded(place)
    with arrays_at(place):
        outputs, cache = op.run(guarded, kept)
        found = op.back(guarded, kept, cache, douts)
    name = f"{op.name} {sizes}"
    _compare(name, host(exact, outputs), wanted, "forward float32")
    _compare(name, host(exact, found), gradients, "gradient float32")


_NEEDED = ("table", "xs", "Wx", "Wh", "x", "W", "ids", "ts", "hs_enc", "hs_dec")


def operations(place: str, workers: int, seed: int) -> int:
    """Run all operations in guarded memory; return how many cases."""
    parallel_always(workers)
    cases = [(op, sizes) for op in OPS for sizes in SIZES[op.name]]
    for op, sizes in cases:
        print(op.name, sizes, flush=True)  # who dies has said of what
        _check(op, sizes, PLACES[place], seed)
    return len(cases)


def whole_sequences(place: str, workers: int, seed: int) -> int:
    """Read and answer in guarded memory; return how many cases."""
    parallel_always(workers)
    cases = [*zip(_N, _T, _D, _H, _WIDE, strict=True), *_LONG_ROWS]
    for sizes in cases:
        print("lstm_encode, lstm_greedy", sizes, flush=True)
        _check_sequences(sizes, PLACES[place], np.random.default_rng([seed, *sizes]))
    return len(cases)


def _check_sequences(sizes: tuple[int, ...], place: Place, rng: np.random.Generator) -> None:
    N, T, D, H, V = sizes
    shapes = {"W": (V, D), "Wx": (D, 4 * H), "Wh": (H, 4 * H), "b": (4 * H,), "h": (N, H), "c": (N, H)}
    shapes |= {"W_out": (H, V), "b_out": (V,), "row_bias": (N, 4 * H), "score_bias": (N, V)}
    given = {k: rng.standard_normal(s, np.float32) / max(s[0], 1) ** 0.5 for k, s in shapes.items()}
    for name in ("b", "c", "b_out", "row_bias", "score_bias"):
        given[name] = given[name] if rng.random() < 0.6 else None
    ids, mask = rng.integers(-V, V, (N, T)), rng.random((N, T)) < 0.8
    mask_or_none = mask if rng.random() < 0.6 else None
    safe: Any = {k: None if a is None else place.put(a) for k, a in given.items()}
    with arrays_at(place):
        last = kernels().lstm_encode(
            *(safe.get(k) if k != "ids" else place.put(ids) for k in ("W", "ids", "Wx", "Wh", "b")),
            mask=None if mask_or_none is None else place.put(mask_or_none),
        )
        found = kernels().lstm_greedy(start_ids=place.put(ids[:, 0]), length=T, **safe)
    double: Any = {k: None if a is None else a.astype(np.float64) for k, a in given.items()}
    exact = load("numpy")
    weights = [double[k] for k in ("Wx", "Wh", "b")]
    wanted = exact.lstm_encode(double["W"], ids, *weights, mask=mask_or_none)
    _compare("lstm_encode", {"h": last}, {"h": wanted}, "forward float32")
    # Scores after the ids that were chosen; of two that are nearly equal either may have been the best.
    inputs = double["W"][np.concatenate((ids[:, :1], found[:, :-1]), axis=1)]
    states = {"h0": double["h"], "c0": double["c"], "row_bias": double["row_bias"]}
    scores = exact.lstm_forward(inputs, *weights, **states)[0] @ double["W_out"]
    scores += sum(a for a in (double["b_out"],) if a is not None)
    if double["score_bias"] is not None:
        scores += double["score_bias"][:, None, :]
    chosen = np.take_along_axis(scores, found[:, :, None], axis=2)
    assert (chosen >= scores.max(axis=2, keepdims=True) - 1e-5).all(), f"lstm_greedy {sizes}"


#: Update -> its slots, and its numbers beside lr.
UPDATES: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd_update": ("", {}),
    "momentum_update": ("v", {"momentum": 0.9}),
    "nesterov_update": ("v", {"momentum": 0.9}),
    "adagrad_update": ("h", {}),
    "rmsprop_update": ("h", {"decay_rate": 0.9}),
    "adam_update": ("mv", {"beta1": 0.9, "beta2": 0.99, "step": 3}),
}


def updates(place: str, workers: int) -> int:
    """Clip and update parameters in guarded memory; return how many cases."""
    parallel_always(workers)
    exact = load("numpy")
    shapes = [(1,), (7, 1), (15,), (2, 8), (17,), (3, 11), (127, 129), (16384,), (5, 6555)]
    for name, (slots, numbers) in UPDATES.items():
        for shape in shapes:
            print(name, shape, flush=True)
            rng = np.random.default_rng(shape)
            given = {key: rng.random(shape, np.float32) for key in ("params", "grads", *slots)}
            held = {key: [PLACES[place].put(a, writable=key != "grads")] for key, a in given.items()}
            wanted = {key: [a.astype(np.float64)] for key, a in given.items()}
            with arrays_at(PLACES[place]):
                getattr(kernels(), name)(**held, lr=0.1, **numbers)
            getattr(exact, name)(**wanted, lr=0.1, **numbers)
            _compare(
                name, {k: a[0] for k, a in held.items()}, {k: a[0] for k, a in wanted.items()}, "forward float32"
            )
    for shape in shapes:
        print("clip_grads", shape, flush=True)
        g = np.random.default_rng(shape).random(shape, np.float32)
        here, double = [PLACES[place].put(g, writable=True)], [g.astype(np.float64)]
        with arrays_at(PLACES[place]):
            norm = kernels().clip_grads(here, 0.1)
        assert abs(norm - exact.clip_grads(double, 0.1)) <= 1e-9 * norm
        _compare("clip_grads", {"g": here[0]}, {"g": double[0]}, "forward float32")
    return (len(UPDATES) + 1) * len(shapes)


def touch(place: str, offset: int) -> float:
    """Read beside a guarded array, which must be fatal: the test of the test."""
    a = PLACES[place].put(np.ones(5, np.float32))
    return float(ctypes.c_float.from_address(a.ctypes.data + offset).value)


def write_to_input() -> None:
    """Write to a guarded input behind NumPy's back."""
    a = PLACES["end"].put(np.ones(5, np.float32))
    ctypes.c_float.from_address(a.ctypes.data).value = 2

"""The plain twin: the sources of the kernels as ordinary Python, on tiny shapes, every access checked.

What it answers is what the compiled kernels answer, but for products that are rounded twice. An index that leaves its
array is refused with the name of the array.
"""

import inspect
from functools import partial
from typing import Any

import numpy as np
import pytest

from fasts2s_kernels import load
from fasts2s_kernels.contract import Array
from fasts2s_kernels.cpu import plain, threads
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.ops.affine import cpu_loops
from fasts2s_kernels.ops.softmax_loss import cpu_loops as softmax_loops
from tests.kernels import ops
from tests.kernels.cpu.faults import FAULTS, Fault

KERNELS = load("numba")
#: Less than a vector, a vector and a bit, more than a panel.
PART, MORE, WIDE = 3, LANES + 1, 4 * LANES + 2
SIZES = {
    "lstm": [(2, 3, 2, PART), (5, 2, MORE, MORE), (1, 2, PART, WIDE), (26, 2, 1, 2), (2, 2, WIDE, 2)],
    "lstm_ids": [(2, 3, 4, PART), (5, 2, 3, MORE), (1, 3, 4, PART)],
    "gru": [(2, 3, 2, PART), (5, 2, MORE, MORE), (1, 2, PART, WIDE), (26, 2, 1, 2), (2, 2, WIDE, 2)],
    "rnn": [(2, 3, 2, PART), (5, 2, MORE, MORE), (1, 2, PART, WIDE), (26, 2, 1, 2), (2, 2, WIDE, 2)],
    "affine": [(2, PART, 2), (26, MORE, WIDE), (3, WIDE, 5), (9, 5, 2 * WIDE)],
    "embedding": [(2, 3, 4, PART), (2, 4, 5, MORE)],
    "softmax_loss": [(3, PART), (5, MORE), (4, 2 * LANES)],
    "attention": [(2, 3, 4, PART), (2, 2, MORE, MORE), (2, MORE, 3, 2)],
}  # fmt: skip
CASES = [(op, sizes) for op in ops.OPS for sizes in SIZES[op.name]]


@pytest.fixture(params=[False, True], ids=["one worker", "two workers"])
def workers(request: Any, monkeypatch: Any) -> None:
    """Have every call divided between two workers, or none."""
    monkeypatch.setattr(threads, "SERIAL_BELOW", 0 if request.param else np.inf)


def answers(op: ops.Op, inputs: dict[str, Array], douts: dict[str, Array]) -> dict[str, Array]:
    """Return outputs and gradients by name; softmax's gradient also as it is computed a second time."""
    outputs, cache = op.run(KERNELS, inputs)
    found = dict(outputs)
    for turn in range(2):
        found |= {f"d{name} {turn}": a for name, a in op.back(KERNELS, inputs, cache, douts).items()}
    return {name: np.array(a) for name, a in found.items()}


def same(found: dict[str, Array], expected: dict[str, Array]) -> None:
    """Assert that two dicts of arrays agree but for rounding."""
    assert found.keys() == expected.keys()
    for name, a in found.items():
        np.testing.assert_allclose(a, expected[name], rtol=2e-5, atol=2e-6, err_msg=name)


@pytest.fixture(autouse=True)
def _past_the_caches(monkeypatch: Any) -> None:
    monkeypatch.setattr(softmax_loops, "STREAM_FROM", 8 * LANES)


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize(("op", "sizes"), CASES, ids=lambda v: getattr(v, "name", str(v)))
def test_plain_is_what_is_compiled(op: ops.Op, sizes: Any, rng: Any) -> None:
    inputs = ops.cast(op.case(rng, sizes), np.float32)
    for absent in ((), ("b", "row_bias", "mask"), ("h0", "c0")):
        given = {name: a for name, a in inputs.items() if name not in absent}
        outputs, _ = op.run(KERNELS, given)
        douts = ops.projection(rng, op, outputs, np.float32)
        expected = answers(op, given, douts)
        with plain.kernels():
            same(answers(op, given, douts), expected)


def affine(rng: Any, R: int, D: int, M: int, order: Any) -> dict[str, Array]:
    """Return output and gradients for weights in C or Fortran order."""
    draw: Any = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    x, W, b = draw(R, D), np.array(draw(D, M), order=order), draw(M)
    dW, db = np.empty_like(W), np.empty_like(b)
    dx = KERNELS.affine_backward(draw(R, M), x, W, dW=dW, db=db)
    return {"out": KERNELS.affine_forward(x, W, b), "x": dx, "W": dW, "b": db}


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("sizes", [(1, 9, WIDE), (2, 300, MORE), (270, 2, 2), (150, 3, 4 * LANES)])
def test_affine_of_a_row_and_of_many(sizes: tuple[int, int, int], order: str, monkeypatch: Any) -> None:
    # What is written past the caches is written all the same.
    monkeypatch.setattr(cpu_loops, "STREAM_FROM", 64 * LANES)
    expected = affine(np.random.default_rng(5), *sizes, order)
    with plain.kernels():
        same(affine(np.random.default_rng(5), *sizes, order), expected)


def infer(rng: Any, N: int, T: int, D: int, H: int, V: int, bare: bool) -> dict[str, Array]:
    """Return what reading and choosing answer."""
    draw: Any = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    W, Wx, Wh, b, W_out, b_out = draw(V, D), draw(D, 4 * H), draw(H, 4 * H), draw(4 * H), draw(H, V), draw(V)
    ids, mask = rng.integers(0, V, (N, T)), None if bare else rng.random((N, T)) < 0.7
    more = {} if bare else {"c": draw(N, H), "row_bias": draw(N, 4 * H), "score_bias": draw(N, V)}
    read = KERNELS.lstm_encode(W, ids, Wx, Wh, None if bare else b, mask=mask)
    out = (W_out, None if bare else b_out)
    return {"h": read, "ids": KERNELS.lstm_greedy(W, ids[:, 0], T, Wx, Wh, None if bare else b, *out, h=read, **more)}


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("sizes", [(2, 3, 2, PART, 5), (1, 2, MORE, MORE, WIDE), (30, 4, 3, 4, 2), (3, 2, 9, 5, 40)])
def test_inference(sizes: tuple[int, ...], bare: bool) -> None:
    answer = partial(infer, N=sizes[0], T=sizes[1], D=sizes[2], H=sizes[3], V=sizes[4], bare=bare)
    expected = answer(np.random.default_rng(5))
    with plain.kernels():
        same(answer(np.random.default_rng(5)), expected)


UPDATES: dict[str, tuple[tuple[str, ...], dict[str, float]]] = {
    "sgd": ((), {}),
    "momentum": (("v",), {"momentum": 0.9}),
    "nesterov": (("v",), {"momentum": 0.9}),
    "adagrad": (("h",), {}),
    "rmsprop": (("h",), {"decay_rate": 0.99}),
    "adam": (("m", "v"), {"beta1": 0.9, "beta2": 0.999, "step": 3}),
}


def update(name: str, sizes: tuple[int, ...], seed: int) -> dict[str, Array]:
    """Return parameters, slots and clipped gradients after an update."""
    rng = np.random.default_rng(seed)
    slots, settings = UPDATES[name]
    params, grads, *held = ([rng.random(n).astype(np.float32) for n in sizes] for _ in range(2 + len(slots)))
    params[0] = params[1][:PART]  # tied
    norm = KERNELS.clip_grads(grads, 0.5)
    getattr(KERNELS, f"{name}_update")(params, grads, *held, lr=0.1, scale=0.5, **settings)
    return {f"{k}": a for k, a in enumerate([np.array(norm), *params, *grads, *[a for slot in held for a in slot]])}


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("name", UPDATES)
def test_updates(name: str) -> None:
    sizes = (PART, 2 * LANES, 9 * LANES + 1)
    expected = update(name, sizes, 4)
    with plain.kernels():
        same(update(name, sizes, 4), expected)


def test_a_field_of_nothing_is_refused_by_name() -> None:
    with pytest.raises(IndexError, match=r"^dhs: a kernel reaches for element 0 of nothing$"):
        plain.place_of("dhs", np.empty((0, 0)))[0]
    with pytest.raises(IndexError, match=r"^xs: a kernel reaches for element 3 to 6 of 5 elements$"):
        plain.place_of("xs", np.zeros(5)).part(3, 4)


def test_strided_rows_are_walked_where_they_are() -> None:
    a = np.arange(24, dtype=np.float32).reshape(4, 6)[::-2, :3]
    place = plain.place_of("a", a)
    assert [place[0], place[2], place[-12]] == [18.0, 20.0, 6.0]
    with pytest.raises(IndexError):
        place[3]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.kernel.__name__}-{fault.new}")
def test_an_index_one_past_the_end_is_refused(fault: Fault, monkeypatch: Any, rng: Any) -> None:
    source = inspect.getsource(fault.kernel.function)
    assert source.count(fault.old) == 1
    module: Any = inspect.getmodule(fault.kernel.function)
    text = source[source.index("def ") :].replace(fault.old, fault.new)
    made: dict[str, Any] = {}
    exec(compile(text, str(module.__file__), "exec"), vars(module) | {}, made)
    planted = made[fault.kernel.__name__]
    with plain.kernels():
        fault.call(rng)  # without it all is well
        monkeypatch.setattr(fault.kernel, "function", planted)
        with pytest.raises(IndexError, match=rf"^{fault.array}: a kernel reaches for element \d+"):
            fault.call(rng)

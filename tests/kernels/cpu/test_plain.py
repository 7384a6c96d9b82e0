"""The plain twin: the sources of the kernels as ordinary Python, on tiny shapes, every access checked.

What it answers is what the compiled kernels answer, but for products that are rounded twice. An index that leaves its
array is refused with the name of the array.
"""

import inspect
from typing import Any

import numpy as np
import pytest

from fasts2s_kernels import load
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.calling import Call, Results, host
from fasts2s_kernels.cases import Function, functions, whole
from fasts2s_kernels.cpu import plain, threads
from fasts2s_kernels.cpu.softmax import RUN
from fasts2s_kernels.cpu.target import LANES
from fasts2s_kernels.drawing import Values, values
from fasts2s_kernels.ops.affine import cpu_loops
from fasts2s_kernels.ops.recurrent import cpu as recurrent
from fasts2s_kernels.ops.softmax_loss import cpu_loops as softmax_loops
from tests.kernels.cpu.faults import FAULTS, Fault
from tests.kernels.helpers import draw

KERNELS = load("numba")
#: Less than a vector, a vector and a bit, more than a panel.
PART, MORE, WIDE = 3, LANES + 1, 4 * LANES + 2
#: Letter -> sizes; the k-th of all letters belong together.
SIZES = {
    "N": (2, 5, 1, 26, 2),
    "T": (3, 2, 2, 3, 2),
    "S": (4, MORE, 3, 2, 5),
    "D": (2, MORE, PART, 1, WIDE),
    "H": (PART, MORE, WIDE, 2, 2),
    "M": (2, WIDE, 5, 2 * WIDE, MORE),
    "V": (5, WIDE, PART, 2, 2 * LANES),
    "R": (2, 26, 3, 9, 5),
    "K": (2, 7, 3, 1, 2 * LANES),
}


@pytest.fixture(params=["one worker", "two workers", "units divided"])
def workers(request: Any, monkeypatch: Any) -> None:
    """Have every call divided between two workers, recurrent ones by rows or by units; or none."""
    monkeypatch.setattr(threads, "SERIAL_BELOW", np.inf if request.param == "one worker" else 0)
    if request.param == "units divided":
        monkeypatch.setattr(recurrent, "LARGE", 0)


def answers(function: Function, given: Values) -> Results:
    """Return all results on the host; those of a backward pass also as they are computed a second time."""
    if function.forward is None:
        return host(KERNELS, Call(KERNELS, function, given)())
    forward = Call(KERNELS, function.forward, given)
    found = host(KERNELS, forward())
    for turn in range(2):
        back = host(KERNELS, Call(KERNELS, function, given, forward.cache)())
        found |= {f"{name} {turn}": a for name, a in back.items()}
    return found


def same(found: dict[str, Array], expected: dict[str, Array]) -> None:
    """Assert that two dicts of arrays agree but for rounding."""
    assert found.keys() == expected.keys()
    for name, a in found.items():
        np.testing.assert_allclose(a, expected[name], rtol=2e-5, atol=2e-6, err_msg=name)


@pytest.fixture(autouse=True)
def _past_the_caches(monkeypatch: Any) -> None:
    monkeypatch.setattr(softmax_loops, "STREAM_FROM", 8 * LANES)


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("function", whole(), ids=lambda function: function.name)
def test_plain_is_what_is_compiled(function: Function) -> None:
    options = [set(function.inputs), set(function.inputs) - {"b", "b_out", "row_bias", "mask"}, {"dhs", "dh_last"}]
    for k in range(len(SIZES["N"])):
        sizes = {letter: SIZES[letter][k] for letter in function.letters}
        for given in (options[k % 3], options[(k + 1) % 3]):
            drawn = values(function, np.random.default_rng(k), sizes, given=given, dtype=np.float32)
            expected = answers(function, drawn)
            with plain.kernels():
                same(answers(function, drawn), expected)


def affine(rng: Any, R: int, D: int, M: int, order: Any) -> dict[str, Array]:
    """Return output and gradients for weights in C or Fortran order."""
    draw: Any = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    x, W, b = draw(R, D), np.array(draw(D, M), order=order), draw(M)
    dW, db = np.empty_like(W), np.empty_like(b)
    dx = KERNELS.affine_backward(draw(R, M), x, W, dW=dW, db=db)
    return {"out": KERNELS.affine_forward(x, W, b), "x": dx, "W": dW, "b": db}


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize(
    "sizes", [(1, 9, WIDE), (1, 2 * LANES, MORE), (2, 300, MORE), (270, 2, 2), (150, 3, 4 * LANES)]
)
def test_affine_of_a_row_and_of_many(sizes: tuple[int, int, int], order: str, monkeypatch: Any) -> None:
    # What is written past the caches is written all the same.
    monkeypatch.setattr(cpu_loops, "STREAM_FROM", 64 * LANES)
    expected = affine(np.random.default_rng(5), *sizes, order)
    with plain.kernels():
        same(affine(np.random.default_rng(5), *sizes, order), expected)


@pytest.mark.usefixtures("workers")
def test_draws_from_rows_of_several_runs(rng: Any) -> None:
    V = 2 * RUN * LANES + MORE
    scores = rng.standard_normal((6, V)).astype(np.float32)
    scores[:, -1] = -np.inf
    uniforms = np.array([0, 0.1, 0.45, 0.55, 0.99, np.nextafter(1, 0)])
    expected = KERNELS.sample(scores, uniforms)
    assert expected[0] == 0
    assert expected[-1] == V - 2  # what cannot be drawn is not
    with plain.kernels():
        assert np.array_equal(KERNELS.sample(scores, uniforms), expected)
        scores[2] = -np.inf
        with pytest.raises(ValueError, match="scores row 2 gives no probabilities"):
            KERNELS.sample(scores, uniforms)


def test_parameters_that_share_memory(rng: Any) -> None:
    drawn = draw("momentum_update", rng, 4, 3, PART, dtype=np.float32)

    def tied() -> Results:
        call = Call(KERNELS, functions()["momentum_update"], drawn)
        params = call.arguments["params"]
        params[0] = params[1].reshape(-1)[: params[0].size].reshape(params[0].shape)
        call()
        return {str(k): np.array(a) for k, a in enumerate(params)}

    expected = tied()
    with plain.kernels():
        same(tied(), expected)


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

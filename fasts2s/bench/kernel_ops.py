"""The functions that the ops of the kernels describe, as cases of the suite: each alone, at the shapes of the book.

What is called, with what, and the arithmetic in it: ``ops/<op>/cases.py`` and :mod:`fasts2s_kernels.cases`.

>>> from fasts2s.bench import kernel_ops
>>> from fasts2s_kernels import load
>>> case = kernel_ops.tiny(kernel_ops.CASES[0])
>>> call = kernel_ops.build(load("numpy"), case, kernel_ops.given(case))
>>> sorted(call())
['out_c', 'out_h', 'out_hs']
"""

from collections.abc import Callable
from dataclasses import replace

from fasts2s.bench.cases import Case
from fasts2s.bench.peer import Arrays
from fasts2s_kernels import calling
from fasts2s_kernels.arrays import Kernels
from fasts2s_kernels.cases import Function, Row, functions
from fasts2s_kernels.drawing import Values, row_values
from fasts2s_kernels.letters import SIZES, Sizes

Call = Callable[[], Arrays]


def _case(function: Function, row: Row) -> Case:
    return Case(function.row_name(row), "kernels", function.name, function.sizes_of(row.sizes))


CASES = tuple(_case(function, row) for function in functions().values() for row in function.rows)


def _described(case: Case) -> tuple[Function, Row]:
    """Return the function of a case, and the row that it was made of, with the sizes of the case."""
    function = functions()[case.kind]
    row = next(row for row in function.rows if case.name.endswith(f" ({row.place})"))
    return function, replace(row, sizes=tuple(case.sizes.values()))


def tiny(case: Case, most: Sizes = SIZES) -> Case:
    """Return a case of the same function and place with small sizes: for a smoke test those of the tests at most."""
    function, row = _described(case)
    sizes = tuple(min(size, most[letter]) for letter, size in case.sizes.items())
    return _case(function, replace(row, sizes=sizes))


def flops(case: Case) -> int | None:
    """Return the floating-point operations in the matrix products of a call; None where it has none."""
    function, _ = _described(case)
    return None if function.flops is None else function.flops(case.sizes)


def bytes_moved(case: Case) -> int:
    """Return the bytes that have to pass at least once in a call."""
    function, row = _described(case)
    return function.bytes_moved(row)


def given(case: Case) -> Values:
    """Return what a case is called with, by name, on the host: the same in every process."""
    return row_values(*_described(case))


def build(kernels: Kernels, case: Case, inputs: Values) -> Call:
    """Make a case ready: do everything that is not timed, and return the call that is.

    Parameters
    ----------
    kernels
        Of any backend.
    inputs : dict
        Of :func:`given`, any shapes; they are not written to.

    Returns
    -------
    callable
        It calls one function of the contract once and returns its results by name, on the side of the backend.
        Gradient buffers and what is updated in place are the same arrays every time: a result is right after the
        first call.
    """
    call = calling.Call(kernels, functions()[case.kind], inputs)
    return (lambda: _in_rows(call())) if any(name.startswith("ids") for name in call.function.results) else call


def _in_rows(results: Arrays) -> Arrays:
    """Return results with ids as the gate compares them: row by row."""
    return {name: a.reshape(len(a), -1) if name.startswith("ids") else a for name, a in results.items()}


def reference(case: Case, inputs: Values) -> Arrays:
    """Return the results of a case, computed by the reference kernels in float64: name -> host array of any shape."""
    function = functions()[case.kind]
    found = _in_rows(calling.reference(function, inputs))
    before = function.forward.results if function.forward is not None else ()
    return {name: a for name, a in found.items() if name not in before}

"""How every function of the contract is called: what an op's ``cases.py`` says, and how to go through all of them.

``ops/<op>/cases.py`` holds ``FUNCTIONS``, one :class:`Function` per function of the op's part of the contract. The
tests of the kernels, the fuzzer of malformed calls, the accuracy campaign and the benchmarks read them: an op that
has a description is tested and measured. Shapes: :mod:`fasts2s_kernels.letters`; random arguments:
:mod:`fasts2s_kernels.drawing`; calls: :mod:`fasts2s_kernels.calling`.
"""

import importlib
import importlib.util
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from fasts2s_kernels import ops
from fasts2s_kernels.arrays import Kernels
from fasts2s_kernels.letters import SIZES, Sizes, kind_and_letters, nbytes

if TYPE_CHECKING:
    from fasts2s_kernels.drawing import Draw

#: input: no more than that. leading: its dtype is that of the results. weight: likewise, native, and in step with its
#: buffer. gradient: of a result of the forward pass. buffer: where the gradient of an argument is written.
Role = Literal["input", "leading", "weight", "gradient", "buffer", "cache"]


@dataclass(frozen=True)
class Argument:
    """One argument of a function.

    Attributes
    ----------
    spec : str
        Its shape, see :mod:`fasts2s_kernels.letters`.
    draw : callable or None
        ``draw(d, shape)`` makes a random value (:class:`fasts2s_kernels.drawing.Draw`); None: by the kind.
    role : Role
    optional : bool
        Whether None may stand there.
    of : str
        gradient: the result of the forward pass that it belongs to; buffer: the argument.
    usual : Any
        Of a number: the one that benchmarks take, the book's.
    written : bool
        Whether it is updated in place.
    reads : str
        The shape of what is read of it, where that is not all; of a list, what stands before each shape of it.
    """

    spec: str = ""
    draw: "Callable[[Draw, tuple[int, ...]], Any] | None" = None
    role: Role = "input"
    optional: bool = False
    of: str = ""
    usual: Any = None
    written: bool = False
    reads: str = ""

    @property
    def kind(self) -> str:
        """What the elements are: one of ``letters.KINDS``, or float."""
        return kind_and_letters(self.spec)[0]

    @property
    def letters(self) -> str:
        """Its shape without the word before it."""
        return kind_and_letters(self.spec)[1]


@dataclass(frozen=True)
class Row:
    """Sizes at which a function is measured: a row of the table of kernels.

    Attributes
    ----------
    place : str
        Where in the book such a call stands.
    sizes : tuple of int
        In the order of the function's letters.
    given : str
        The optional arguments that are not None (those of the backward pass too).
    numbers : dict
        Numbers that differ from the usual ones. A callable gives the number of the k-th call (from 0), for what
        would have nothing more to do after the first one.
    lists : str
        Shapes of the arrays of lists, where they differ from :attr:`Function.lists`.
    turned : str
        Matrices that are the transpose of one in C order: tied to an embedding.
    unwritten : str
        What such a call only reads, though others update it in place.
    """

    place: str
    sizes: tuple[int, ...]
    given: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    lists: str = ""
    turned: str = ""
    unwritten: str = ""


@dataclass(frozen=True)
class Function:
    """One function of the contract.

    Attributes
    ----------
    name : str
    letters : str
        Its sizes, in the order in which the names of benchmarks have them.
    arguments : dict of str to Argument
        In the order of the contract.
    results : dict of str to str
        What is returned, in its order: name -> shape. A name says how it is compared: ``out_`` with the tolerance of
        outputs, ``grad_`` of gradients, ``ids_`` exactly. A cache that is returned last is not among them.
    forward : Function or None
        Of a backward pass: the function whose gradients it returns, and whose cache it takes.
    cached : bool
        Whether a cache is returned last.
    rows : tuple of Row
        What is measured.
    edges : tuple of dict
        Sizes at the edge beside those of :func:`edges`.
    hard : tuple of (dict, float)
        Sizes, and factors on the weights, at which rounding piles up; and sizes beyond the usual ones.
    least : str
        Letters that must be at least 1.
    within : dict of str to str
        Letter -> the letter that it is never more than.
    flops : callable or None
        Sizes -> floating-point operations in the products of matrices; None where there are none.
    lists : str
        Shapes of the arrays in lists, with ``;`` between them.
    mend : callable or None
        ``mend(d)`` changes the values that were drawn: where rounding would decide, say.
    """

    name: str
    letters: str
    arguments: Mapping[str, Argument]
    results: Mapping[str, str]
    forward: "Function | None" = None
    cached: bool = False
    rows: tuple[Row, ...] = ()
    edges: tuple[Sizes, ...] = ()
    hard: tuple[tuple[Sizes, float], ...] = ()
    least: str = ""
    within: Mapping[str, str] = field(default_factory=dict)
    flops: Callable[[Sizes], int] | None = None
    lists: str = ""
    mend: "Callable[[Draw], None] | None" = None

    @cached_property
    def inputs(self) -> dict[str, Argument]:
        """What is drawn: the arguments of the forward pass, and its own that are neither buffer nor cache."""
        drawn = {} if self.forward is None else dict(self.forward.inputs)
        own = {name: a for name, a in self.arguments.items() if a.role not in ("buffer", "cache")}
        return drawn | own

    @cached_property
    def buffers(self) -> dict[str, str]:
        """Gradient buffer -> the argument whose gradient is written there."""
        return {name: a.of for name, a in self.arguments.items() if a.role == "buffer"}

    @cached_property
    def written(self) -> frozenset[str]:
        """The arguments that a call writes to."""
        return frozenset(self.buffers) | {name for name, a in self.arguments.items() if a.written}

    def sizes_of(self, numbers: tuple[int, ...]) -> dict[str, int]:
        """Return letter -> size for sizes in the order of the letters."""
        return dict(zip(self.letters, numbers, strict=True))

    def fitted(self, sizes: Sizes) -> dict[str, int]:
        """Return sizes, none of them more than it may be."""
        return {**sizes, **{low: min(sizes[low], sizes[high]) for low, high in self.within.items()}}

    def row_name(self, row: Row) -> str:
        """Return the name of a benchmark: ``lstm_forward 128x7x16x128 (addition)``."""
        return f"{self.name} {'x'.join(map(str, row.sizes))} ({row.place})"

    def bytes_moved(self, row: Row) -> int:
        """Return the bytes of a measured call that have to pass at least once: arguments read, results written.

        In float32. What is updated in place counts twice; caches do not count.
        """
        sizes, given = self.sizes_of(row.sizes), row.given.split()
        total = 0
        for name, a in self.arguments.items():
            absent = (a.of if a.role == "buffer" else name) not in given and self._may_be_absent(name)
            if a.role != "cache" and not absent:
                total += self._bytes(a, sizes, row) * (2 if a.written and name not in row.unwritten.split() else 1)
        for name, spec in self.results.items():
            total += nbytes("ids" if name.startswith("ids") else "float", spec, sizes)
        return total

    def _may_be_absent(self, name: str) -> bool:
        a = self.arguments[name]
        return a.optional or (a.role == "buffer" and self.inputs[a.of].optional)

    def _bytes(self, a: Argument, sizes: Sizes, row: Row) -> int:
        if a.kind == "list":
            return sum(nbytes("float", f"{a.reads} {one}", sizes) for one in (row.lists or self.lists).split(";"))
        if a.kind in ("number", "size"):
            return 0
        return nbytes(a.kind, a.reads or a.letters, sizes)


# ---- arguments, in short --------------------------------------------------------------------------------


def optional(spec: str) -> Argument:
    """Return an argument that may be None."""
    return Argument(spec, optional=True)


def weight(spec: str, **more: Any) -> Argument:
    """Return a weight matrix."""
    return Argument(spec, role="weight", **more)


def gradient(spec: str, of: str, **more: Any) -> Argument:
    """Return the gradient of a result of the forward pass."""
    return Argument(spec, role="gradient", of=of, **more)


def buffers(forward: Function, *names: str) -> dict[str, Argument]:
    """Return the buffers for the gradients of some arguments: ``dWx`` for ``Wx``."""
    return {f"d{name}": Argument(forward.arguments[name].spec, role="buffer", of=name) for name in names}


CACHE = Argument(role="cache")


# ---- all of them ----------------------------------------------------------------------------------------


def descriptions() -> Iterator[ModuleType]:
    """Yield the ``cases`` modules of all ops."""
    for found in pkgutil.iter_modules(ops.__path__):
        name = f"{ops.__name__}.{found.name}.cases"
        if found.ispkg and importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name)


@cache
def functions() -> dict[str, Function]:
    """Return name -> function for every function that an op describes, in the order of the contract."""
    found = {function.name: function for module in descriptions() for function in module.FUNCTIONS}
    order = [name for part in inspect.getmro(Kernels) for name in vars(part) if name in found]
    return {name: found[name] for name in [*order, *found]}


def pairs() -> list[Function]:
    """Return the backward passes; each knows its forward pass."""
    return [function for function in functions().values() if function.forward is not None]


def whole() -> list[Function]:
    """Return the backward passes, which stand for their forward passes too, and all other functions."""
    within = {function.forward.name for function in pairs() if function.forward is not None}
    return [function for name, function in functions().items() if name not in within]


def edges(function: Function) -> Iterator[dict[str, int]]:
    """Yield sizes at which loops end early: one size is 1, one is 0 where that is allowed; all are."""
    usual = {letter: SIZES[letter] for letter in function.letters}
    for edge in (1, 0):
        small = {letter: max(edge, int(letter in function.least)) for letter in function.letters}
        yield small
        for letter in function.letters:
            if small[letter] == edge:
                yield function.fitted(usual | {letter: edge})
    for sizes in function.edges:
        yield usual | dict(sizes)

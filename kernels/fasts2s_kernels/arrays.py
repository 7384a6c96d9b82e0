"""What the type checkers know of arrays and of kernels."""

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from fasts2s_kernels.contract import Kernels
else:
    Kernels = Any  # to make the contract takes milliseconds of every start, and nobody reads it when it runs

__all__ = ["AnyArray", "Array", "Cache", "Kernels"]


class AnyArray(Protocol):
    """What a type checker accepts as an array of NumPy or CuPy: no list, no number, no text."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of every axis."""
        ...

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        ...

    @property
    def ndim(self) -> int:
        """The number of axes."""
        ...

    @property
    def size(self) -> int:
        """The number of elements."""
        ...

    def reshape(self, *args: Any, **kwargs: Any) -> Any:
        """The elements in another shape."""
        ...

    def sum(self, *args: Any, **kwargs: Any) -> Any:
        """The sum over axes."""
        ...

    def min(self, *args: Any, **kwargs: Any) -> Any:
        """The least over axes."""
        ...

    def max(self, *args: Any, **kwargs: Any) -> Any:
        """The largest over axes."""
        ...

    def copy(self, *args: Any, **kwargs: Any) -> Any:
        """The same elements in memory of their own."""
        ...

    def astype(self, *args: Any, **kwargs: Any) -> Any:
        """The elements in another dtype."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any: ...


# The stubs of NumPy and CuPy do not unify: what comes out, and what is inside, is Any to the type checkers.
Array: TypeAlias = Any
Cache: TypeAlias = Any

"""What all models share. Source: the book's ``common/base_model.py``."""

import sys
from pathlib import Path
from typing import Any, TextIO

from fasts2s._memory import same_memory
from fasts2s.backend import to_cpu
from fasts2s.layers import Embedding, TimeEmbedding
from fasts2s.models._ties import tie_again, ties_of
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks.arguments import as_path, listed_arrays, with_methods
from fasts2s_kernels.checks.either import as_array, as_integers, beside, is_cupy, require_real


class BaseModel:
    """``params`` and ``grads`` of all layers in one list each, in the book's order.

    Attributes
    ----------
    params, grads : list of arrays
        The very arrays of the layers.
    config : dict
        The arguments of the constructor, for :func:`fasts2s.models.save_model`.
    """

    def __init__(self) -> None:
        self.params: list[Array] = []
        self.grads: list[Array] = []
        self.config: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return what is copied and pickled: the attributes, and which parameters share memory."""
        return {**vars(self), "_ties": ties_of([*getattr(self, "params", ()), *getattr(self, "grads", ())])}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what __getstate__ returned; parameters that shared memory do so again."""
        ties = state.pop("_ties", [])
        vars(self).update(state)
        tie_again(self, ties)

    def forward(self, xs: AnyArray, ts: AnyArray) -> Any:
        """xs, ts : (N, T) ids -> the loss (subclasses)."""
        raise NotImplementedError

    def backward(self, dout: float = 1) -> None:
        """Compute the gradients of the loss, times dout (subclasses)."""
        raise NotImplementedError

    def label_count(self, ts: AnyArray) -> int:
        """Return how many labels of ts (N, ...) the loss is the mean of; here all rows weigh the same.

        Where a batch is divided among processes, the gradients of each part weigh as many labels as it has.
        """
        labels: Array = as_array("ts", ts, "labels (N, ...)")
        if labels.ndim == 0:
            raise ValueError("ts has shape (), expected labels (N, ...)")
        return len(labels)

    def named_layers(self) -> list[tuple[str, Any]]:
        """Return (name, layer) for every layer with parameters, in the order of ``params`` (subclasses)."""
        raise NotImplementedError

    def save_params(self, file_name: str | Path | None = None) -> None:
        """Write the parameters as the book does: a pickle of float16 arrays, by default ``<Class>.pkl``.

        float16 keeps three digits. ``fasts2s.models.save_model`` keeps all. Raises ValueError for a value that
        float16 cannot hold.
        """
        from fasts2s.checkpoint import save_book_pickle  # noqa: PLC0415 - who saves nothing starts sooner

        save_book_pickle(
            f"{type(self).__name__}.pkl" if file_name is None else file_name, [to_cpu(p) for p in self.params]
        )

    def load_params(self, file_name: str | Path | None = None) -> None:
        """Read a file of the book's ``save_params`` into the parameters, in place; no code in it is executed.

        Raises
        ------
        FileNotFoundError
            There is no such file (the book: IOError, which is the same).
        ValueError
            The file is no list of arrays, or their number or shapes are not those of this model.
        """
        from fasts2s.checkpoint import load_book_pickle  # noqa: PLC0415 - as above

        path = as_path("file_name", f"{type(self).__name__}.pkl" if file_name is None else file_name)
        if not path.exists():
            raise FileNotFoundError(f"there is no parameter file {path}")
        self.set_params(load_book_pickle(path), str(path))

    def set_params(self, arrays: list[Array], origin: str = "the list") -> None:
        """Copy arrays, of host or device, into ``params`` in place.

        ValueError if number or shapes differ, or they hold no real numbers; then nothing changes.
        """
        arrays = listed_arrays("arrays", arrays)
        came, own = [a.shape for a in arrays], [p.shape for p in self.params]
        if came != own:
            raise ValueError(
                f"{origin} holds arrays of shapes {came}, expected those of {type(self).__name__}: {own}"
            )
        for i, a in enumerate(arrays):
            require_real(f"arrays[{i}]", a)
        for param, a in zip(self.params, arrays, strict=True):
            if is_cupy(param) != is_cupy(a):
                # In the parameter's dtype: CuPy takes no foreign byte order.
                a = beside(param, to_cpu(a).astype(param.dtype, copy=False))
            param[...] = a

    def summary(self, file: TextIO | None = None) -> None:
        """Print every layer with its shapes, its number of parameters and its multiply-adds per row and time step."""
        out = sys.stdout if file is None else with_methods("file", file, "write")
        line = "{:<28}{:<36}{:>12}{:>14}"
        print(line.format(type(self).__name__, "shapes", "parameters", "multiply-adds"), file=out)
        total = macs = 0
        for (name, layer), fresh in zip(self.named_layers(), self._fresh_params(), strict=True):
            shapes = " ".join(str(p.shape).replace(" ", "") for p in layer.params)
            size, work = sum(p.size for p in fresh), _multiply_adds(layer)
            total, macs = total + size, macs + work
            note = "" if len(fresh) == len(layer.params) else "  (shares weights)"
            print(line.format(name, shapes, f"{size:,}", f"{work:,}") + note, file=out)
        print(line.format("total", "", f"{total:,}", f"{macs:,}"), file=out)

    def parameter_count(self) -> int:
        """Return the number of parameters; shared ones count once."""
        return sum(int(p.size) for fresh in self._fresh_params() for p in fresh)

    def _fresh_params(self) -> list[list[Array]]:
        """Return for every layer the parameters that share no memory with those of an earlier one."""
        seen: list[Array] = []
        result = []
        for _, layer in self.named_layers():
            result.append([p for p in layer.params if not any(same_memory(p, s) for s in seen)])
            seen += layer.params
        return result


def _multiply_adds(layer: Any) -> int:
    # A row of an embedding is looked up, not multiplied.
    if isinstance(layer, TimeEmbedding | Embedding):
        return 0
    return sum(int(p.size) for p in layer.params if p.ndim == 2)


def id_matrix(name: str, ids: Any, letters: str = "(N, T)") -> Array:
    """Return a batch of id sequences (N, T) as int64, or raise ValueError; the embedding checks their range."""
    return as_integers(name, ids, letters, 2)

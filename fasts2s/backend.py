"""The backend switch: which kernels run, decided in one place.

Precedence: the argument ``backend=`` > ``with use_backend(...)`` > :func:`set_backend` > the environment variable
``FASTS2S_BACKEND``, read whenever a layer is made > ``auto``. This module alone reads ``FASTS2S_*`` variables.
"""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from fasts2s_kernels import Settings, blas, load
from fasts2s_kernels.arrays import Kernels
from fasts2s_kernels.checks import is_cupy
from fasts2s_kernels.checks.arguments import as_host_array, converted, one_of
from fasts2s_kernels.installed import NoDeviceError, failure, library_version

_log = logging.getLogger("fasts2s")

#: What a type checker accepts as the name of a backend; the functions take any letter case.
BackendName: TypeAlias = Literal["auto", "numpy", "numba", "cupy", "cpu", "gpu", "cuda"]
FloatName: TypeAlias = Literal["float32", "float64"]
NAMES = ("auto", "numpy", "numba", "cupy")
_ALIASES = {"": "auto", "cpu": "auto", "gpu": "cupy", "cuda": "cupy"}
_SWITCH, _THREADS, _CACHE = "FASTS2S_BACKEND", "FASTS2S_NUM_THREADS", "FASTS2S_CACHE_DIR"
_VARIABLES = (_SWITCH, _THREADS, _CACHE, "FASTS2S_BLAS", "FASTS2S_CHECK", "FASTS2S_PTB_DIR", "FASTS2S_BOOK")
#: What MPICH, and those like it, and Open MPI say to the processes that they start: rank and number.
_LAUNCHERS = (("PMI_RANK", "PMI_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"))
# Read by the test suite, not by the package.
_FOREIGN = ("FASTS2S_TEST_",)
_DTYPES: tuple[FloatName, ...] = ("float32", "float64")
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


class BackendStatus(NamedTuple):
    """One row of :func:`backends`: usable or not, the reason if not, the version of the library below it."""

    usable: bool
    reason: str
    version: str


@dataclass(frozen=True)
class Backend:
    """A chosen backend: a small value that layers keep, that pickles and deep-copies.

    Attributes
    ----------
    name : str
        ``numpy``, ``numba`` or ``cupy``; never ``auto``, which has been resolved.
    named : bool
        Whether the user asked for it by name. Then arrays of another library are an error rather than a hint.
    dtype : str
        ``float32`` is the book: new weights and the outputs of time layers are float32. ``float64`` makes both
        float64, for gradient checks.
    """

    name: str
    named: bool = True
    dtype: FloatName = "float32"

    def kernels(self) -> Kernels:
        """Return the kernels of this backend."""
        return _loaded(self.name)

    def kernels_for(self, *arrays: Any) -> Kernels:
        """Return the kernels for these arrays: CuPy arrays decide for the cupy kernels.

        Raises
        ------
        ValueError
            CuPy arrays, but another backend was asked for by name. (Not TypeError: the book's ``eval_perplexity``
            takes a TypeError for a missing ``train_flg``.)
        """
        for a in arrays:
            if type(a) is not np.ndarray and a is not None and is_cupy(a):
                return self._kernels_for_cupy()
        return _loaded(self.name)

    def _kernels_for_cupy(self) -> Kernels:
        if self.named and self.name != "cupy":
            raise ValueError(
                f"the backend is {self.name}, but arrays of type cupy.ndarray came: "
                "move them with to_cpu(), or choose the backend cupy"
            )
        return _loaded("cupy")

    def kernels_beside(self, *arrays: Any) -> Kernels:
        """Return the kernels for where these arrays lie, whatever was asked for: for what has no say in where.

        On the host they are those of this backend, or those of ``auto`` if this is cupy.
        """
        if any(map(is_cupy, arrays)):
            return _loaded("cupy")
        return _loaded(_auto().name if self.name == "cupy" else self.name)

    def require_here(self, name: str, a: Any) -> None:
        """Raise ValueError for an array (``name``) that lies elsewhere; for layers that call no kernel."""
        self.kernels_for(a)
        if self.named and self.name == "cupy" and not is_cupy(a):
            raise ValueError(
                f"{name} is a numpy.{type(a).__name__}, but the backend is cupy, whose arrays are cupy.ndarray: "
                "move it with to_gpu(), or choose another backend"
            )

    def output(self, a: Any) -> Any:
        """Return the result of a time layer in the dtype the book promises, float32 (or as it is in float64 mode)."""
        return a.astype("f", copy=False) if self.dtype == "float32" else a


#: What chooses a backend: its name, or what get_backend() returned.
BackendLike: TypeAlias = Backend | BackendName

_global: Backend | None = None
_context: ContextVar[Backend | None] = ContextVar("fasts2s_backend", default=None)
#: Names of backends that were found to run here.
_seen: set[str] = set()
#: What stood in the environment when it was asked last, and what was found: each layer asks in every call.
_last: tuple[str | None, Backend] | None = None
#: Why the import of numba failed, once it has: it is not tried again.
_broken: list[str] = []


def get_backend(backend: BackendLike | None = None, *, dtype: FloatName | None = None) -> Backend:
    """Return the backend that is in force here, or the one given.

    Parameters
    ----------
    backend : str, Backend or None
        ``auto``, ``numpy``, ``numba``, ``cupy`` (or ``cpu``, ``gpu``, ``cuda``); None follows the precedence.
    dtype : {"float32", "float64"} or None
        See :class:`Backend`. None: that of the backend in force, or float32 for one given by name.

    Raises
    ------
    ValueError
        Unknown name or dtype.
    ImportError, RuntimeError
        A backend asked for by name cannot run: its library is missing, or there is no device for it. There is no
        fallback for a name.
    """
    if isinstance(backend, Backend):
        found = backend
    elif backend is not None:
        found = _resolve(backend, "backend")
    else:
        found = _context.get() or _global or _from_environment()
    if dtype is None:
        return found
    wanted = one_of("dtype", dtype, _DTYPES)
    return found if wanted == found.dtype else Backend(found.name, found.named, wanted)


def set_backend(backend: BackendLike | None, *, dtype: FloatName | None = None) -> None:
    """Choose the backend of all layers made from now on; None goes back to the environment. Errors: get_backend."""
    global _global  # noqa: PLW0603 - this is the one switch
    if backend is None and dtype is not None:
        raise ValueError(f"dtype is {dtype!r} without a backend, expected a backend to go with it")
    _global = None if backend is None else get_backend(backend, dtype=dtype)


@contextmanager
def use_backend(backend: BackendLike, *, dtype: FloatName | None = None) -> Iterator[Backend]:
    """Choose the backend of the layers made inside a ``with`` block (in this thread or task). Errors: get_backend."""
    chosen = get_backend(backend, dtype=dtype)
    token = _context.set(chosen)
    try:
        yield chosen
    finally:
        _context.reset(token)


def asks_for_cupy(backend: BackendLike | None) -> bool:
    """Return whether cupy is asked for, by this name or value or, for None, by the switch. Nothing is loaded."""
    found = backend if backend is not None else _context.get() or _global or environment_setting() or "auto"
    if isinstance(found, Backend):
        return found.name == "cupy"
    name = found.strip().lower() if isinstance(found, str) else ""
    return _ALIASES.get(name, name) == "cupy"


def environment_setting() -> str | None:
    """Return the text of ``FASTS2S_BACKEND`` as it stands in the environment, or None."""
    return os.environ.get("FASTS2S_BACKEND")


def auto_is_open() -> bool:
    """Return whether ``auto`` decides which kernels run here, and has not yet: to find out, it loads them."""
    if _auto.cache_info().currsize:
        return False
    return (
        _context.get() or _global or _ALIASES.get(*2 * ((environment_setting() or "").strip().lower(),))
    ) == "auto"


def set_environment(variables: dict[str, str]) -> None:
    """Set variables for this process and those that it starts, before what reads them is imported."""
    os.environ.update(variables)


def override_environment(backend: str | None, threads: int | None, cache_dir: Path | None = None) -> None:
    """Set the variables of the switch, of the threads and of the cache of kernels; None: as it is.

    They hold for this process and those that it starts.

    Raises ValueError, ImportError as :func:`get_backend`. Whether cupy runs here is for :mod:`fasts2s.dropin` to find
    out, which can do without its kernels.
    """
    given = {_SWITCH: backend, _THREADS: threads, _CACHE: cache_dir}
    set_environment({name: str(value) for name, value in given.items() if value is not None})
    if environment_setting() not in {None, "", "auto"} and not asks_for_cupy(None):
        get_backend()  # a wrong name is an error now; what auto means is found out, and loaded, when it is wanted


def threads_are_chosen() -> bool:
    """Return whether ``FASTS2S_NUM_THREADS`` says how many threads there are."""
    return bool(os.environ.get(_THREADS, "").strip())


def use_threads(threads: int) -> None:
    """Let kernels, and the BLAS, have so many threads, in this process and those that it starts.

    It must be called before the kernels of a backend are loaded: later the log says that it was not heard.
    """
    set_environment({_THREADS: str(threads)})
    if _loaded.cache_info().currsize:
        _log.warning("the kernels were loaded before the ranks began: FASTS2S_NUM_THREADS=%d was not heard", threads)
    limit_blas()


def launched() -> tuple[int, int]:
    """Return the rank of this process and the number of processes, as a launcher of MPI says; (0, 1) without one."""
    for names in _LAUNCHERS:
        rank, size = (os.environ.get(name, "") for name in names)
        if rank.isdigit() and size.isdigit():
            return int(rank), int(size)
    return 0, 1


def limit_blas() -> None:
    """Let the BLAS have as many threads as ``FASTS2S_NUM_THREADS`` says, for code that may run before any kernel.

    Raises ValueError for a text that is no number of threads.
    """
    blas.limit(_settings().threads)


def memory_is_chosen() -> bool:
    """Return whether the environment says how the C library keeps memory, see mallopt(3)."""
    return any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ)


def ptb_folder() -> str | None:
    """Return the folder of ``FASTS2S_PTB_DIR``, where the drop-in takes the files of the Penn Treebank from."""
    return os.environ.get("FASTS2S_PTB_DIR") or None


def cache_folder() -> Path | None:
    """Return the folder where kernels are kept, of ``FASTS2S_CACHE_DIR`` or ``NUMBA_CACHE_DIR``; None: neither."""
    text = os.environ.get(_CACHE) or os.environ.get("NUMBA_CACHE_DIR")
    return Path(text) if text else None


def book_checkout() -> Path | None:
    """Return the folder of ``FASTS2S_BOOK``, a checkout of the book's code, or None where it is not set.

    Raises ValueError if there is no such code in it.
    """
    text = os.environ.get("FASTS2S_BOOK")
    if not text:
        return None
    checkout = Path(text).resolve()
    if not (checkout / "common" / "time_layers.py").is_file():
        raise ValueError(
            f"FASTS2S_BOOK is {text!r}, expected the folder of a checkout of the book's code: "
            "it has no common/time_layers.py"
        )
    return checkout


def backends() -> dict[str, BackendStatus]:
    """Return for every backend whether it can run here, why not, and the version of its library.

    Where CuPy is installed, one tiny kernel is computed.
    """
    return {name: _status(name) for name in NAMES if name != "auto"}


def to_cpu(x: Any) -> Any:
    """Return x as a NumPy array; a NumPy array comes back as it is. As ``common.util.to_cpu`` of the book.

    Waits for the device, if x lies there. IndexError if an id out of range had been met there.
    """
    return _loaded("cupy").to_numpy(x) if is_cupy(x) else as_host_array("x", x)


def to_gpu(x: Any) -> Any:
    """Return x, numbers, as an array of the cupy backend. Raises ImportError, RuntimeError where that cannot run."""
    return x if is_cupy(x) else get_backend("cupy").kernels().asarray(converted("x", x, "numbers"))


@cache
def _loaded(name: str) -> Kernels:
    settings = _settings()
    if name != "numba":
        return load(name, settings)
    if not _broken:
        try:
            return load(name, settings)
        except Exception as error:  # whatever stands beside a script may be imported in the place of what numba wants
            _broken.append(f"numba is installed, but its import failed: {type(error).__name__}: {error}")
            raise ImportError(_broken[0]) from error
    raise ImportError(_broken[0])  # every layer asks, in every call


def _settings() -> Settings:
    """Return the settings that stand in the environment. Raises ValueError for values that are none."""
    text = os.environ.get("FASTS2S_NUM_THREADS", "").strip()
    if text and not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise ValueError(
            f"FASTS2S_NUM_THREADS is {text!r}, expected a whole number >= 1, or nothing for one per core"
        )
    check = os.environ.get("FASTS2S_CHECK", "").strip().lower()
    if check not in _TRUE | _FALSE:
        raise ValueError(f"FASTS2S_CHECK is {check!r}, expected 1 (look at ids on the device at once) or 0")
    blas = os.environ.get("FASTS2S_BLAS", "").strip().lower()
    if blas not in _TRUE | _FALSE | {"auto"}:
        raise ValueError(
            f"FASTS2S_BLAS is {blas!r}, expected 1 (large products go to the BLAS), 0 (they do not) or auto"
        )
    return Settings(
        threads=int(text) if text else None,
        cache_dir=os.environ.get(_CACHE) or os.environ.get("NUMBA_CACHE_DIR") or None,
        check=check in _TRUE,
        blas=None if blas in ("", "auto") else blas in _TRUE,
    )


def _status(name: str) -> BackendStatus:
    error = _failure(name)
    return BackendStatus(error is None, str(error or ""), library_version(name) or "not installed")


def _failure(name: str) -> ImportError | NoDeviceError | None:
    return failure(name, can_compile=os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0"))


def _resolve(name: str, origin: str) -> Backend:
    wanted = name.strip().lower() if isinstance(name, str) else "no name"
    wanted = _ALIASES.get(wanted, wanted)
    if wanted not in NAMES:
        raise ValueError(f"{origin} is {name!r}, expected one of {', '.join(NAMES)}")
    if wanted == "auto":
        return _auto()
    # Looking takes 0.3 ms, and clip_grads asks in every step of a training. What is missing is looked for again: it
    # may be installed from within a notebook.
    if wanted not in _seen:
        error = _failure(wanted)
        if error is not None:
            raise type(error)(f"{origin} is {name!r}, but {error}; or choose numpy or auto") from error
        _seen.add(wanted)
    return Backend(wanted)


@cache
def _auto() -> Backend:
    # Never cupy: data does not move to a GPU unasked. The choice is said once.
    name, why = "numpy", _status("numba").reason
    if not why:
        try:
            _loaded("numba")
            name = "numba"
        except ImportError as error:  # an llvmlite that does not fit, a broken installation
            why = str(error)
    _log.log(logging.WARNING if _broken else logging.INFO, "backend auto: %s%s", name, f" ({why})" if why else "")
    return Backend(name, named=False)


def _from_environment() -> Backend:
    global _last  # noqa: PLW0603
    text = environment_setting()
    if _last is None or _last[0] != text:
        _warn_of_unknown_variables()
        _last = text, _resolve(text or "auto", "FASTS2S_BACKEND")
    return _last[1]


@cache
def _warn_of_unknown_variables() -> None:
    for name in sorted(os.environ):
        if name.startswith("FASTS2S_") and name not in _VARIABLES and not name.startswith(_FOREIGN):
            import difflib  # noqa: PLC0415 - for who has mistyped a name

            near = difflib.get_close_matches(name, _VARIABLES, 1, 0.0)
            warnings.warn(f"unknown environment variable {name}; did you mean {near[0]}?", stacklevel=2)

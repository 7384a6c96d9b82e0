"""fasts2s: the NumPy layers of *Deep Learning from Scratch 2*, chapters 5 to 8, on switchable kernels.

>>> import fasts2s
>>> model = fasts2s.models.Seq2seq(vocab_size=13, wordvec_size=16, hidden_size=128)

The switch: ``FASTS2S_BACKEND``, :func:`set_backend`, :func:`use_backend`, or ``backend=``. Importing this package
loads neither Numba nor CuPy nor matplotlib.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fasts2s.backend import Backend, BackendStatus, backends, get_backend, set_backend, to_cpu, to_gpu, use_backend
from fasts2s.dropin import (
    FallbackError,
    FallbackWarning,
    VerificationError,
    accelerate,
    is_patched,
    patch,
    patched,
    profile,
    status,
    unpatch,
)
from fasts2s.dropin.run.notebook import load_ipython_extension, unload_ipython_extension

if TYPE_CHECKING:
    from fasts2s import (
        checkpoint,
        corpus,
        distributed,
        dropin,
        evaluation,
        generation,
        layers,
        metrics,
        models,
        optimizers,
        schedules,
        sequence,
        text,
        trainer,
    )

__version__ = "0.2.0"

__all__ = [
    "Backend",
    "BackendStatus",
    "FallbackError",
    "FallbackWarning",
    "VerificationError",
    "__version__",
    "accelerate",
    "backends",
    "checkpoint",
    "corpus",
    "distributed",
    "dropin",
    "evaluation",
    "generation",
    "get_backend",
    "is_patched",
    "layers",
    "load_ipython_extension",
    "metrics",
    "models",
    "optimizers",
    "patch",
    "patched",
    "profile",
    "schedules",
    "sequence",
    "set_backend",
    "status",
    "text",
    "to_cpu",
    "to_gpu",
    "trainer",
    "unload_ipython_extension",
    "unpatch",
    "use_backend",
]

#: Parts that are imported when they are first asked for.
_PARTS = frozenset(__all__) - globals().keys()


def __getattr__(name: str) -> Any:
    """Import a part when it is first asked for: a script of a second, run by the drop-in, needs few of them."""
    if name not in _PARTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"fasts2s.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PARTS})

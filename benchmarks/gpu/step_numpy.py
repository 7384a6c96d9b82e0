"""Training steps of who has the book's interface: this package on its backend cupy, and the book's code on CuPy.

The book's own code does not run on today's CuPy. The drop-in's repairs stand around it, without its kernels: what is
measured is the book's arithmetic, as the drop-in ran it before there were kernels.
"""

import contextlib
import importlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fasts2s
import fasts2s_kernels
from fasts2s.backend import get_backend, use_backend
from fasts2s.bench.peers import book_interface
from fasts2s.dropin import gpu_mode
from gpu.step_cases import Stepper, Work, curve, step_of


class BookIsMissingError(Exception):
    """There is no checkout of the book, or it is not what the repairs are for."""


def ours(work: Work) -> Stepper:
    """Return a step of this package, ids and weights on the device."""
    with use_backend("cupy") as backend:
        code = book_interface.our_code()
        model = getattr(code, work.case.kind)(work.case["V"], work.case["D"], work.case["H"])
        kernels = backend.kernels()
        xs, ts = kernels.asarray(work.xs), kernels.asarray(work.ts)
    weights = [kernels.asarray(w) for w in work.weights]

    def fresh() -> Callable[[], Any]:
        model.set_params(weights)
        if hasattr(model, "reset_state"):
            model.reset_state()
        with use_backend("cupy"):
            return step_of(code, model, work, xs, ts)

    return _stepper("ours", work, fresh, "masks drawn on the host" if work.dropout else "")


def _stepper(label: str, work: Work, fresh: Callable[[], Callable[[], Any]], note: str) -> Stepper:
    """Return a stepper; ``fresh`` resets the model and returns a step with a new optimiser."""
    held = {"once": fresh()}

    def reset() -> None:
        held["once"] = fresh()

    def once() -> Any:
        return held["once"]()

    return Stepper(label, once, lambda: curve(work, once), reset, note)


def load_book(checkout: Path) -> Any:
    """Return the book's classes on CuPy, repaired, without our kernels. Raises BookIsMissingError."""
    if not (checkout / "common" / "time_layers.py").is_file():
        raise BookIsMissingError(f"{checkout} is no checkout of the book: it has no common/time_layers.py")
    backend = get_backend("cupy")
    ours_again = fasts2s_kernels.MODULES.pop("cupy")  # the drop-in leaves the book's code where there are none
    try:
        fasts2s.patch(backend)
        with contextlib.redirect_stdout(io.StringIO()):  # the book says that it is on the GPU
            code = book_interface.book_code(checkout)
        if not gpu_mode.leaves_the_book():
            raise BookIsMissingError("the drop-in has put its kernels into the book's classes")
    finally:
        fasts2s_kernels.MODULES["cupy"] = ours_again
    home = importlib.import_module("common.time_layers")
    if not gpu_mode.is_np(home.np):
        raise BookIsMissingError("the book's GPU mode is not on")
    return code


def book_from_environment() -> Any:
    """Return :func:`load_book` of FASTS2S_BOOK. Raises BookIsMissingError."""
    if "FASTS2S_BOOK" not in os.environ:
        raise BookIsMissingError("give FASTS2S_BOOK the folder of a checkout of the book's repository")
    return load_book(Path(os.environ["FASTS2S_BOOK"]))


def book(work: Work, code: Any) -> Stepper:
    """Return a step of the book's code, ids and weights on the device."""
    cupy: Any = importlib.import_module("cupy")
    weights = [cupy.asarray(w) for w in work.weights]
    model = getattr(code, work.case.kind)(work.case["V"], work.case["D"], work.case["H"])
    xs, ts = cupy.asarray(work.xs), cupy.asarray(work.ts)

    def fresh() -> Callable[[], Any]:
        for param, weight in zip(model.params, weights, strict=True):
            param[...] = weight
        if hasattr(model, "reset_state"):
            model.reset_state()
        return step_of(code, model, work, xs, ts)

    return _stepper("book on CuPy", work, fresh, "repaired")

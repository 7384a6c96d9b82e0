"""No kernel touches an element beside its arrays, or writes to an input: see guarded.py."""

import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.kernels.cpu import guarded
from tests.kernels.cpu.processes import fresh
from tests.kernels.cpu.training import warm_up

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mprotect by the numbers of Linux")


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    fresh(warm_up, timeout=600)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("place", guarded.PLACES)
def test_every_function(place: str, workers: int) -> None:
    # With everything that is optional at first; without some of it then.
    assert fresh(guarded.operations, place, workers, workers - 1).result > 200


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(guarded.touch, ("end", 20)), (guarded.touch, ("beginning", -4)), (guarded.write_to_input, ())],
)
def test_a_touch_is_fatal(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    with pytest.raises(AssertionError, match=f"ended with -{int(signal.SIGSEGV)}"):
        fresh(function, *arguments)

"""The ledger of what came of malformed calls, and how a result or an exception is judged."""

import inspect
import linecache
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasts2s.checkpoint import CheckpointError


def leaves(value: Any) -> list[Any]:
    """Return the arrays and numbers of a result, in order; None is left out."""
    if isinstance(value, dict):
        return leaves(list(value.values()))
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in leaves(part)]
    return [] if value is None else [value]


def finite(values: Iterable[Any]) -> bool:
    """Whether all numbers are finite, and small enough to stay so."""
    numbers = [np.asarray(v) for v in values if isinstance(v, np.ndarray | np.generic | int | float)]
    return all(a.dtype.kind in "fiub" and bool((np.abs(a.astype("f8")) < 1e6).all()) for a in numbers)


def described(value: Any) -> str:
    """Return a short text that tells what a value was."""
    if isinstance(value, np.ndarray):
        return f"{type(value).__name__} {value.dtype} {value.shape}"
    if isinstance(value, dict):
        return ", ".join(f"{k}: {described(v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} of {', '.join(described(v) for v in value[:4])}"
    return f"{type(value).__name__} {str(repr(value))[:40]}"


def _content(value: Any) -> list[bytes]:
    arrays = (leaf for leaf in leaves(value) if isinstance(leaf, np.ndarray))
    return [np.asarray(a).tobytes() for a in arrays if not a.dtype.hasobject and a.dtype.kind != "T"]


def _is_refusal(error: Exception, function: Any, names: list[str], given: Any) -> bool:
    """Whether an exception says what is wrong, in a way that is promised."""
    message, documented = str(error), inspect.getdoc(function) or ""
    if ".tmp" in message or len(message) < 20:
        return False
    if isinstance(error, OSError):
        return given is None or str(given) in message or "could not be downloaded" in message
    promised = type(error) in (ValueError, IndexError, CheckpointError) or f"{type(error).__name__}" in documented
    return promised and any(re.search(rf"\b{name}\b", message) or "expected" in message for name in names)


class Ledger:
    """What came of the malformed calls of one test."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.faults: dict[Any, str] = {}

    def call(
        self, function: Callable[..., Any], arguments: dict[str, Any], text: str, writes: Iterable[str] = ()
    ) -> tuple[bool, Any]:
        """Call; return whether it succeeded, and the result. A fault is noted once per kind and place.

        writes names the arguments that a call that succeeds may write to.
        """
        before = {k: _content(v) for k, v in arguments.items()}
        try:
            done, result = True, function(**arguments)
        except Exception as error:
            done, result = False, None
            self.outcomes[type(error).__name__] += 1
            self._judge(error, text, arguments)
        else:
            self.outcomes["success"] += 1
        for name, value in arguments.items():
            if _content(value) != before[name] and not (done and name in writes):
                came = "succeeded" if done else "was refused"
                self.note((text, name, "written"), f"{text}({described(arguments)}) {came}, and wrote to {name}")
        return done, result

    def _judge(self, error: Exception, text: str, arguments: dict[str, Any]) -> None:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        assert trace is not None
        place = Path(trace.tb_frame.f_code.co_filename)
        ours = linecache.getline(str(place), trace.tb_lineno).strip().startswith("raise ")
        message = str(error)
        named = message.partition(" ")[0] in arguments or re.search("expected|before forward", message)
        # The last where a spoiled weight is NaN: there is nothing to choose an answer from.
        kinds = (ValueError, IndexError, FloatingPointError)
        if type(error) not in kinds or not (ours and named and len(message) > 20):
            where = f"{place.parent.name}/{place.name}:{trace.tb_lineno}"
            label = f"{text}({described(arguments)})"
            self.note((where, type(error)), f"{label}\n    {where} {type(error).__name__}: {message[:160]}")

    def hand_over(self, run: Callable[[], Any], call: Any, name: str, given: Any) -> None:
        """Run a call of the public interface, which is given something wrong as the argument ``name``."""
        try:
            run()
        except Exception as error:
            function = call.make()
            text = f"{call.name}({name}={described(given)})"
            if not _is_refusal(error, function, call.names, given):
                where = error.__traceback__
                while where is not None and where.tb_next is not None:
                    where = where.tb_next
                assert where is not None
                place = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}"
                self.note(
                    (call.name, name, place, type(error)),
                    f"{text}\n    {place} {type(error).__name__}: {str(error)[:160]}",
                )

    def note(self, key: Any, text: str) -> None:
        """Note a fault, unless there is one of this kind."""
        self.faults.setdefault(key, text)

    def settle(self) -> None:
        """Fail the test if there are faults, and list them."""
        if self.faults:
            text = "\n".join([f"{len(self.faults)} kinds of fault:", *self.faults.values()])
            pytest.fail(text, pytrace=False)

"""Wrong things handed to every public callable: each succeeds, or is refused with an error that names what is wrong.

Refused means ValueError or IndexError; where a file is at fault, the OSError of that file; else an exception that the
docstring names. The methods of layers and models that compute: test_malformed_calls.py.
"""

import errno
import os
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fasts2s
from fasts2s import checkpoint, models, sequence
from fasts2s.checkpoint import atomic
from fasts2s.sequence import generators
from tests.malformed.api import CALLS, Call, prepare, value
from tests.malformed.ledger import Ledger
from tests.malformed.values import JUNK, NUMBERS

MORE: list[Callable[[], Any]] = [
    lambda: "a", lambda: "", lambda: [[1]], lambda: [[1]] * 10, lambda: b"", lambda: {"a": 1}, lambda: {1: "a"},
    lambda: 5, lambda: -1, lambda: 2**70, lambda: [None, None], lambda: ["a", 1], lambda: "a\0b", lambda: [object()],
    lambda: np.zeros((2, 3, 4), "f"), lambda: np.zeros((0,)), lambda: np.array([[1, 2]]),
    lambda: np.array(["a", "b"]), lambda: [np.zeros((2, 3), "f")], lambda: {"a": "b"}, lambda: np.array([np.nan]),
    lambda: "missing/folder/file",
]  # fmt: skip
WRONG = [*JUNK, *MORE, *(lambda n=n: n for n in NUMBERS)]
FUNCTIONS = {"function", "step", "on_step", "progress", "opener"}
HUGE = re.compile("count|length|max_len|time_size|max_epoch|size")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    prepare(folder)
    return folder


@pytest.fixture(autouse=True)
def _in_a_folder(files, tmp_path, monkeypatch):
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    # What write_data_files writes takes a second to make, and is not what is refused.
    for name in ("addition_lines", "date_lines"):
        monkeypatch.setattr(generators, name, lambda: ["1+1    _2   "])


def _is_huge(given: Any) -> bool:
    is_number = isinstance(given, int | float | np.number) and not isinstance(given, bool | np.timedelta64)
    return is_number and bool(given > 10**6)


def _called(call: Call, arguments: dict[str, Any]) -> None:
    result = call.make()(**arguments)
    if isinstance(result, AbstractContextManager) and not isinstance(result, Path):
        with result:
            pass


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_valid_call_works(call: Call) -> None:
    _called(call, {name: value(call.name, name) for name in call.names})


@pytest.mark.filterwarnings("ignore:.*non-interactive")
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_wrong_things_are_refused(call: Call) -> None:
    ledger = Ledger()
    for name in call.names:
        for make in WRONG:
            given = make()
            # A size that is huge is legal, and takes its time. What a reader's function raises is his.
            if (HUGE.search(name) and _is_huge(given)) or (name in FUNCTIONS and callable(given)):
                continue
            arguments = {n: value(call.name, n) for n in call.names} | {name: given}
            ledger.hand_over(partial(_called, call, arguments), call, name, given)
    fasts2s.set_backend(None)
    ledger.settle()


WRITERS: dict[str, Callable[[str], Any]] = {
    "save_arrays": lambda path: checkpoint.save_arrays(path, {"a": np.ones(3)}),
    "save_book_pickle": lambda path: checkpoint.save_book_pickle(path, [np.ones(3)]),
    "save_model": lambda path: models.save_model(path, models.Rnnlm(5, 3, 4)),
    "save_params": lambda path: models.Rnnlm(5, 3, 4).save_params(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_missing_folder_is_named_as_it_was_given(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing.*folder") as caught:
        WRITERS[name]("missing/folder/file.npz")
    assert caught.value.filename == "missing/folder/file.npz"
    with pytest.raises(FileNotFoundError, match="there is no folder 'missing/folder'"):
        sequence.write_data_files("missing/folder")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_cannot_be_written_is_named_not_its_temporary_one(name, number, monkeypatch) -> None:
    def fail(fresh: Path) -> Any:
        raise OSError(number, os.strerror(number), str(fresh))

    monkeypatch.setattr(atomic, "_create", fail)
    with pytest.raises(OSError, match=re.escape(os.strerror(number))) as caught:
        WRITERS[name]("given.npz")
    assert (caught.value.errno, caught.value.filename) == (number, "given.npz")
    assert not list(Path().glob(".*.tmp"))

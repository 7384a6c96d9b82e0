"""The book's GPU mode, on a stand-in for CuPy in processes of their own: tests/stand_in/cupy says what for."""

import json
import os
import shutil
import sys

import pytest

from tests.dropin.conftest import _START, BOOK, STAND_IN, known_forms

_PATHS = {"PYTHONPATH": os.pathsep.join([STAND_IN, *(p for p in sys.path if p)])}


@pytest.fixture
def library(tmp_path):
    shutil.copytree(BOOK, tmp_path / "book")
    return tmp_path / "book"


@pytest.fixture
def launched(run, library):
    """Return launched(script text, *options, backend, known): what the launcher prints for a script of chapter 7."""

    def start(text, *options, backend="cupy", known=None):
        (library / "ch07" / "script.py").write_text("import sys\nsys.path += ['..', '../ch08']\n" + text)
        options = ("--backend", backend, *options, "script.py")
        return run(
            "-c", _START, json.dumps(known or known_forms()), *options, cwd=library / "ch07", plain=True, **_PATHS
        )

    return start


_EXPECTED = {}


@pytest.fixture
def expected(launched):
    """Return expected(script text): what the library as it is prints on the host. Every text runs once."""

    def printed(text):
        if text not in _EXPECTED:
            found = launched(text, backend="numpy")
            assert found.returncode == 0, found.stderr
            _EXPECTED[text] = found.stdout
        return _EXPECTED[text]

    return printed


_HEAD = """
import json, sys, logging
from fasts2s.dropin.recognise import book_code
book_code._known = lambda: json.loads({known!r})
from fasts2s.dropin.settings import settings; settings.all_sizes = True
sys.path += ['..', '../ch08']
logging.basicConfig(level=logging.INFO, format="%(message)s")
import numpy
import fasts2s
"""


@pytest.fixture
def python(run, library):
    """Return python(code, known): what a process prints that runs it in chapter 7, the library known."""

    def start(code, known=None):
        head = _HEAD.format(known=json.dumps(known or known_forms()))
        found = run("-c", head + code, cwd=library / "ch07", plain=True, **_PATHS)
        assert found.returncode == 0, found.stdout + found.stderr
        return found

    return start

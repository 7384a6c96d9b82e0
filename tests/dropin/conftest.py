"""A small library with the book's interface, known for the time of a test as if it were an edition of the book."""

import ast
import importlib
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import fasts2s
from fasts2s.dropin.recognise import book_code, facts
from fasts2s.dropin.recognise.canonical import members
from fasts2s.dropin.settings import settings

BOOK = Path(__file__).parent / "book"
STAND_IN = str(Path(__file__).parent.parent / "stand_in")
_NAMES = ("common", "dataset", "ch04", "ch06", "ch07", "ch08")
_CHAPTERS = ("seq2seq", "peeky_seq2seq", "attention_seq2seq", "attention_layer", "rnnlm_gen", "rnnlm")


@cache
def known_forms() -> dict[str, list[dict[str, str]]]:
    """Return the fingerprints of the small library in the form of book_code.json."""
    known: dict[str, list[dict[str, str]]] = {}
    for file in sorted(BOOK.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                known[node.name] = [members(node)]
    return known


def pytest_collection_modifyitems(items):
    """A call that falls back unasked fails its test: among all warnings, this one is an error only by its name."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("error::fasts2s.FallbackWarning"))


@pytest.fixture(autouse=True)
def _keep_nothing(monkeypatch):
    """What is found in the texts of tests is not kept in the user's cache."""
    monkeypatch.setattr(facts, "_changed", {})


def _forget_modules() -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] in {*_NAMES, *_CHAPTERS}:
            del sys.modules[name]


@pytest.fixture
def book(tmp_path, monkeypatch):
    """The folder of a copy of the library; its chapter 7 is the current folder and on the path, as for a script."""
    folder = tmp_path / "book"
    shutil.copytree(BOOK, folder)
    monkeypatch.setattr(book_code, "_known", known_forms)
    monkeypatch.setattr(settings, "all_sizes", True)  # small calls are what tests are made of
    monkeypatch.chdir(folder / "ch07")
    monkeypatch.syspath_prepend(str(folder / "ch08"))
    monkeypatch.syspath_prepend(str(folder / "ch07"))
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    _forget_modules()
    yield folder
    fasts2s.unpatch()
    _forget_modules()


@pytest.fixture
def checkout(monkeypatch):
    """The folder of a checkout of the book's code, whose chapters 7 and 8 are on the path."""
    folder = os.environ.get("FASTS2S_BOOK", "")
    if not folder:
        pytest.skip("FASTS2S_BOOK names no checkout of the book's code")
    monkeypatch.setattr(sys, "path", [folder, f"{folder}/ch07", f"{folder}/ch08", *sys.path])
    monkeypatch.setattr(settings, "all_sizes", True)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    _forget_modules()
    yield Path(folder)
    fasts2s.unpatch()
    _forget_modules()


@pytest.fixture
def written(book):
    """Return written(text): the module ``evaluation`` of chapter 7 with this text."""

    def write(text):
        (book / "ch07" / "evaluation.py").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        sys.modules.pop("evaluation", None)
        return importlib.import_module("evaluation")

    yield write
    sys.modules.pop("evaluation", None)


#: Makes the library known in a process of its own, then goes on as ``python -m fasts2s``.
_START = """
import json, sys
from fasts2s.dropin.run import launch
from fasts2s.dropin.recognise import book_code
from fasts2s.dropin.settings import settings
settings.all_sizes = True
known = json.loads(sys.argv.pop(1))
book_code._known = lambda: known
sys.exit(launch.main())
"""


@pytest.fixture
def run(tmp_path):
    """Return run(*arguments, cwd, **environment): ``python -m fasts2s`` with the library known, or plain python."""

    def start(*arguments, cwd, plain=False, stdin="", **environment):
        first = [] if plain else ["-c", _START, json.dumps(known_forms())]
        paths = [p for p in sys.path if p and p != STAND_IN]  # whoever wants the stand-in for CuPy names it
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "MPLBACKEND": "Agg"}
        variables |= {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "120"} | environment
        return subprocess.run(
            [sys.executable, *first, *arguments], cwd=cwd, env=variables, input=stdin, capture_output=True,
            text=True, timeout=300, check=False,
        )  # fmt: skip

    return start

"""Readers' own versions of the layers, in modules of their own: nothing here has a fingerprint that is known."""

import importlib
import sys
from pathlib import Path

import pytest

import fasts2s
from fasts2s.dropin.recognise import book_code, verdicts
from fasts2s.dropin.replace import targets
from fasts2s.dropin.settings import settings

PLAIN, MODELS, WORDS = (
    (Path(__file__).parent / f"plain_{what}.py").read_text(encoding="utf-8") for what in ("layers", "models", "words")
)


@pytest.fixture(scope="session")
def _kept(tmp_path_factory):
    return tmp_path_factory.mktemp("verdicts")


@pytest.fixture
def reader(tmp_path, monkeypatch, _kept):
    """Return reader(text, name="my_layers"): a module with this text, imported while fasts2s patches."""
    monkeypatch.setenv("FASTS2S_CACHE_DIR", str(_kept))
    monkeypatch.setattr(book_code, "_known", dict)
    monkeypatch.setattr(settings, "all_sizes", True)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(tmp_path))
    verdicts.forget()
    names = []

    def write(text, name="my_layers", encoding="utf-8"):
        (tmp_path / f"{name}.py").write_text(text, encoding=encoding)
        importlib.invalidate_caches()
        names.append(name)
        fasts2s.patch("numpy")
        return importlib.import_module(name)

    yield write
    fasts2s.unpatch()
    verdicts.forget()
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def words(reader, monkeypatch):
    """Return words(text): a module with this text; two functions of ``plain_words.py`` are known by their text."""
    from tests.dropin.recognise import word_judge  # noqa: PLC0415 - it asks this module for WORDS

    monkeypatch.setattr(book_code, "_known", word_judge.known(WORDS).copy)
    monkeypatch.setattr(targets, "HOMES", {*targets.HOMES, "my_words"})

    def write(text):
        module = reader(text, "my_words")
        fasts2s.accelerate(vars(module))
        return module

    return write


def entries():
    """Return name -> entry of all that was found."""
    return {e.name: e for e in fasts2s.status().entries}

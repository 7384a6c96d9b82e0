"""Docstrings of Python's own library: what stands below the first line, and the first line."""

import ast
import re
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

from fasts2s.apps.application import Parts, pairs_of
from fasts2s.apps.worlds.drawing import part_of

#: Words of a first line, and of what stands below it.
_SUMMARY, _BODY = (3, 14), (8, 60)
_LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "dist-packages", "lib2to3", "__pycache__"}
_WORD = re.compile(r"[A-Za-z][A-Za-z']*|\d+")


def docstring_parts(folder: str | None = None) -> Parts:
    """Read the sources of a folder, by default the standard library; a source is a name and the words below it."""
    rows: tuple[dict[str, str], ...] = ({}, {}, {})
    for name, docstring in _docstrings(Path(folder or sysconfig.get_paths()["stdlib"])):
        summary, _, body = docstring.partition("\n\n")
        below, said = words_of(body), words_of(summary)
        if "\n" in summary or not _SUMMARY[0] <= len(said) <= _SUMMARY[1] or len(below) < _BODY[0]:
            continue
        source = " ".join([*words_of(name.replace("_", " ")), ":", *below[: _BODY[1]]])
        if not any(source in part for part in rows):  # the same text below two first lines
            rows[part_of(" ".join(said))][source] = " ".join(said)
    return Parts(*(pairs_of(list(part.items()), "docstrings of Python's library") for part in rows))


def first_words(source: str, count: int = 8) -> str:
    """Return the first words below the first line: the summary to be better than."""
    return " ".join(source.partition(" : ")[2].split()[:count])


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters."""
    return [word.lower() for word in _WORD.findall(text)]


def _docstrings(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield name and docstring of every function, method and class; files are read, nothing is imported."""
    for path in sorted(folder.rglob("*.py")):
        if _LEFT_OUT & set(path.relative_to(folder).parts):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of escapes in old sources
                tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                docstring = ast.get_docstring(node)
                if docstring:
                    yield node.name, docstring

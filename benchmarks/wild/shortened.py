"""One script of a reader's, made shorter while it is compiled, by plain python or by the drop-in.

    python benchmarks/wild/shortened.py plain '{"epochs": 1}' FOLDER script.py
    python benchmarks/wild/shortened.py fasts2s '{"epochs": 1, "set": {"batch_size": 10}}' FOLDER script.py -q

In all files of the folder, numbers that are given to names of epochs are exchanged, the book's switch for its GPU
mode is off, and names of ``set`` get other numbers. Generators are seeded. NumPy gets back the names of types
that it has lost since the book was written: the readers' NumPy had them.
"""

import ast
import builtins
import json
import os
import random
import runpy
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

_EPOCHS = frozenset(("max_epoch", "max_epochs", "epoch", "epochs", "num_epoch", "num_epochs", "n_epoch", "n_epochs"))
_compile = builtins.compile


class Shorter(ast.NodeTransformer):
    """Exchanges the numbers that certain names are given, in assignments and in calls."""

    def __init__(self, epochs: int, others: dict[str, Any]) -> None:
        self._numbers = dict.fromkeys(_EPOCHS, epochs) | others

    def _number(self, name: str, value: ast.expr) -> ast.expr:
        if not isinstance(value, ast.Constant):
            return value
        if name == "GPU" and value.value is True:
            return ast.copy_location(ast.Constant(False), value)
        wanted = self._numbers.get(name.lower(), self._numbers.get(name))
        if wanted is None or not isinstance(value.value, int) or (name.lower() in _EPOCHS and value.value <= wanted):
            return value
        return ast.copy_location(ast.Constant(wanted), value)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.targets[0], ast.Name):
            node.value = self._number(node.targets[0].id, node.value)
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        self.generic_visit(node)
        node.value = self._number(node.arg or "", node.value)
        return node


def shorten(folder: str, about: dict[str, Any]) -> None:
    """Exchange numbers in all files of a folder when they are compiled."""
    inside = folder + os.sep

    def compile_shorter(source: Any, filename: Any, mode: str, flags: int = 0, *args: Any, **kwargs: Any) -> Any:
        name = os.fsdecode(filename) if isinstance(filename, str | bytes) else ""
        is_theirs = name.endswith(".py") and os.path.realpath(name).startswith(inside)
        if is_theirs and isinstance(source, str | bytes) and not flags & ast.PyCF_ONLY_AST:
            tree = ast.parse(source)
            source = Shorter(about.get("epochs", 1), about.get("set", {})).visit(tree)
        return _compile(source, filename, mode, flags, *args, **kwargs)

    builtins.compile = compile_shorter  # type: ignore[assignment]


def begin() -> None:
    """Seed the generators, and give NumPy the names back that it had."""
    np.random.seed(0)
    random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, kind in (("int", int), ("float", float), ("bool", bool), ("object", object)):
            if not hasattr(np, name):
                setattr(np, name, kind)


def main(way: str, about: str, folder: str, script: str, *options: str) -> int:
    """Run it; return the exit status."""
    sys.path[0] = str(Path(script).resolve().parent)
    shorten(os.path.realpath(folder), json.loads(about))
    begin()
    if way == "fasts2s":
        from fasts2s.dropin.run import launch  # noqa: PLC0415 - plain python must not load it

        return launch.main([*options, script])
    sys.argv = [script]
    runpy.run_path(script, run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

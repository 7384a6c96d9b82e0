"""One file of a reader's, imported or run as he does, under the drop-in and without his training."""

import ast
import builtins
import contextlib
import io
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wild.definitions import File, cells

_KEPT = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
#: What is called at the top of a module that others need: the path, names of folders.
_CALLED = ("sys.path.", "os.", "Path")
_compile = builtins.compile


class CannotBeImportedError(Exception):
    """A file of the reader's ends with an error; the text is its last line."""


class _Definitions:
    """Picks the statements that define or import something, or set plain values."""

    def __init__(self) -> None:
        self._gone: set[str] = set()  # names that are bound by what is left out

    def of(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Return what is kept of a body."""
        found: list[ast.stmt] = []
        for node in body:
            if isinstance(node, _KEPT) or self._is_plain(node):
                found.append(node)
            elif isinstance(node, ast.If | ast.Try) and "__main__" not in ast.unparse(node).partition("\n")[0]:
                node.body = self.of(node.body) or [ast.Pass(lineno=node.lineno, col_offset=0)]
                node.orelse = self.of(node.orelse)
                found.append(node)
            else:
                self._gone |= {
                    n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
                }
        return found

    def _is_plain(self, node: ast.stmt) -> bool:
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr):
            return False
        calls = [inner for inner in ast.walk(node) if isinstance(inner, ast.Call)]
        asked = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        return not asked & self._gone and all(ast.unparse(call.func).startswith(_CALLED) for call in calls)


def without_training(text: str | bytes) -> ast.Module:
    """Return the tree of a text, in which the lines keep their numbers, without what only runs.

    Raises SyntaxError.
    """
    tree = ast.parse(text)
    tree.body = _Definitions().of(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node) == "GPU = True":
            node.value = ast.Constant(False)  # the book's switch: there is no GPU here
    return ast.fix_missing_locations(tree)


def _skip_trainings(folder: Path) -> None:
    """From here on, files of a folder are compiled without what only runs."""
    inside = str(folder) + os.sep

    def compile_definitions(source: Any, filename: Any, mode: str, flags: int = 0, *args: Any, **kwargs: Any) -> Any:
        name = os.fsdecode(filename) if isinstance(filename, str | bytes) else ""
        if (
            name.startswith(inside)
            and name.endswith(".py")
            and isinstance(source, str | bytes)
            and not flags & ast.PyCF_ONLY_AST
        ):
            source = without_training(source)
        return _compile(source, filename, mode, flags, *args, **kwargs)

    builtins.compile = compile_definitions  # type: ignore[assignment]


def load(file: File, folder: Path) -> dict[str, Any]:
    """Return the names of a module, a script or a notebook; the drop-in is in force.

    This process is changed for good: its folder, its path, its compile. Raises CannotBeImportedError.
    """
    _skip_trainings(folder)
    sys.dont_write_bytecode = True
    os.chdir(file.base)
    between = [str(parent) for parent in file.path.parents if parent == folder or folder in parent.parents]
    sys.path.insert(1, str(file.base))
    if file.path.suffix == ".ipynb":
        sys.path[2:2] = between
        return _notebook(file.path)
    try:
        return _python(file)
    except CannotBeImportedError:
        sys.path[2:2] = between  # what he has on his path nobody knows
        return _python(file)


def _python(file: File) -> dict[str, Any]:
    from fasts2s.dropin.run import launch, typed  # noqa: PLC0415

    said = io.StringIO()
    what = ["-c", f"import {file.module}"] if file.module else [str(file.path)]
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            status = launch.main(["-q", "--backend", "numpy", *what])
        except SystemExit as error:
            status, said = 1, io.StringIO(f"SystemExit: {error}")
    typed.offer_functions()  # as a first call of one would
    if status:
        raise CannotBeImportedError((said.getvalue().strip().splitlines() or ["?"])[-1][:200])
    return vars(sys.modules[file.module or "__main__"])


def _cells(notebook: Path) -> Iterator[str]:
    for text in cells(notebook):
        try:
            kept = without_training(text).body
        except SyntaxError:
            continue
        parts = [ast.get_source_segment(text, node) or "" for node in kept]
        if parts:
            yield "\n".join(parts)


def _notebook(path: Path) -> dict[str, Any]:
    from IPython.core.interactiveshell import InteractiveShell  # noqa: PLC0415

    place = Path(os.environ["IPYTHONDIR"])
    shell = InteractiveShell.instance()
    error = None
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        shell.run_cell("import fasts2s; fasts2s.set_backend('numpy')")
        shell.run_cell("%load_ext fasts2s")
        for text in _cells(path):
            result = shell.run_cell(text, store_history=True)
            error = error or result.error_before_exec or result.error_in_exec
    shutil.rmtree(place, ignore_errors=True)
    space: dict[str, Any] = shell.user_global_ns
    if error is not None:
        space["__error__"] = f"{type(error).__name__}: {error}"
    return space

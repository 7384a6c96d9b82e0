"""What an error advises exists: every method, function and class that a message names."""

import ast
import builtins
import re
from pathlib import Path

import numpy as np

import fasts2s
import fasts2s_kernels

FOLDERS = [Path(p.__file__).parent for p in (fasts2s, fasts2s_kernels)]
#: Names of a message that are those of others: of NumPy, or of a method that the reader is asked to write.
OTHERS = set(dir(builtins)) | set(dir(np)) | set(dir(np.ndarray)) | set(dir(np.random))
CALL = re.compile(r"\b([a-z_A-Z]\w*)\(")


def trees():
    return {file: ast.parse(file.read_text(encoding="utf-8")) for folder in FOLDERS for file in folder.rglob("*.py")}


def texts(tree):
    """The strings of what is raised, with the lines on which they stand."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            yield from (
                (n.value, n.lineno) for n in ast.walk(node) if isinstance(n, ast.Constant) and type(n.value) is str
            )


def test_every_method_that_a_message_names_exists():
    found = trees()
    defined = {
        n.name for tree in found.values() for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)
    }
    named = [
        (name, f"{file.name}:{line}")
        for file, tree in found.items()
        for text, line in texts(tree)
        for name in CALL.findall(text)
    ]
    assert {"reset_state", "to_gpu"} <= {name for name, _ in named}
    assert [place for place in named if place[0] not in defined | OTHERS] == []


def test_whoever_is_told_to_reset_a_state_can():
    stateful = [
        f"{file.name}: {node.name}"
        for file, tree in trees().items()
        if "layers" in file.parts
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(a, ast.arg) and a.arg == "stateful" for a in ast.walk(node))
        and not {"set_state", "reset_state"} <= {f.name for f in node.body if isinstance(f, ast.FunctionDef)}
    ]
    assert stateful == []

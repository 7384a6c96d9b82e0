"""What a reader of the API may count on: names, docstrings with shapes, annotations, a light import, one contract."""

import ast
import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fasts2s
import fasts2s_kernels
from fasts2s_kernels import MODULES, load
from fasts2s_kernels.contract import Kernels
from tests import contract

ROOT = Path(__file__).resolve().parent.parent

# (N, T), (4H,), (H + D, 4H), (N*T, V), (1, T_x): dimensions are numbers and single capital letters.
SHAPE = re.compile(r"\((?=[^()]*,)(\d+,\s*)*\d*g?[A-Z](_\w+)?\b([-+* ]+\w+)*(,[^()]*)?\)|(any|same|the) shape")
# Kernels that take lists of arrays work on any shapes, and BaseModel leaves these to its subclasses.
WITHOUT_SHAPE = {"BaseModel.forward", "BaseModel.backward"}


# How kernels are written, and their parts: for those who read the sources.
INTERNAL = re.compile(r"(^|\.)_(?!_)|^fasts2s_kernels\.(cpu|gpu)\.|^fasts2s_kernels\.ops\.\w+\.[cg]pu_")


def public_modules():
    found = [fasts2s, fasts2s_kernels]
    for package in (fasts2s, fasts2s_kernels):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # Importing fasts2s.auto switches the drop-in on, which is all there is to it.
            if not INTERNAL.search(info.name) and info.name != "fasts2s.auto":
                found.append(importlib.import_module(info.name))
    return found


PUBLIC = {module.__name__: module for module in public_modules()}


def definitions(module):
    """(name, object) for every public class, function, method and property that a module defines itself."""
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(value) or inspect.isclass(value):
            yield name, value
        if inspect.isclass(value):
            for member, held in vars(value).items():
                target = getattr(held, "__func__", held)
                if not member.startswith("_") and (inspect.isfunction(target) or isinstance(held, property)):
                    yield f"{name}.{member}", target


def is_array(annotation):
    """Whether an annotation is AnyArray, Array (an alias of Any), or that or None, but no list of them."""
    text = str(annotation).replace("fasts2s_kernels.contract.", "")
    return "AnyArray" in text or text in {"typing.Any", "typing.Optional[typing.Any]", "typing.Any | None", "Array"}


def takes_or_gives_arrays(function):
    signature = inspect.signature(function)
    parameters = [p.annotation for p in signature.parameters.values()]
    return any(is_array(a) for a in parameters) or "Any" in str(signature.return_annotation)


# ---- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, module in PUBLIC.items() if hasattr(module, "__all__")])
def test_every_exported_name_exists_once(name):
    module = PUBLIC[name]
    exported = module.__all__
    assert [n for n in exported if not hasattr(module, n)] == []
    assert len(set(exported)) == len(exported)


@pytest.mark.parametrize("package", ["layers", "models"])
def test_every_public_class_of_a_package_is_exported(package):
    holder = getattr(fasts2s, package)
    inside = [m for name, m in PUBLIC.items() if name.startswith(f"fasts2s.{package}.")]
    defined = {name for m in inside for name, value in definitions(m) if inspect.isclass(value)}
    assert defined <= set(holder.__all__)


def test_the_package_says_its_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+([a-z]+\d+)?", fasts2s.__version__)


# ---- docstrings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_docstring(name):
    module = PUBLIC[name]
    assert (module.__doc__ or "").strip()
    bare = []
    for what, value in definitions(module):
        text = (inspect.getdoc(value) or "").strip()  # that of the method which it overrides counts
        # A dataclass without a docstring is given its signature as one.
        if not text or text.startswith(f"{what}("):
            bare.append(what)
    assert bare == []


def forwards_and_backwards():
    """Every forward and backward that a public layer or model has, its own or inherited."""
    found = {}
    for package in (fasts2s.layers, fasts2s.models):
        for cls in (getattr(package, name) for name in package.__all__):
            if not inspect.isclass(cls):
                continue
            for method in ("forward", "backward", "predict", "step", "generate", "generate_batch"):
                function = getattr(cls, method, None)
                if function is not None:
                    found[function.__qualname__] = function
    return {name: f for name, f in found.items() if takes_or_gives_arrays(f) and name not in WITHOUT_SHAPE}


@pytest.mark.parametrize("name", forwards_and_backwards())
def test_docstrings_of_layers_and_models_name_shapes(name):
    assert SHAPE.search(forwards_and_backwards()[name].__doc__)


@pytest.mark.parametrize("name", contract.functions())
def test_docstrings_of_the_contract_name_shapes(name):
    function = contract.functions()[name]
    assert function.__doc__
    if takes_or_gives_arrays(function):
        assert SHAPE.search(function.__doc__)


def test_the_search_for_shapes_tells_them_from_other_brackets():
    for text in ("xs : (N, T, D)", "b (4H,)", "(H + D, 4H)", "(1, T_x) ids", "(2H, V)", "(N*T, V)", "any shape"):
        assert SHAPE.search(text)
    for text in (
        "Compute the loss (subclasses).",
        "sqrt(h)",
        "f(x, y)",
        "(see above, please)",
        "ids of (any) kind",
        "(Cho et al., 2014)",
    ):
        assert not SHAPE.search(text)


# ---- annotations -------------------------------------------------------------------------------------------------

SOURCES = sorted([*(ROOT / "fasts2s").rglob("*.py"), *(ROOT / "kernels" / "fasts2s_kernels").rglob("*.py")])


# Compiled functions: Numba infers their types, of a primitive from what stands below ``@name.compiled``.
COMPILED = {"inline", "parallel", "intrinsic", "Primitive"}


def is_compiled(f):
    names = [d.func if isinstance(d, ast.Call) else d for d in f.decorator_list]
    return any((n.attr == "compiled") if isinstance(n, ast.Attribute) else n.id in COMPILED for n in names)


def unannotated(source):
    """Functions of a source, nested ones too, with an argument or a result that has no annotation."""
    tree, bare = ast.parse(source), []
    compiled = {
        id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) and is_compiled(f) for n in ast.walk(f)
    }
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    methods = {
        id(f) for c in ast.walk(tree) if isinstance(c, ast.ClassDef) for f in c.body if isinstance(f, functions)
    }
    for f in (n for n in ast.walk(tree) if isinstance(n, functions)):
        if id(f) in compiled:
            continue
        arguments = [*f.args.posonlyargs, *f.args.args]
        is_static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in f.decorator_list)
        arguments = arguments[1:] if id(f) in methods and not is_static else arguments
        arguments += [*f.args.kwonlyargs, *filter(None, (f.args.vararg, f.args.kwarg))]
        if f.returns is None or any(a.annotation is None for a in arguments):
            bare.append(f.name)
    return bare


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_signature_is_annotated(path):
    assert unannotated(path.read_text(encoding="utf-8")) == []


def test_a_missing_annotation_is_seen():
    source = """
class A:
    def good(self, x: int, *rest: int, key: int = 1, **more: int) -> int: ...
    def bad_argument(self, x) -> None: ...
    async def good_too(self, x: int) -> int: ...
    def bad_key(self, *, x) -> None:
        def bad_result(): ...
def bad_rest(*rest) -> None: ...
@inline
def compiled(x): ...
@Primitive
def load(p): ...
@load.compiled
def _load(typing_context, p): ...
"""
    assert sorted(unannotated(source)) == ["bad_argument", "bad_key", "bad_rest", "bad_result"]


# ---- import ------------------------------------------------------------------------------------------------------


def test_import_loads_no_heavy_library():
    code = """
import json, sys, fasts2s
fasts2s.models.Rnnlm(5, 3, 2)
heavy = ["numba", "llvmlite", "cupy", "matplotlib", "tqdm", "torch", "scipy", "IPython"]
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, "FASTS2S_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert json.loads(done.stdout) == []
    assert done.stderr == ""


# ---- backends ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODULES)
def test_a_backend_has_exactly_the_functions_of_the_contract(name):
    module = load(name)
    there = {what for what in vars(module) if not what.startswith("_")}
    assert there == {*contract.functions(), *inspect.get_annotations(Kernels)}
    for what, expected in contract.functions().items():
        wanted = list(inspect.signature(expected).parameters.values())[1:]
        came = list(inspect.signature(getattr(module, what)).parameters.values())
        assert [(p.name, p.kind, p.default) for p in came] == [(p.name, p.kind, p.default) for p in wanted], what


def test_load_refuses_an_unknown_name():
    with pytest.raises(ValueError, match="there are no kernels named 'nonsense', expected one of"):
        load("nonsense")

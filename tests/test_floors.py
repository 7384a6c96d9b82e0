"""The floors of the house: who may import whom, and where the environment is read. Sources are read, not imported."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {"fasts2s": ROOT / "fasts2s", "fasts2s_kernels": ROOT / "kernels" / "fasts2s_kernels"}

# Unit (a file or folder directly in fasts2s) -> floor. fasts2s/__init__.py re-exports and is exempt.
FLOORS = {
    "fasts2s_kernels": 0,
    "models": 3,
    "text": 3,
    "corpus": 4,
    "onnx_backbone": 3,
    "resuming": 3,
    "distributed": 3,
    "trainer": 4,
    "text_to_text": 5,
    "dropin": 5,
}
FLOORS |= dict.fromkeys(("backend", "_reading", "_extras", "_text_batches", "_rows", "_memory"), 1)
FLOORS |= dict.fromkeys(("layers", "initial_weights", "optimizers", "generation", "evaluation", "checkpoint"), 2)
FLOORS |= dict.fromkeys(("testing", "sequence", "metrics", "schedules"), 2)
FLOORS |= dict.fromkeys(("cli", "__main__", "auto", "commands", "bench", "web", "examples", "apps"), 6)
FLOORS["exchange"] = 4
# What the package itself hands out comes from all units up to the trainer.
FLOOR_OF_THE_PACKAGE = 4

ALLOWED = {
    "fasts2s_kernels": {
        "numpy",
        "numba",
        "llvmlite",
        "filelock",
        "platformdirs",
        "threadpoolctl",
        "cupy",
        "cupyx",
        "fasts2s_kernels",
    },
    "fasts2s": {"numpy", "matplotlib", "PIL", "tqdm", "fasts2s", "fasts2s_kernels"},
}
# Libraries that only some files may have.
PEERS = {"fasts2s/bench/peers/_torch": {"torch"}, "fasts2s/bench/peers/_jax": {"jax"}}
PEERS["fasts2s/exchange/_torch"] = {"torch"}
PEERS |= {"fasts2s/web/_": {"starlette", "uvicorn"}, "fasts2s/dropin/recognise/kept": {"platformdirs"}}
# Import of what -> folder or file in which it may stand at module level (None: nowhere, only inside functions).
AT_MODULE_LEVEL = {
    "numba": "fasts2s_kernels/cpu/",
    "llvmlite": "fasts2s_kernels/cpu/",
    "filelock": "fasts2s_kernels/cpu/",
    "platformdirs": "fasts2s_kernels/cpu/",
    "cupy": "fasts2s_kernels/gpu/device.py",
    "cupyx": "fasts2s_kernels/gpu/device.py",
    "threadpoolctl": None,
    "matplotlib": None,
    "PIL": None,
    "tqdm": None,
}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


def unit_of(module):
    """The row of the table that a dotted module name belongs to, or None for the package itself."""
    first, _, rest = module.partition(".")
    return "fasts2s_kernels" if first == "fasts2s_kernels" else rest.partition(".")[0] or None


def imports(tree):
    """(dotted name, whether at module level) for every import; names imported from a package count as its modules."""
    inside = {
        id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) for n in ast.walk(f)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports with the whole name"
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from ((name, id(node) not in inside) for name in found)


def is_unit(name):
    return (SOURCES["fasts2s"] / f"{name}.py").exists() or (SOURCES["fasts2s"] / name).is_dir()


def floor_violations(place, source):
    """Imports in a file, e.g. fasts2s/models/rnnlm.py, that do not go down."""
    here = unit_of(place.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    found = []
    for name, _ in imports(ast.parse(source)):
        if name.partition(".")[0] not in SOURCES:
            continue
        there = unit_of(name)
        if name.startswith("fasts2s.") and (there not in FLOORS or not is_unit(there)):
            there = None  # a name that the package hands out
        floor = FLOOR_OF_THE_PACKAGE if there is None else FLOORS[there]
        down = floor < FLOORS[here] or here == there or FLOORS[here] == floor == 6
        if not down:
            found.append(name)
    return found


def outside_violations(place, source):
    """Imports of libraries that this file may not have, or not at module level."""
    package, found = place.partition("/")[0], []
    for name, at_module_level in imports(ast.parse(source)):
        library = name.partition(".")[0]
        where = AT_MODULE_LEVEL.get(library)
        wrong_place = library in AT_MODULE_LEVEL and at_module_level and not (where and place.startswith(where))
        more = next((found for start, found in PEERS.items() if place.startswith(start)), set())
        if library not in sys.stdlib_module_names | ALLOWED[package] | more or wrong_place:
            found.append(name)
    return found


def environment_violations(source):
    """Uses of the environment."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            found += [node.attr] * (node.attr in ENVIRONMENT)
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            found += [alias.name for alias in node.names if alias.name in ENVIRONMENT]
    return found


FILES = {
    f"{package}/{path.relative_to(folder).as_posix()}": path
    for package, folder in SOURCES.items()
    for path in sorted(folder.rglob("*.py"))
}


def test_every_module_is_in_the_table():
    units = {unit_of(place.removesuffix(".py").replace("/", ".")) for place in FILES} - {"__init__"}
    assert units <= set(FLOORS)
    assert {"fasts2s_kernels", "backend", "layers", "models", "trainer"} <= units


@pytest.mark.parametrize("place", [place for place in FILES if place != "fasts2s/__init__.py"])
def test_imports_go_down(place):
    assert floor_violations(place, FILES[place].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("place", FILES)
def test_libraries_are_imported_where_they_may_be(place):
    assert outside_violations(place, FILES[place].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "place", [place for place in FILES if not place.endswith(("fasts2s/backend.py", "cpu/environment.py"))]
)
def test_the_environment_is_read_in_one_place(place):
    assert environment_violations(FILES[place].read_text(encoding="utf-8")) == []


def test_njit_is_used_in_one_place():
    users = [place for place, path in FILES.items() if "numba.njit" in path.read_text(encoding="utf-8")]
    assert all(place.endswith("cpu/compiler.py") for place in users)
    named = [place for place in FILES if "import njit" in FILES[place].read_text(encoding="utf-8")]
    assert named == []


# ---- the rules see what breaks them ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("fasts2s_kernels/checks/arrays.py", "from fasts2s.backend import Backend"),
        ("fasts2s/backend.py", "def f():\n    from fasts2s.layers import Affine"),
        ("fasts2s/layers/lstm.py", "import fasts2s.models"),
        ("fasts2s/optimizers.py", "from fasts2s import layers"),
        ("fasts2s/generation.py", "from fasts2s.optimizers import clip_grads"),
        ("fasts2s/sequence/loading.py", "from fasts2s.corpus import load_text"),
        ("fasts2s/models/rnnlm.py", "from fasts2s import __version__"),
        ("fasts2s/models/rnnlm.py", "from fasts2s.trainer import Trainer"),
        ("fasts2s/trainer.py", "import fasts2s"),
    ],
)
def test_an_import_that_goes_up_is_seen(place, source):
    assert len(floor_violations(place, source)) == 1


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("fasts2s/layers/lstm.py", "from fasts2s.layers.recurrent import one_step"),
        ("fasts2s/models/rnnlm.py", "from fasts2s import initial_weights as init"),
        ("fasts2s/cli.py", "from fasts2s import __version__\nfrom fasts2s.commands import info"),
        ("fasts2s_kernels/ops/lstm/reference.py", "from fasts2s_kernels import checks"),
    ],
)
def test_an_import_that_goes_down_or_stays_in_its_folder_is_allowed(place, source):
    assert floor_violations(place, source) == []


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("fasts2s_kernels/ops/lstm/reference.py", "import numba"),
        ("fasts2s_kernels/ops/lstm/cpu.py", "from cupy import ndarray"),
        ("fasts2s_kernels/ops/lstm/gpu.py", "import cupy as cp"),
        ("fasts2s_kernels/checks/arrays.py", "def f():\n    import matplotlib"),
        ("fasts2s/backend.py", "import numba"),
        ("fasts2s/trainer.py", "if True:\n    import matplotlib.pyplot as plt"),
        ("fasts2s/cli.py", "class A:\n    from tqdm.auto import tqdm"),
        ("fasts2s/layers/lstm.py", "def f():\n    import scipy"),
    ],
)
def test_a_library_in_the_wrong_place_is_seen(place, source):
    assert len(outside_violations(place, source)) == 1


def test_libraries_in_the_right_place_are_allowed():
    assert outside_violations("fasts2s/trainer.py", "import math\ndef f():\n    import matplotlib.pyplot") == []
    assert outside_violations("fasts2s_kernels/cpu/jit.py", "import numba\nimport llvmlite.ir") == []
    assert outside_violations("fasts2s_kernels/gpu/device.py", "import cupy") == []


def test_reading_the_environment_is_seen():
    source = "import os\nfrom os import environ, path\na = os.environ.get('A')\nb = os.getenv('B')\nc = os.path"
    assert sorted(environment_violations(source)) == ["environ", "environ", "getenv"]


def test_cupy_is_imported_by_its_name_in_one_place_of_the_package():
    # Not by a statement: the drop-in loads it for the book, where somebody asks for it, and hands it on. Contestants
    # of the benchmarks have processes of their own.
    users = [p for p, path in FILES.items() if 'import_module("cupy' in path.read_text(encoding="utf-8")]
    apart = ("fasts2s/bench/peers/", "fasts2s_kernels/")
    assert [p for p in users if not p.startswith(apart)] == ["fasts2s/dropin/gpu/mode.py"]
    source = "import importlib\ndef f():\n    return importlib.import_module('cupy')"
    assert outside_violations("fasts2s/dropin/gpu/mode.py", source) == []
    assert outside_violations("fasts2s/dropin/gpu/mode.py", "def f():\n    import cupy") == ["cupy"]

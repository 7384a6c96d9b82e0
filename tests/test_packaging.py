"""What would be installed: two packages and nothing named kernels, with versions that agree."""

import importlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import fasts2s

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {"fasts2s": ROOT / "fasts2s", "fasts2s_kernels": ROOT / "kernels" / "fasts2s_kernels"}


@pytest.fixture(scope="module")
def pyproject():
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    return toml.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / done.stdout.split()[-1]) as file:
        yield {name: file.read(name) for name in file.namelist()}


def test_the_folder_of_the_kernels_is_no_package():
    assert (ROOT / "kernels" / "fasts2s_kernels" / "__init__.py").exists()
    assert not (ROOT / "kernels" / "__init__.py").exists()


def test_the_wheel_installs_two_packages_and_nothing_else(wheel):
    info = f"fasts2s-{fasts2s.__version__}.dist-info"
    assert {name.partition("/")[0] for name in wheel} == {"fasts2s", "fasts2s_kernels", info}
    assert f"{info}/licenses/LICENSE" in wheel
    assert wheel[f"{info}/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()


def test_the_wheel_holds_every_source_and_only_sources(wheel):
    wanted = {"fasts2s/py.typed", "fasts2s_kernels/py.typed"}
    for package, folder in SOURCES.items():
        for suffix in ("*.py", "*.cu", "book_code.json"):
            wanted |= {f"{package}/{path.relative_to(folder).as_posix()}" for path in folder.rglob(suffix)}
    held = {name for name in wheel if ".dist-info/" not in name}
    assert wanted <= held
    assert {Path(name).suffix for name in held} <= {".py", ".typed", ".cu", ".json"}
    assert all(wheel[name] == (SOURCES[name.split("/")[0]].parent / name).read_bytes() for name in wanted)


def test_the_wheel_says_name_version_and_floors(wheel):
    text = wheel[f"fasts2s-{fasts2s.__version__}.dist-info/METADATA"].decode()
    for line in (
        "Name: fasts2s",
        f"Version: {fasts2s.__version__}",
        "Requires-Python: >=3.10",
        "License-Expression: MIT",
        "Requires-Dist: numpy>=2.0",
    ):
        assert re.search(f"^{re.escape(line)}$", text, re.MULTILINE), line
    scripts = wheel[f"fasts2s-{fasts2s.__version__}.dist-info/entry_points.txt"].decode()
    assert "fasts2s = fasts2s.cli:main" in scripts


def test_the_command_of_the_wheel_exists():
    assert callable(importlib.import_module("fasts2s.cli").main)


def test_versions_agree(pyproject):
    assert pyproject["project"]["version"] == fasts2s.__version__


@pytest.mark.skipif(not (ROOT / "CHANGELOG.md").exists(), reason="there is no CHANGELOG.md")
def test_the_newest_heading_of_the_changelog_is_the_version():
    headings = re.findall(r"^## \[?v?(\d\S*?)\]?(?:\s|$)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == fasts2s.__version__


def test_floors_are_those_of_colab(pyproject):
    project = pyproject["project"]
    assert project["requires-python"] == ">=3.10"
    assert {"numpy>=2.0", "numba>=0.61"} <= set(project["dependencies"])
    assert not any(re.match(r"cupy|scipy|torch", name) for name in project["dependencies"])


def test_every_file_of_the_source_distribution_exists(pyproject):
    listed = pyproject["tool"]["hatch"]["build"]["targets"]["sdist"]["only-include"]
    assert [name for name in listed if not (ROOT / name).exists()] == []
    assert {"fasts2s", "kernels", "tests"} <= set(listed)

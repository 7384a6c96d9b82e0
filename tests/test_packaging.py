"""What would be installed: two packages and nothing named kernels, with versions that agree."""

import importlib
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import fasts2s
from fasts2s_kernels.installed import TESTED_NUMBA

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {"fasts2s": ROOT / "fasts2s", "fasts2s_kernels": ROOT / "kernels" / "fasts2s_kernels"}


@pytest.fixture(scope="module")
def pyproject():
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    return toml.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def built(what, folder):
    """Build the wheel or the sdist as pip does, in a process of its own; return its file."""
    code = f"import sys; from hatchling.build import build_{what} as build; print(build(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    with zipfile.ZipFile(built("wheel", tmp_path_factory.mktemp("wheel"))) as file:
        yield {name: file.read(name) for name in file.namelist()}


@pytest.fixture(scope="module")
def sdist_file(tmp_path_factory):
    return built("sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def sdist(sdist_file):
    """Path below the one folder of the source distribution -> its entry."""
    with tarfile.open(sdist_file) as file:
        entries = {entry.name: entry for entry in file.getmembers() if entry.isfile()}
    top = f"fasts2s-{fasts2s.__version__}/"
    assert all(name.startswith(top) for name in entries)
    return {name.removeprefix(top): entry for name, entry in entries.items()}


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
        for suffix in ("*.py", "*.cu", "book_code.json", "page.html", "page/*"):
            wanted |= {f"{package}/{path.relative_to(folder).as_posix()}" for path in folder.rglob(suffix)}
    held = {name for name in wheel if ".dist-info/" not in name}
    assert wanted <= held
    assert {Path(name).suffix for name in held} <= {".py", ".typed", ".cu", ".json", ".html", ".css", ".js", ".svg"}
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
    assert {"numpy>=2.0", TESTED_NUMBA} <= set(project["dependencies"])
    assert TESTED_NUMBA.startswith("numba>=0.61,<")
    assert not any(re.match(r"cupy|scipy|torch", name) for name in project["dependencies"])


def test_every_file_of_the_source_distribution_exists(pyproject):
    listed = pyproject["tool"]["hatch"]["build"]["targets"]["sdist"]["only-include"]
    assert [name for name in listed if not (ROOT / name).exists()] == []
    assert {"fasts2s", "kernels", "tests"} <= set(listed)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout")
def test_the_source_distribution_holds_every_file_of_the_repository(sdist):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = {name for name in listed.split("\0") if name and (ROOT / name).exists()}
    assert files - set(sdist) == set()
    assert {"DROPIN.md", "docs/backends.md"} <= set(sdist)


def test_the_source_distribution_holds_nothing_that_is_made(sdist):
    assert [name for name in sdist if "__pycache__" in name or ".egg-info" in name or name.startswith(".venv")] == []
    assert sdist[".ci/run"].mode & 0o100, "continuous integration starts it"


def test_what_an_index_shows_is_known_to_it_and_complete(pyproject):
    project = pyproject["project"]
    known = importlib.import_module("trove_classifiers").classifiers  # hatchling brings it
    assert set(project["classifiers"]) <= known
    assert project["classifiers"] == sorted(project["classifiers"], key=lambda name: name.split(" :: ")[0])
    assert not any(name.startswith("License ::") for name in project["classifiers"]), "license says it, as SPDX"
    topics = {name.partition(" ::")[0] for name in project["classifiers"]}
    assert topics >= {"Development Status", "Environment", "Intended Audience", "Operating System", "Topic", "Typing"}
    assert len({word.lower() for word in project["keywords"]}) == len(project["keywords"]) >= 10


def test_versions_of_python_agree(pyproject):
    said = {name.rpartition(" ")[2] for name in pyproject["project"]["classifiers"] if re.search(r":: 3\.\d+$", name)}
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    tested = set(re.findall(r'"(3\.\d+)"', workflow))
    assert tested <= said
    assert f">={min(said, key=lambda version: int(version[2:]))}" == pyproject["project"]["requires-python"]
    assert {f">={version}" for version in tested} >= {pyproject["project"]["requires-python"]}, "the oldest is tested"


# In place of make: says where it was called, with what, and in the source distribution what lies there.
MAKE = """#!/bin/sh
echo "$PWD make $*" >> "$LOG"
[ "$1" != check ] || exit "$CHECK"
cd "$2" && echo "$FASTS2S_TEST_REQUIRE $(ls DROPIN.md tests/conftest.py | xargs)" >> "$LOG"
"""


@pytest.fixture
def ci(sdist_file, tmp_path):
    """Runs .ci/run in a copy of the checkout, with another make; returns its status and what make was asked for."""
    with tarfile.open(sdist_file) as file:
        file.extractall(tmp_path, filter="data")
    (checkout,) = tmp_path.glob("fasts2s-*")
    programs = {
        tmp_path / "bin" / "make": MAKE,
        checkout / ".venv/bin/python": f'#!/bin/sh\n"{sys.executable}" "$@"\n',
    }
    for path, text in programs.items():
        path.parent.mkdir(parents=True)
        path.write_text(text)
        path.chmod(0o700)
    (tmp_path / "tmp").mkdir()
    (checkout / ".venv" / ".check").touch()

    def run(check):
        log = tmp_path / "log"
        ours = {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(tmp_path / "tmp")}
        done = subprocess.run(
            [str(checkout / ".ci" / "run")],
            cwd=tmp_path,
            env={**os.environ, **ours, "LOG": str(log), "CHECK": str(check)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done, log.read_text().splitlines()

    yield checkout, run
    assert list((tmp_path / "tmp").iterdir()) == [], "what was unpacked is left"
    assert not (checkout / ".venv" / ".check").exists(), "the environment is that of the unpacked tests"


@pytest.mark.skipif(os.name == "nt", reason="it is a shell script")
def test_continuous_integration_runs_the_tests_of_the_source_distribution(ci):
    checkout, run = ci
    done, asked = run(check=0)
    assert done.returncode == 0, done.stderr
    assert asked[0] == f"{checkout} make check"
    unpacked = re.fullmatch(rf"{checkout} make -C (\S+) test VENV={checkout}/\.venv", asked[1])
    assert unpacked, asked[1]
    assert not unpacked[1].startswith(str(checkout))
    assert asked[2:] == ["shim,nvrtc,mypy,text,onnx DROPIN.md tests/conftest.py"]


@pytest.mark.skipif(os.name == "nt", reason="it is a shell script")
def test_continuous_integration_stops_where_the_check_fails(ci):
    checkout, run = ci
    done, asked = run(check=3)
    assert done.returncode
    assert asked == [f"{checkout} make check"]

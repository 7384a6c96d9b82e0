"""What the pages show works: blocks of Python and of notebooks run, links lead somewhere. (Shell: tests/bench.)"""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fasts2s

ROOT = Path(__file__).resolve().parent.parent
README, DOCS = ROOT / "README.md", sorted((ROOT / "docs").glob("*.md"))
PAGES = [README, *DOCS, *sorted(ROOT.glob("[!R]*.md")), *sorted(ROOT.glob("[bdk]*/README.md"))]
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in PAGES}

TOPS = ("fasts2s", "kernels", "tests", "benchmarks")

# Runs cells of a notebook, given on stdin, in a real shell of IPython; says what is in force after the last one.
SHELL = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in sys.stdin.read().split("\\0"):
    shell.run_cell(cell, store_history=True).raise_error()
import fasts2s
print("ends with", fasts2s.get_backend().name, fasts2s.is_patched())
"""


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def with_blocks(language):
    return [name for name, text in TEXTS.items() if blocks(text, language)]


def prose(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text):
    """What GitHub makes of headings: lower case, blanks as hyphens, nothing else but letters and digits."""
    headings = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def faulty_links(name, text):
    """Targets of a page, itself given as a text, that do not exist."""
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        file, _, anchor = target.partition("#")
        path = (ROOT / name).parent / file if file else ROOT / name
        if not path.exists() or (anchor and anchor not in anchors(text if not file else path.read_text("utf-8"))):
            found.append(target)
    return found


def test_the_pages_are_those_of_the_project():
    assert len(DOCS) >= 7
    assert {"README.md", "DROPIN.md", "CONTRIBUTING.md", "kernels/README.md", "data/README.md"} <= set(TEXTS)


@pytest.fixture(scope="module")
def after(tmp_path_factory):
    """Return after(page): the names and the output that its blocks of Python leave, run once, one after the other."""
    done = {}

    def run(page):
        if page not in done:
            names, said = {}, io.StringIO()
            with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
                patch.chdir(tmp_path_factory.mktemp("page"))
                for block in blocks(TEXTS[page], "python"):
                    exec(compile(block, page, "exec"), names)
                names["files"] = {path.name for path in Path().iterdir()}
            done[page] = names, said.getvalue()
        return done[page]

    return run


@pytest.mark.parametrize("name", with_blocks("python"))
def test_python_blocks_run_one_after_the_other(name, after):
    after(name)


def test_the_blocks_show_what_they_say(after):
    names, said = after("docs/python.md")
    assert (names["hs"].shape, names["out"].shape) == ((4, 7, 128), (4, 128))
    assert said.splitlines()[-1].split()[0] == "you"
    assert names["extra"]["words"] == list(names["word_to_id"])
    names, said = after("docs/padding.md")
    assert names["xs"].tolist() == [[3, 1, 4], [1, 5, 0]]
    assert said == "0.0\n"
    assert after("docs/backends.md")[1].startswith("numpy\n")
    assert len(blocks(TEXTS["README.md"], "python")) == 1
    names, said = after("README.md")
    assert "217,773" in said
    assert "model.npz" in names["files"]


@pytest.mark.parametrize(
    ("name", "end"), [("README.md", "numba True"), ("docs/notebook.md", "numpy True")], ids=["README", "notebook"]
)
def test_cells_of_a_notebook_run(name, end, tmp_path):
    pytest.importorskip("IPython")
    assert set(with_blocks("ipython")) == {"README.md", "docs/notebook.md"}
    ours = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "IPYTHONDIR": str(tmp_path / "ipython")}
    done = subprocess.run(
        [sys.executable, "-c", SHELL], input="\0".join(blocks(TEXTS[name], "ipython")), env={**os.environ, **ours},
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"ends with {end}"


@pytest.mark.parametrize("name", TEXTS)
def test_links_and_pictures_lead_somewhere(name):
    assert faulty_links(name, TEXTS[name]) == []


def test_a_link_that_leads_nowhere_is_seen():
    text = (
        "# A *b*, `c`!\n[1](#a-b-c) [2](#a-b) [3](docs/none.md) [4](docs/backends.md#gpu) [5](docs/backends.md#gpus)"
    )
    assert faulty_links("README.md", text) == ["#a-b", "docs/none.md", "docs/backends.md#gpus"]


@pytest.mark.parametrize("name", sorted(set(TEXTS) - {"CHANGELOG.md"}))  # which names files of older versions
def test_files_that_are_named_exist(name):
    for file in re.findall(r"`((?:tests|benchmarks|docs|data|fasts2s|kernels)/[\w/.*]+)`", TEXTS[name]):
        assert list(ROOT.glob(file.rstrip("/"))), file


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "kernels/README.md"])
def test_sources_that_are_named_exist(name):
    sources = [path.as_posix() for top in TOPS for path in (ROOT / top).rglob("*.*")]
    named = re.findall(r"`(\w[\w/]*\.(?:py|cu))`", TEXTS[name])
    assert len(named) > 8
    assert [file for file in named if not any(path.endswith(f"/{file}") for path in sources)] == []


def test_the_readme_is_short_and_leads_to_every_page():
    assert len(TEXTS["README.md"].splitlines()) <= 165
    targets = re.findall(r"\]\(([^)#]+)\)", TEXTS["README.md"])
    assert {path.relative_to(ROOT).as_posix() for path in DOCS} <= set(targets)
    assert {"DROPIN.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md"} <= set(targets)


def test_the_settings_are_those_that_are_read():
    known = set(fasts2s.backend._VARIABLES)
    assert set(re.findall(r"^\| `(FASTS2S_\w+)`", TEXTS["docs/backends.md"], re.MULTILINE)) == known

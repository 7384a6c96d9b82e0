"""The notebooks run from the first cell to the last, at small sizes; in all languages they have the same code."""

import importlib.util
import json
import os
import re
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from tests.test_readme import ROOT

FOLDER = ROOT / "notebooks"
NAMES = sorted(path.stem for path in (FOLDER / "sources").glob("*.md"))
#: What the cell with the sizes is followed by.
SMALL = {name: {"EPOCHS": 1, "HIDDEN": 8, "ROUNDS": 1} for name in NAMES}
for _name in NAMES[1:]:
    SMALL[_name]["ROWS"] = 256


def _read(name, language=""):
    return nbformat.read(FOLDER / f"{name}{language}.ipynb", as_version=4)


def _code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _sources(cells):
    return [(cell.source, cell.metadata.get("tags", [])) for cell in cells]


@pytest.fixture(scope="module")
def make():
    """The program that writes the notebooks."""
    spec = importlib.util.spec_from_file_location("make_notebooks", FOLDER / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_notebooks_are_those_of_their_sources(make, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["make.py", "--check"])
    assert make.main() == 0
    assert len(list(FOLDER.glob("*.ipynb"))) == 3 * len(NAMES) == 9
    monkeypatch.setattr(make, "notebook", lambda *_: "other")
    assert make.main() == 1
    assert "1_generate_text.ko.ipynb" in capsys.readouterr().err


def test_a_text_without_one_of_the_languages_is_seen(make):
    with pytest.raises(ValueError, match="expected \\('en', 'ko', 'ja'\\)"):
        make.notebook("<!-- en -->\na\n<!-- ko -->\nb\n```python\n1\n```\n", "en")


@pytest.mark.parametrize("name", NAMES)
def test_all_languages_have_the_same_code_and_as_many_texts(name):
    english, *others = (_read(name, language) for language in ("", ".ko", ".ja"))
    for other in others:
        assert _sources(_code(other)) == _sources(_code(english))
        assert [cell.cell_type for cell in other.cells] == [cell.cell_type for cell in english.cells]
    texts = [[cell.source for cell in one.cells if cell.cell_type == "markdown"] for one in (english, *others)]
    for letters, own in zip((r"[a-z]", "[\uac00-\ud7a3]", "[\u3040-\u30ff\u4e00-\u9fff]"), texts, strict=True):
        assert [text for text in own if not re.search(letters, text)] == []
    assert not any(re.search("[\uac00-\ud7a3\u3040-\u30ff]", text) for text in texts[0])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_installed_already_is_not_installed(name):
    first = _code(_read(name))[0].source
    assert first.startswith("import importlib.util\n\nif importlib.util.find_spec")
    assert "    %pip install -q fasts2s" in first
    assert all("%pip" not in cell.source for cell in _code(_read(name))[1:])


@pytest.mark.parametrize("language", ["", ".ko", ".ja"])
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs(name, language, monkeypatch, tmp_path):
    notebook = _read(name, language)
    (sizes,) = [k for k, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    assert {line.split(" = ")[0] for line in notebook.cells[sizes].source.splitlines()} == set(SMALL[name])
    smaller = "\n".join(f"{size} = {value}" for size, value in SMALL[name].items())
    notebook.cells[sizes].source += f"\n{smaller}"
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    NotebookClient(notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in _code(notebook) for output in cell.outputs]
    said = "".join(output.text for output in outputs if output.output_type == "stream")
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    assert said.count("times as fast, same") == 2
    assert "fasts2s, numba" in said
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 1
    assert json.dumps(notebook)

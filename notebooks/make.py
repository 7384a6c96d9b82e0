"""Write the notebooks in three languages from their sources.

    python notebooks/make.py [--check]

A source, ``sources/NAME.md``, has blocks of code and between them the text in all languages, each behind a line such
as ``<!-- ko -->``. Of it come NAME.ipynb (English), NAME.ko.ipynb and NAME.ja.ipynb, with the same code. The block
behind ``python parameters`` gets a tag: the tests run the notebook with smaller sizes than those there.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat
from nbformat import v4

HERE = Path(__file__).resolve().parent
SOURCES = sorted((HERE / "sources").glob("*.md"))
LANGUAGES = ("en", "ko", "ja")
_CODE = re.compile(r"^```python ?(\w*)\n(.*?)^```$\n?", re.DOTALL | re.MULTILINE)
_LANGUAGE = re.compile(r"^<!-- (\w+) -->$\n?", re.MULTILINE)


def path_of(source: Path, language: str) -> Path:
    """Return the notebook of a source in a language."""
    return HERE / f"{source.stem}{'' if language == 'en' else f'.{language}'}.ipynb"


def notebook(text: str, language: str) -> str:
    """Return the notebook of a source's text, as JSON. Raises ValueError where a language is missing."""
    cells, parts = [], _CODE.split(text)
    for prose, tag, code in zip(parts[::3], [*parts[1::3], ""], [*parts[2::3], ""], strict=True):
        if prose.strip():
            cells.append(v4.new_markdown_cell(_in(language, prose), id=f"cell-{len(cells):02}"))
        if code:
            about = {"tags": [tag]} if tag else {}
            cells.append(v4.new_code_cell(code.strip(), id=f"cell-{len(cells):02}", metadata=about))
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    made = v4.new_notebook(cells=cells, metadata={**kernel, "language_info": {"name": "python"}})
    nbformat.validate(made)
    return nbformat.writes(made, indent=1, ensure_ascii=False) + "\n"


def _in(language: str, prose: str) -> str:
    parts = _LANGUAGE.split(prose)
    texts = dict(zip(parts[1::2], parts[2::2], strict=True))
    if parts[0].strip() or set(texts) != set(LANGUAGES):
        raise ValueError(f"a text has the languages {sorted(texts)}, expected {LANGUAGES}: {prose.strip()[:60]!r}")
    return texts[language].strip()


def main() -> int:
    """Write all notebooks; with --check compare them, the exit status is 1 where one is not as its source."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check, other = parser.parse_args().check, []
    for source in SOURCES:
        for language in LANGUAGES:
            path, text = path_of(source, language), notebook(source.read_text(encoding="utf-8"), language)
            if check and not (path.exists() and path.read_text(encoding="utf-8") == text):
                other.append(path.name)
            elif not check:
                path.write_text(text, encoding="utf-8")
    if other:
        print(f"not as their sources: {', '.join(other)}: run python notebooks/make.py", file=sys.stderr)
    return int(bool(other))


if __name__ == "__main__":
    sys.exit(main())

"""The cells of a reader's notebook in a shell of IPython, made shorter as scripts are, plain or with the extension.

    python benchmarks/wild/cells.py plain '{"epochs": 1}' FOLDER notebook.ipynb

``without`` in the description lists numbers of cells, from 0, that are left out. A cell with an error ends it.
"""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from shortened import Shorter, begin, shorten


def main(way: str, about: str, folder: str, notebook: str, *options: str) -> int:
    """Run it; return the exit status."""
    settings = json.loads(about)
    sys.dont_write_bytecode = True
    sys.path[0] = str(Path(notebook).resolve().parent)
    shorten(os.path.realpath(folder), settings)
    shell: Any = InteractiveShell.instance(colors="NoColor")
    shell.ast_transformers.append(Shorter(settings.get("epochs", 1), settings.get("set", {})))
    begin()
    if way == "fasts2s":
        shell.run_line_magic("load_ext", "fasts2s")
    cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    codes = [cell for cell in cells if cell["cell_type"] == "code"]
    for number, cell in enumerate(codes):
        if number in settings.get("without", []):
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = shell.run_cell("".join(cell["source"]))
        if not result.success:
            print(f"cell {number}: {result.error_before_exec or result.error_in_exec!r}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

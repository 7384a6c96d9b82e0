"""Runs a script of the book with fewer epochs, by plain python or by the drop-in; the file stays as it is.

    python benchmarks/shortened.py plain 1 train_seq2seq.py
    python benchmarks/shortened.py fasts2s 1 --profile train_seq2seq.py

When the script is compiled, the number in its line ``max_epoch = ...`` is exchanged. With
FASTS2S_TEST_EDITS=reverse,peeky its two switches are set, too, as the book tells its readers to do by hand. NumPy's
generator is seeded, so that two runs of a script that does not do so can be compared.
"""

import builtins
import linecache
import os
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np

_compile = builtins.compile


def edited(text: str, epochs: int, edits: set[str]) -> str:
    """Return the text of a script with other constants, line for line."""
    text = re.sub(r"^max_epoch = \d+", f"max_epoch = {epochs}", text, flags=re.MULTILINE)
    if "reverse" in edits:
        text = re.sub(r"^is_reverse = False", "is_reverse = True", text, flags=re.MULTILINE)
    if "peeky" in edits:
        text = re.sub(r"^model = (Attention)?Seq2seq\(", "model = PeekySeq2seq(", text, flags=re.MULTILINE)
    return text


def shorten(script: str, epochs: int, edits: set[str]) -> None:
    """Let this one script be compiled from its edited text, and let that be the text that others find."""
    wanted = str(Path(script).resolve())

    def compile_edited(source: Any, filename: Any, *args: Any, **kwargs: Any) -> Any:
        name = os.fsdecode(filename)
        if isinstance(source, bytes | str) and str(Path(name).resolve()) == wanted:
            text = source if isinstance(source, str) else source.decode("utf-8")
            source = edited(text, epochs, edits)
            linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        return _compile(source, filename, *args, **kwargs)

    builtins.compile = compile_edited


def main() -> int:
    """Run it; return the exit status."""
    way, epochs, rest = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    edits = set(os.environ.pop("FASTS2S_TEST_EDITS", "").split(","))
    script = next(word for word in rest if word.endswith(".py"))
    shorten(script, epochs, edits)
    np.random.seed(0)
    if way == "fasts2s":
        from fasts2s.dropin import launch  # noqa: PLC0415 - plain python must not load it

        return launch.main(rest)
    sys.argv = rest
    sys.path[0] = str(Path(script).resolve().parent)
    runpy.run_path(script, run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())

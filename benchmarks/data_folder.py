"""Where the measuring programs find the book's data files."""

import argparse
import os
import sys
from pathlib import Path


def data_folder(description: str) -> Path:
    """Parse the command line of a measuring program; return the folder of the book's files, or exit with a word."""
    default = os.environ.get("FASTS2S_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data" / "book")
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, default=Path(default), help="folder of the book's files (%(default)s)")
    folder: Path = parser.parse_args().data
    if not (folder / "addition.txt.gz").exists():
        sys.exit(f"{folder} does not hold the book's files: see benchmarks/README.md, then give --data")
    return folder

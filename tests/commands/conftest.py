"""What the tests of the console script need before the first of them runs."""

import subprocess
import sys

import pytest

from fasts2s.cli import main


@pytest.fixture(scope="session", autouse=True)
def _font_cache():
    """Let matplotlib look for fonts once, in a process of its own: it leaves files open, and warnings are errors."""
    subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], check=True, timeout=300)


@pytest.fixture
def generate(capsys):
    """Return generate(folder, *options): the status and what was printed."""

    def run(folder, *options):
        capsys.readouterr()
        status = main(["generate", str(folder), "--seed", "1", "--length", "8", *options])
        return status, capsys.readouterr()

    return run

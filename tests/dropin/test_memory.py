"""What the launcher tells the C library, and what it leaves alone while packages are imported."""

import ctypes
import gc
import os
import sys
from types import SimpleNamespace

import pytest

from fasts2s.dropin.run import memory

MIB = 1 << 20


def _told(monkeypatch, library):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    for name in [name for name in os.environ if name.startswith(("MALLOC_", "GLIBC_TUNABLES"))]:
        monkeypatch.delenv(name)


def test_glibc_is_told_what_to_keep(monkeypatch):
    told = {}
    _told(monkeypatch, SimpleNamespace(mallopt=told.__setitem__))
    memory.keep()
    assert told == {-3: 32 * MIB, -1: 64 * MIB, -2: 4 * MIB}


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_who_has_chosen_is_heard(monkeypatch, name):
    told = {}
    _told(monkeypatch, SimpleNamespace(mallopt=told.__setitem__))
    monkeypatch.setenv(name, "1")
    memory.keep()
    assert told == {}


def test_another_c_library(monkeypatch):
    _told(monkeypatch, SimpleNamespace())
    memory.keep()


PACKAGE = """
import gc
during = gc.get_threshold()
{more}
from package import inner
"""


@pytest.mark.parametrize(
    ("more", "after"),
    [("", "(700, 10, 9)"), ("gc.set_threshold(5, 6, 7)", "(5, 6, 7)"), ("raise OSError", "(700, 10, 9)")],
)
def test_nothing_is_collected_while_a_package_is_imported(run, tmp_path, more, after):
    package = tmp_path / "site-packages" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PACKAGE.format(more=more))
    (package / "inner.py").write_text("import gc\nduring = gc.get_threshold(), gc.isenabled()\n")
    (tmp_path / "s.py").write_text(
        f"import gc, sys\nsys.path.append({str(tmp_path / 'site-packages')!r})\ngc.set_threshold(700, 10, 9)\n"
        "try:\n    import package\n    print(package.during[0], package.inner.during)\n"
        "    import importlib\n    importlib.reload(package.inner)\n    print(type(package.__loader__).__name__)\n"
        "except OSError:\n    print('an error')\nprint(gc.get_threshold(), gc.isenabled())\n"
        "import mine\n"
    )
    (tmp_path / "mine.py").write_text("import gc\nprint(gc.get_threshold()[0] > 0)\n")
    lines = run("-q", "s.py", cwd=tmp_path).stdout.splitlines()
    assert lines[-2:] == [f"{after} True", "True"]
    first = {"": "((0, 10, 9), True)", "gc.set_threshold(5, 6, 7)": "((0, 6, 7), True)"}
    assert lines[0] == (f"0 {first[more]}" if more in first else "an error")
    assert lines[1] == "SourceFileLoader" or more == "raise OSError"
    assert gc.isenabled()

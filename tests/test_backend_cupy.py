"""The backend cupy: what keeps it from running, what says so, its settings."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from fasts2s import backend as backend_module
from fasts2s.cli import main
from tests.fresh_python import run_python

ROOT = Path(__file__).resolve().parent.parent
AUTO = "numba"


STAND_IN = str(ROOT / "tests" / "stand_in")
SAY = """
import sys
sys.path.insert(0, sys.argv[1]) if len(sys.argv) > 1 else None
import fasts2s
for choose in (fasts2s.get_backend, fasts2s.set_backend, fasts2s.models.Rnnlm):
    try:
        choose("cupy") if choose is not fasts2s.models.Rnnlm else choose(5, 3, 2, backend="gpu")
    except (ImportError, RuntimeError) as error:
        print(type(error).__name__, error)
print(fasts2s.get_backend("auto").name, fasts2s.backends()["cupy"])
"""


def said_of_cupy(*arguments, **environment):
    """What choosing cupy says, three times alike, and its row of backends()."""
    done = run_python(f"import sys; sys.argv[1:] = {arguments!r}\n{SAY}", FASTS2S_BACKEND="", **environment)
    assert done.returncode == 0, done.stderr
    *errors, row = done.stdout.splitlines()
    assert len(errors) == 3
    return errors, row


@pytest.mark.skipif("site-packages" in (getattr(find_spec("cupy"), "origin", "") or ""), reason="CuPy is installed")
def test_without_cupy_its_backend_is_an_import_error_that_says_what_to_install():
    errors, row = said_of_cupy()
    for error in errors:
        assert re.match(
            r"ImportError backend is '(cupy|gpu)', but CuPy is not installed: pip install 'fasts2s\[", error
        )
        assert "fasts2s[cuda12]" in error
        assert "fasts2s[cuda13]" in error
        assert "choose numpy or auto" in error
    assert row.startswith(f'{AUTO} BackendStatus(usable=False, reason="CuPy is not installed: pip install')


@pytest.mark.parametrize(("devices", "reason"), [("0", "no CUDA device"), ("broken", "no CUDA device: ")])
def test_without_a_device_cupy_is_a_runtime_error(devices, reason):
    errors, row = said_of_cupy(STAND_IN, STAND_IN_DEVICES=devices)
    for error in errors:
        assert re.match(rf"NoDeviceError backend is '(cupy|gpu)', but CuPy 14\.2\.0 was found, but {reason}", error)
    assert row.startswith(f"{AUTO} BackendStatus(usable=False, reason=")
    assert "version='14.2.0'" in row


def test_a_broken_cupy_is_an_import_error(tmp_path):
    (tmp_path / "cupy.py").write_text("raise OSError('libnvrtc.so.12: cannot open')\n")
    errors, row = said_of_cupy(str(tmp_path))
    assert all("ImportError" in error and "libnvrtc.so.12: cannot open" in error for error in errors)
    assert "usable=False" in row


def test_auto_is_never_cupy(shim):
    code = f"import sys; sys.path.insert(0, {STAND_IN!r}); import fasts2s; print(fasts2s.get_backend().name)"
    done = run_python(f"{code}; print('cupy' in sys.modules)")
    assert done.stdout.split() == [AUTO, "False"], done.stderr


@pytest.mark.parametrize(
    ("text", "check"), [("1", True), ("true", True), (" Yes ", True), ("0", False), ("no", False), ("OFF", False)]
)
def test_whether_ids_are_looked_at_at_once_comes_from_the_environment(text, check, monkeypatch):
    monkeypatch.setenv("FASTS2S_CHECK", text)
    assert backend_module._settings().check is check
    monkeypatch.delenv("FASTS2S_CHECK")
    assert not backend_module._settings().check


def test_a_wrong_check_is_an_error(monkeypatch):
    monkeypatch.setenv("FASTS2S_CHECK", "maybe")
    with pytest.raises(ValueError, match="FASTS2S_CHECK is 'maybe', expected 1"):
        backend_module._settings()


def test_with_check_an_id_out_of_range_is_an_error_of_its_own_call(shim):
    code = f"""
import sys; sys.path[:0] = [{STAND_IN!r}, {str(ROOT)!r}]
import numpy as np, fasts2s
W, ids = fasts2s.to_gpu(np.ones((5, 3), np.float32)), fasts2s.to_gpu(np.array([1, 7]))
try:
    fasts2s.layers.Embedding(W).forward(ids)
    print("none")
except IndexError as error:
    print(error)
"""
    for check, said in (("1", "ids holds 7 at position (1,), expected ids from -5 to 4 (V = 5)"), ("0", "none")):
        done = run_python(code, FASTS2S_CHECK=check)
        assert done.stdout.strip() == said, done.stderr


def test_the_console_script_says_in_one_line_what_is_missing(shim, monkeypatch, capsys, tmp_path):
    pytest.importorskip("cupy.stand_in")  # a real one cannot be taken away
    monkeypatch.setattr(backend_module, "_seen", set())
    monkeypatch.setenv("STAND_IN_DEVICES", "0")
    for choose in (["--backend", "cupy"], []):
        monkeypatch.setenv("FASTS2S_BACKEND", "" if choose else "cupy")
        assert main(["train", "addition", "--out", str(tmp_path), *choose]) == 1
        assert re.fullmatch(r"fasts2s: .* no CUDA device; or choose numpy or auto\n", capsys.readouterr().err)


def test_info_shows_the_device(shim, capsys, monkeypatch):
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"(?m)^device +\S.*sm_\d+", out)
    assert re.search(r"(?m)^versions +CuPy", out)
    assert re.search(r"(?m)^  cupy +\S+ +usable$", out)
    monkeypatch.setenv("FASTS2S_BACKEND", "cupy")
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert "FASTS2S_BACKEND=cupy" in out
    assert len(re.findall(r"(?m)^device ", out)) == 1

"""``fasts2s info``: what it says, and what it must not do."""

import pytest

from fasts2s.cli import main
from fasts2s_kernels import blas
from tests.fresh_python import run_python


def test_info_says_how_many_threads_the_blas_has(capsys, monkeypatch):
    monkeypatch.setattr(blas, "describe", lambda: "openblas 0.3, 1 threads")
    monkeypatch.setattr(blas, "crowded", lambda: "")
    assert main(["info"]) == 0
    assert "BLAS       openblas 0.3, 1 threads\n\nbackends" in capsys.readouterr().out
    monkeypatch.setattr(blas, "crowded", lambda: "the load is 7")
    assert main(["info"]) == 0
    assert "1 threads\n           the load is 7\n" in capsys.readouterr().out


@pytest.mark.parametrize("switch", ["numpy", "auto"])
def test_info_explains_a_wrong_number_of_threads(switch, capsys, monkeypatch):
    monkeypatch.setenv("FASTS2S_BACKEND", switch)
    monkeypatch.setenv("FASTS2S_NUM_THREADS", "two")
    assert main(["info"]) == 0
    assert "FASTS2S_NUM_THREADS is 'two', expected" in capsys.readouterr().out


@pytest.mark.parametrize("backend", ["numba", "auto", "numpy"])
def test_info_compiles_nothing(backend, tmp_path):
    code = "from fasts2s.cli import main; raise SystemExit(main(['info']))"
    done = run_python(code, FASTS2S_BACKEND=backend, FASTS2S_CACHE_DIR=str(tmp_path / "new"))
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "new").exists()
    assert ("processor " in done.stdout) == (backend != "numpy")
    assert (f"cache      {tmp_path / 'new' / 'kernels-'}" in done.stdout) == (backend != "numpy")

"""``fasts2s warmup``: what it deletes where it is asked to."""

import pytest

from fasts2s.cli import main
from fasts2s.commands import warmup
from fasts2s_kernels import setup_of
from fasts2s_kernels.cpu.cleaning import Cleaned


@pytest.fixture
def cleaned(monkeypatch, tmp_path):
    """Lets the cache be cleaned with these results, and nothing be compiled."""
    asked = []

    def give(removed, freed, kept):
        monkeypatch.setattr(
            setup_of("numba"), "clean", lambda: asked.append(1) or Cleaned(tmp_path, removed, freed, kept)
        )

    monkeypatch.setattr(setup_of("numba"), "warmup", lambda advance: 3)
    give(0, 0, [])
    return asked, give


def test_without_the_option_nothing_is_deleted(cleaned, capsys):
    assert main(["warmup", "--backend", "numba"]) == 0
    assert cleaned[0] == []
    assert "3 kernels of the numba backend are ready" in capsys.readouterr().out


def test_it_says_what_it_freed_and_what_it_kept(cleaned, tmp_path, capsys):
    cleaned[1](2, 61_234_567, [tmp_path / "kernels-1"])
    assert main(["warmup", "--clean", "--backend", "numba"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"removed 2 folders of other versions from {tmp_path}: 61.2 MB are free"
    assert lines[1] == f"kept {tmp_path / 'kernels-1'}: another process is using it, or it cannot be deleted"
    assert cleaned[0] == [1]


def test_old_kernels_go_whatever_backend_is_warmed_up(cleaned, capsys):
    assert main(["warmup", "--clean", "--backend", "numpy"]) == 0
    assert cleaned[0] == [1]
    assert "nothing to compile" in capsys.readouterr().out
    assert warmup._folders(1) == "1 folder"

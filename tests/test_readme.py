"""What the README shows works: its Python blocks run, its links lead somewhere. (Its shell lines: tests/bench.)"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_python_blocks_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    assert len(_blocks("python")) == 3
    for block in _blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert names["hs"].shape == (4, 7, 128)
    assert "217,773" in capsys.readouterr().out
    assert (tmp_path / "model.npz").exists()


def test_links_and_pictures_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(targets) >= 5
    for target in targets:
        assert (ROOT / target).exists(), target


def test_files_named_in_tables_exist():
    for name in re.findall(r"`((?:tests|benchmarks)/[\w/.*]+)`", README):
        assert list(ROOT.glob(name)), name

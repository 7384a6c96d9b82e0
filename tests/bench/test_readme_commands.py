"""The program that runs the README's commands finds all of them; every one is known to the parser it goes to."""

import re
import shlex
from pathlib import Path

import pytest

from benchmarks import readme_commands
from fasts2s.cli import make_parser
from fasts2s.dropin.run import options

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def require_known(text):
    """Parse a command as its program would; argparse ends the process for what it does not know."""
    words = shlex.split(text, comments=True)
    program, *rest = words[1:] if "=" in words[0] else words
    if program == "fasts2s":
        make_parser().parse_args(rest)
    elif program == "make":
        assert set(rest) <= set(TARGETS), text
    elif program == "python":
        assert rest[:2] == ["-m", "fasts2s"], text
        options.parse(rest[2:])
    else:
        assert (program, len(rest)) in {("cd", 1), ("pip", 2)}, f"what is {program}? {text}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_is_found_in_order_and_every_command_is_known(page):
    text = page.read_text(encoding="utf-8")
    found = readme_commands.steps(text)
    fences = [line for line in text.splitlines() if line.lstrip().startswith("```")]
    known = {"```sh", "```python", "```ipython", "```text", "```"}
    assert set(fences) <= known, "a block of a kind that nobody runs"
    assert sum(step.language == "python" for step in found) == fences.count("```python")
    shell = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)).splitlines()
    commands = [line.split("  #")[0].strip() for line in shell if line and not line.startswith("#")]
    assert [step.text for step in found if step.language == "sh"] == commands
    for command in commands:
        require_known(command)


def test_the_sections_whose_times_are_quoted_are_there():
    found = readme_commands.steps(PAGES[0].read_text(encoding="utf-8"))
    assert (found[0].section, found[0].text) == ("Two commands", "make demo")
    assert sum(step.section == "A tour" and step.text.startswith("fasts2s ") for step in found) >= 8
    assert sum(step.language == "python" for step in found) == 1


@pytest.mark.parametrize("text", ["fasts2s train sums", "fasts2s info --fast", "make all", "python x.py", "rm -r x"])
def test_a_command_that_nobody_knows_is_seen(text):
    with pytest.raises((AssertionError, SystemExit)):
        require_known(text)


SMALL = """
## First
```sh
fasts2s --version    # says it
fasts2s inof
python -c "print(7 * 6)"; ls
make test
pip install nothing
```
## Second
```python
x = 1
```
```python
print(x + 1, flush=True)
raise KeyError(x)
```
"""


def test_each_is_run_timed_or_told_why_not(tmp_path):
    done = list(readme_commands.run(readme_commands.steps(SMALL), tmp_path, long=False))
    version, wrong, python, suite, pip, first, second = done
    assert version.said.startswith("fasts2s 0")
    assert 0 < version.seconds < 120
    assert [step.failed for step in done] == [False, True, False, False, False, False, True]
    assert "invalid choice: 'inof'" in wrong.why
    assert python.said == "42\n", "the folder is empty"
    assert (suite.seconds, suite.why) == (None, "takes many minutes: --long")
    assert (pip.seconds, pip.why) == (None, "changes the environment")
    assert first.seconds >= 0
    assert "KeyError: 1" in second.why


def test_the_scripts_of_the_book_run_in_a_copy(tmp_path, monkeypatch):
    book = tmp_path / "book"
    for name in ("book/common", "book/ch07", "work", "again"):
        (tmp_path / name).mkdir(parents=True)
    (book / "common" / "time_layers.py").touch()
    (book / "ch07" / "train.py").write_text("open('made', 'w').close()")
    found = readme_commands.steps("```sh\ncd ch07\npython -m fasts2s -q train.py\n```\n")
    monkeypatch.delenv("FASTS2S_BOOK", raising=False)
    why = {step.why for step in readme_commands.run(found, tmp_path / "work", long=False)}
    assert why == {"wants FASTS2S_BOOK, a checkout of the book's code"}
    monkeypatch.setenv("FASTS2S_BOOK", str(book))
    assert [step.why for step in readme_commands.run(found, tmp_path / "again", long=False)] == ["", ""]
    assert (tmp_path / "again" / "book" / "ch07" / "made").exists()
    assert not (book / "ch07" / "made").exists()

"""The program that runs the README's commands finds all of them; every one is known to the parser it goes to."""

import re
import shlex
from pathlib import Path

import pytest

from benchmarks import readme_commands
from fasts2s.cli import make_parser
from fasts2s.dropin import options

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def words_of(step):
    """Words of a command, without what is set in its environment."""
    words = shlex.split(step.text, comments=True)
    return words[1:] if "=" in words[0] else words


def require_known(step):
    """Parse a command as its program would; argparse ends the process for what it does not know."""
    program, *rest = words_of(step)
    if program == "fasts2s":
        make_parser().parse_args(rest)
    elif program == "make":
        assert set(rest) <= set(TARGETS), step.text
    elif program == "python":
        assert rest[:2] == ["-m", "fasts2s"], step.text
        options.parse(rest[2:])
    else:
        assert (program, len(rest)) in {("cd", 1), ("pip", 2)}, f"what is {program}? {step.text}"


def test_every_block_is_found_in_order():
    found = readme_commands.steps(README)
    fences = [line for line in README.splitlines() if line.lstrip().startswith("```")]
    assert set(fences) <= {"```sh", "```python", "```text", "```"}, "a block of a kind that nobody runs"
    assert len(fences) == 2 * sum(line != "```" for line in fences)
    assert sum(step.language == "python" for step in found) == fences.count("```python") >= 3
    shell, inside = [], False
    for line in README.splitlines():
        inside = line == "```sh" or (inside and line != "```")
        shell += [line] if inside and line not in {"```sh", ""} and not line.startswith("#") else []
    assert [step.text for step in found if step.language == "sh"] == [line.split("  #")[0].strip() for line in shell]
    assert [step.text for step in found][:1] == ["make demo"]
    assert {step.section for step in found} >= {"Two commands", "A tour", "Benchmarks", "Padding"}


@pytest.mark.parametrize("step", readme_commands.steps(README), ids=lambda step: step.text.splitlines()[0])
def test_every_command_is_known(step):
    if step.language == "sh":
        require_known(step)


@pytest.mark.parametrize("text", ["fasts2s train sums", "fasts2s info --fast", "make all", "python x.py", "rm -r x"])
def test_a_command_that_nobody_knows_is_seen(text):
    with pytest.raises((AssertionError, SystemExit)):
        require_known(readme_commands.Step("", "sh", text))


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
    assert wrong.failed
    assert "invalid choice: 'inof'" in wrong.why
    assert python.said == "42\n", "the folder is empty"
    assert (suite.seconds, suite.why) == (None, "takes many minutes: --long")
    assert (pip.seconds, pip.why) == (None, "changes the environment")
    assert first.seconds >= 0
    assert not first.failed
    assert second.failed
    assert "KeyError: 1" in second.why


def test_the_scripts_of_the_book_run_in_a_copy(tmp_path, monkeypatch):
    book, work = tmp_path / "book", tmp_path / "work"
    (book / "common").mkdir(parents=True)
    (book / "ch07").mkdir()
    work.mkdir()
    (book / "common" / "time_layers.py").touch()
    (book / "ch07" / "train.py").write_text("open('made', 'w').close()")
    found = readme_commands.steps("```sh\ncd ch07\npython -m fasts2s -q train.py\n```\n")
    monkeypatch.delenv("FASTS2S_BOOK", raising=False)
    assert {step.why for step in readme_commands.run(found, tmp_path / "work", long=False)} == {
        "wants FASTS2S_BOOK, a checkout of the book's code"
    }
    monkeypatch.setenv("FASTS2S_BOOK", str(book))
    again = tmp_path / "again"
    again.mkdir()
    assert [step.why for step in readme_commands.run(found, again, long=False)] == ["", ""]
    assert (again / "book" / "ch07" / "made").exists()
    assert not (book / "ch07" / "made").exists()

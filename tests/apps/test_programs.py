"""Programs print what is said of them; letters are copied, reversed, sorted."""

import random
import re
import subprocess
import sys

import pytest

from fasts2s.apps.worlds.programs import KINDS, LETTER_TASKS, LETTERS, letters_pair, printed, program_pair


@pytest.mark.parametrize(
    ("program", "out"),
    [
        ("print(347+58)", "405"),
        ("print(347-58)", "289"),
        ("a=12\nfor i in range(3):\n a=a+7\nprint(a)", "33"),
        ("a=5\nif a>9:\n print(a)\nelse:\n print(71)", "71"),
        ("a=41\nb=2\nprint(b-a)", "-39"),
    ],
)
def test_programs_are_run(program, out):
    assert printed(program) == out


def test_another_python_prints_the_same():
    rng = random.Random(3)
    drawn = [program_pair(rng) for _ in range(300)]
    whole = "\n".join(pair.source for pair in drawn)
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == [pair.target for pair in drawn]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("digits", [1, 2, 3])
def test_numbers_have_the_digits_that_were_asked(kind, digits):
    rng = random.Random(digits)
    for _ in range(60):
        numbers = re.findall(r"\d+", program_pair(rng, digits, [kind]).source)
        assert max(map(len, numbers)) == digits
        assert all(number == str(int(number)) for number in numbers)


def test_kinds_look_as_they_are_called():
    rng = random.Random(0)
    signs = {"*": "*", "if": "if a", "for": "for i in range"}
    for kind, sign in signs.items():
        assert all(sign in program_pair(rng, 2, [kind]).source for _ in range(30))
        others = [other for other in KINDS if other not in (kind,)]
        assert not any(sign in program_pair(rng, 2, [other]).source for other in others for _ in range(30))


def test_what_a_program_calculates_is_held_out_however_it_is_written():
    rng = random.Random(1)
    ways = {}
    for _ in range(600):
        drawn = program_pair(rng, 1, ["*"])
        ways.setdefault(drawn.combination, set()).add(drawn.source)
        a, b = map(int, drawn.combination.split("*"))
        assert int(drawn.target) == a * b
    assert max(map(len, ways.values())) == 3
    assert ways["7*8"] <= {"print(7*8)", "a=7\nprint(a*8)", "a=7\nb=8\nprint(a*b)"}


@pytest.mark.parametrize(("task", "wanted"), [("copy", "dbca"), ("reverse", "acbd"), ("sort", "abcd")])
def test_letters(task, wanted):
    assert LETTER_TASKS[task]("dbca") == wanted
    rng = random.Random(0)
    lengths = {len(letters_pair(rng, task).source) for _ in range(400)}
    assert lengths == set(range(1, LETTERS + 1))
    assert len(letters_pair(rng, task, 15).target) == 15

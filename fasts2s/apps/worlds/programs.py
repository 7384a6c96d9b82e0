"""Small programs in Python, and what they print."""

import contextlib
import io
import random
from collections.abc import Callable, Sequence
from typing import TypeAlias

from fasts2s.apps.worlds.drawing import Drawn

#: What is held out, and the program.
_Program: TypeAlias = tuple[str, str]

#: Digits of the largest numbers that are learned.
DIGITS = 3


def printed(program: str) -> str:
    """Return what a program prints: it is run."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(program, {"__builtins__": {"print": print, "range": range}})
    return out.getvalue().rstrip("\n")


def _number(rng: random.Random, digits: int) -> int:
    """Draw a number of exactly so many digits."""
    return rng.randrange(10 ** (digits - 1) if digits > 1 else 0, 10**digits)


def _shorter(rng: random.Random, digits: int) -> int:
    """Draw a number of at most so many digits."""
    return _number(rng, rng.randint(1, digits))


def _operands(rng: random.Random, digits: int) -> tuple[int, str, int]:
    """Draw two numbers, one of which has exactly so many digits, and a sign: the result is not below zero."""
    both, sign = [_number(rng, digits), _shorter(rng, digits)], rng.choice("+-")
    if sign == "-":
        both.sort(reverse=True)
    else:
        rng.shuffle(both)
    return both[0], sign, both[1]


def _expression(rng: random.Random, digits: int) -> _Program:
    a, sign, b = _operands(rng, digits)
    return f"{a}{sign}{b}", f"print({a}{sign}{b})"


def _assigned(rng: random.Random, a: int, sign: str, b: int) -> str:
    return f"a={a}\nprint(a{sign}{b})" if rng.random() < 0.5 else f"a={a}\nb={b}\nprint(a{sign}b)"


def _product(rng: random.Random, digits: int) -> _Program:
    """Write a product in one of several ways: there are few of them, and each alone would be learned by heart."""
    a, b = _number(rng, digits), rng.randint(2, 9)
    return f"{a}*{b}", f"print({a}*{b})" if rng.random() < 1 / 3 else _assigned(rng, a, "*", b)


def _assignment(rng: random.Random, digits: int) -> _Program:
    a, sign, b = _operands(rng, digits)
    return f"{a}{sign}{b}", _assigned(rng, a, sign, b)


def _condition(rng: random.Random, digits: int) -> _Program:
    a, sign, b = _operands(rng, digits)
    test = f"a{rng.choice('<>')}{_shorter(rng, digits)}"
    then = f" a=a{sign}{b}\nprint(a)" if rng.random() < 0.5 else f" print(a)\nelse:\n print({b})"
    program = f"a={a}\nif {test}:\n{then}"
    return program, program


def _loop(rng: random.Random, digits: int) -> _Program:
    a, step, times = _number(rng, digits), rng.randint(1, 9), rng.randint(2, 9)
    sign = "-" if a >= step * times and rng.random() < 0.5 else "+"
    program = f"a={a}\nfor i in range({times}):\n a=a{sign}{step}\nprint(a)"
    return program, program


#: Kind of program -> what draws one whose numbers have so many digits.
KINDS: dict[str, Callable[[random.Random, int], _Program]] = {
    "+ -": _expression,
    "*": _product,
    "assign": _assignment,
    "if": _condition,
    "for": _loop,
}


#: Kinds to learn from, as often as they stand here: products are the hardest.
LEARNED = (*KINDS, "*")


def program_pair(rng: random.Random, digits: int | None = None, kinds: Sequence[str] = tuple(KINDS)) -> Drawn:
    """Draw a program and what it prints; its combination is what it calculates, or the whole program.

    ``digits`` : None draws them; of longer numbers there are more, and they are harder.
    """
    digits = rng.choice((1, 2, 2, 3, 3, 3, 3)) if digits is None else digits
    combination, program = KINDS[rng.choice(kinds)](rng, digits)
    return Drawn(combination, program, printed(program))


#: Task on letters -> what it makes of them.
LETTER_TASKS: dict[str, Callable[[str], str]] = {
    "copy": str,
    "reverse": lambda text: text[::-1],
    "sort": lambda text: "".join(sorted(text)),
}
#: Letters of a text that is learned, at most.
LETTERS = 12


def letters_pair(rng: random.Random, task: str, length: int | None = None) -> Drawn:
    """Draw letters and what a task makes of them; ``length`` None draws one of up to :data:`LETTERS`."""
    length = rng.randint(1, LETTERS) if length is None else length
    text = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(length))
    return Drawn(text, text, LETTER_TASKS[task](text))

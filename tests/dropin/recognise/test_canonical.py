"""Fingerprints: what counts and what does not."""

import ast
import textwrap

import pytest

from fasts2s.dropin.recognise.canonical import fingerprint

PLAIN = """
class Layer:
    def forward(self, x, n=1):
        total = 0
        for k in range(n):
            total = total + helper(x[k])
        return [a * total for a in x]
"""


def _of(text):
    return fingerprint(ast.parse(textwrap.dedent(text)).body[0])


def test_a_fingerprint_is_the_same_on_every_python():
    assert _of(PLAIN)[0] == "63cd002dca839bd8"


def test_names_taken_from_the_module():
    assert _of(PLAIN)[1] == {"range", "helper"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total = 0", "total = 0  # a comment"),
        ("def forward(self, x, n=1):", 'def forward(self, x, n=1):\n        """What it does."""'),
        ("class Layer:", 'class Layer:\n    """What it is."""\n'),
        ("total", "s"),
        (
            "for k in range(n):\n            total = total + helper(x[k])",
            "for i in range(n):\n            total = total + helper( x[i] )",
        ),
        ("[a * total for a in x]", "[(b * total) for b in x]"),
        ("x, n=1)", "x: list, n: int = 1) -> list"),
    ],
)
def test_what_does_not_count(old, new):
    assert old in PLAIN
    assert _of(PLAIN.replace(old, new))[0] == _of(PLAIN)[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("total = 0", "total = 1"),
        ("n=1", "n=2"),
        ("self, x, n", "self, y, n"),
        ("x[k]", "x[-k]"),
        ("helper(", "other("),
        ("total + helper", "helper"),
        ("            total = total + helper(x[k])", "            pass\n        total = total + helper(x[k])"),
        ("return [", "print(x)\n        return ["),
        ("def forward", "@staticmethod\n    def forward"),
        ("a * total", "total * a"),
        ("class Layer:", "class Layer(Base):"),
        ("for a in x]", "for a in x if a]"),
    ],
)
def test_what_counts(old, new):
    assert old in PLAIN
    assert _of(PLAIN.replace(old, new))[0] != _of(PLAIN)[0]


def test_a_global_is_no_local():
    # In the second, helper is a local name that could be called anything.
    used = "def f(x):\n    return helper(x)"
    bound = "def f(x):\n    helper = x\n    return helper(x)"
    renamed = "def f(x):\n    h = x\n    return h(x)"
    assert _of(bound)[0] == _of(renamed)[0] != _of(used)[0]
    assert _of(bound)[1] == frozenset()

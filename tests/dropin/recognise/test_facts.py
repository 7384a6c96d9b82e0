"""What is kept of texts, by itself: digests of code, the same in every process; files, which stay few."""

import os
import subprocess
import sys
from types import FunctionType

import pytest

from fasts2s.dropin.recognise import facts

_PAIRS = {
    "a constant": ("return 1", "return 2"),
    "a type": ("return 1", "return 1.0"),
    "a truth": ("return 1", "return True"),
    "a sign of zero": ("return 0.0", "return -0.0"),
    "a text": ("return 'a'", "return b'a'"),
    "inside a tuple": ("return x in (1, 2)", "return x in (1, 2.0)"),
    "inside a set": ("return x in {1, 2}", "return x in {1, 3}"),
    "a name": ("return x.a", "return x.b"),
    "a local": ("y = x; return y", "z = x; return z"),
    "an operator": ("return x + 1", "return x - 1"),
    "an inner function": ("return lambda: 1", "return lambda: 2"),
    "a line": ("return 1", "\n return 1"),
    "a try": ("try: return x\n finally: pass", "try: return x\n except ValueError: pass"),
}


def _code(body, filename="<a>"):
    return compile(f"def f(x):\n {body}\n", filename, "exec").co_consts[0]


@pytest.mark.parametrize("pair", _PAIRS.values(), ids=_PAIRS)
def test_digests_tell_code_apart(pair):
    one, other = map(_code, pair)
    assert one != other
    assert facts.digest(one) != facts.digest(other)
    facts.digest.cache_clear()
    assert facts.digest(_code(pair[0], "<b>")) == facts.digest(one)


def test_a_digest_is_that_of_code_that_has_run():
    """CPython writes into code that runs."""
    code = _code("y = 0\n for i in x: y += i.real * 2.0\n return y")
    before = facts.digest(code)
    function = FunctionType(code, {})
    for _ in range(100):
        function([1.0, 2.0])
    facts.digest.cache_clear()
    assert facts.digest(code) == before
    order = "x in {'one', 'two', 'three', 'four'}"
    said = f"from fasts2s.dropin.recognise.facts import digest\nprint(digest(compile({order!r}, '<a>', 'eval')))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    found = {
        subprocess.run(
            [sys.executable, "-c", said], env=environment | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1


def test_a_constant_that_no_text_holds_is_not_written_down():
    class Never:
        def __repr__(self):
            raise AssertionError("it is written down")

    code = _code("return 1")
    one, other = (code.replace(co_consts=(None, Never())) for _ in range(2))
    assert len({facts.digest(code), facts.digest(one), facts.digest(other)}) == 3


@pytest.fixture
def _apart(tmp_path, monkeypatch):
    monkeypatch.setenv("FASTS2S_CACHE_DIR", str(tmp_path))


def test_flags_of_the_future_are_another_text():
    assert facts.of("x", 0)._file != facts.of("x", 1)._file
    assert facts.of("x", 0)._file != facts.of("y", 0)._file


def test_the_oldest_go(_apart, monkeypatch):
    monkeypatch.setattr(facts, "_MOST", 2)
    for number, text in enumerate("abc"):
        facts.of(text, 0).keep("said", text)
        file = facts.of(text, 0)._file
        facts.write()
        os.utime(file, (number, number))
    assert [facts.of(text, 0).facts for text in "abc"] == [{}, {"said": "b"}, {"said": "c"}]

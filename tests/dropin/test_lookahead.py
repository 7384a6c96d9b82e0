"""The book's evaluation loop is answered in batches, and no other loop is."""

import importlib
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin.replace import originals

SAFE = {
    "the book's": """
        for i in range(len(x)):
            question, correct = x[[i]], t[[i]]
            verbose = i < 0
            right += eval_seq2seq(model, question, correct, chars, verbose)
    """,
    "without names": """
        for k in range(len(x)):
            right += eval_seq2seq(model, x[[k]], t[[k]], chars, False, is_reverse=True)
    """,
}
UNSAFE = {
    "a weight is changed": """
        for i in range(len(x)):
            question, correct = x[[i]], t[[i]]
            right += eval_seq2seq(model, question, correct, chars)
            model.params[0][...] *= -1
    """,
    "something is called": """
        for i in range(len(x)):
            question, correct = x[[i]], t[[i]]
            change(model)
            right += eval_seq2seq(model, question, correct, chars)
    """,
    "something is called in an argument": """
        for i in range(len(x)):
            right += eval_seq2seq(change(model), x[[i]], t[[i]], chars)
    """,
    "an attribute is read": """
        for i in range(len(x)):
            question = Changing(model).x[[i]]
            right += eval_seq2seq(model, question, t[[i]], chars)
    """,
    "a part of the array": """
        for i in range(10, len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
    """,
    "another order": """
        for i in reversed(range(len(x))):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
    """,
    "another array": """
        for i in range(len(t)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
    """,
    "a loop inside": """
        for i in range(len(x)):
            for _ in range(2):
                right += eval_seq2seq(model, x[[i]], t[[i]], chars)
    """,
    "a list": """
        right = sum([eval_seq2seq(model, x[[i]], t[[i]], chars) for i in range(len(x))])
    """,
}
_TEXT = """
from common.util import eval_seq2seq

def change(model):
    model.params[0][...] *= -1
    return model

class Changing:
    def __init__(self, model):
        self.model = model

    @property
    def x(self):
        change(self.model)
        return X

def run(model, x, t, chars):
    right = 0
    {loop}
    return right
"""


CHARS = list("abcdefghijklm")


@pytest.fixture
def loop_of(book):
    """Return loop_of(text): the function ``run(model, x, t, chars)`` with this loop."""

    def make(text):
        body = textwrap.indent(textwrap.dedent(text).strip(), "    ").strip()
        (book / "ch07" / "evaluation.py").write_text(_TEXT.format(loop=body))
        importlib.invalidate_caches()
        sys.modules.pop("evaluation", None)
        return importlib.import_module("evaluation")

    yield make
    sys.modules.pop("evaluation", None)


def make(kind="Seq2seq"):
    """Return a model whose answers depend on its questions, and 100 questions."""
    module = {"Seq2seq": "seq2seq", "PeekySeq2seq": "peeky_seq2seq", "AttentionSeq2seq": "attention_seq2seq"}[kind]
    np.random.seed(4)
    model = getattr(importlib.import_module(module), kind)(13, 6, 16)
    for p in model.params:
        p *= 3
    rng = np.random.default_rng(1)
    return model, rng.integers(0, 13, (100, 5)), rng.integers(0, 13, (100, 4)).astype(int)


def answers(module, model, x, t):
    """Return the answers to all questions in the module's loop: lists of ids."""
    found = []
    generate = type(model).generate

    def noted(self, *args):
        found.append([int(i) for i in generate(self, *args)])
        return found[-1]

    model.__class__ = type(type(model).__name__, (type(model),), {"generate": noted})
    module.X = x
    module.run(model, x, t, CHARS)
    model.__class__ = type(model).__mro__[1]
    return found


def batches():
    """Return in how many batches eval_seq2seq was answered."""
    return sum(e.calls for e in fasts2s.status().entries if e.name == "eval_seq2seq")


@pytest.mark.parametrize("kind", ["Seq2seq", "PeekySeq2seq", "AttentionSeq2seq"])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("name", SAFE)
def test_the_loop_is_answered_in_batches(loop_of, name, backend, kind):
    module = loop_of(SAFE[name])
    model, x, t = make(kind)
    t[:, 0] = 7  # the start mark
    expected = answers(module, model, x, t)
    with fasts2s.patched(backend):
        assert answers(module, model, x, t) == expected
        assert batches() == 3  # of 16, 32 and 52 rows
        assert answers(module, model, x, t) == expected
        assert batches() == 6
    assert len({tuple(a) for a in expected}) > 5


@pytest.mark.parametrize("name", UNSAFE)
def test_other_loops_are_answered_one_by_one(loop_of, name):
    module = loop_of(UNSAFE[name])
    model, x, t = make()
    weights = [p.copy() for p in model.params]
    expected = answers(module, model, x, t)
    for p, kept in zip(model.params, weights, strict=True):
        p[...] = kept
    with fasts2s.patched("numpy"):
        assert answers(module, model, x, t) == expected
        assert batches() == 0


def test_start_marks_that_differ_end_a_batch(loop_of):
    module = loop_of(SAFE["the book's"])
    model, x, t = make()
    expected = answers(module, model, x, t)
    with fasts2s.patched("numpy"):
        assert answers(module, model, x, t) == expected
        assert batches() > 50


def test_weights_changed_between_two_runs(loop_of):
    module = loop_of(SAFE["the book's"])
    model, x, t = make()
    t[:, 0] = 7
    with fasts2s.patched("numpy"):
        first = answers(module, model, x, t)
        model.params[0][...] *= -1
        second = answers(module, model, x, t)
    assert second == answers(module, model, x, t) != first


def test_an_interrupted_loop_leaves_no_answer_behind(loop_of):
    module = loop_of(SAFE["the book's"])
    model, x, t = make()
    t[:, 0] = 7

    class Targets:
        def __init__(self, stop):
            self._stop = stop

        def __getitem__(self, rows):
            if rows[0] == self._stop:
                raise KeyboardInterrupt
            return t[rows]

    with fasts2s.patched("numpy"):
        for stop in (1, 5, 40):
            with pytest.raises(KeyboardInterrupt):
                module.run(model, x, Targets(stop), CHARS)
            model.params[0][...] *= -1
            found = answers(module, model, x, t)
            with originals.Suspended():
                assert found == answers(module, model, x, t)


def test_rows_that_are_changed_after_they_were_answered(loop_of):
    module = loop_of(SAFE["the book's"])
    model, x, t = make()
    t[:, 0] = 7
    before, asked = x.copy(), []

    class Changing:
        """In the place of t: beside the text of the loop, it changes rows to come."""

        def __getitem__(self, rows):
            asked.append(x[rows[0]].copy())
            x[min(rows[0] + 3, 99)] = 5
            return t[rows]

    with fasts2s.patched("numpy"):
        found = answers(module, model, x, Changing())
    asked = np.array(asked)
    assert found == answers(module, model, asked, t) != answers(module, model, before, t)


def test_two_models_in_turn(loop_of):
    module = loop_of("""
        for i in range(len(x)):
            right += eval_seq2seq(model[i % 2 == 0], x[[i]], t[[i]], chars)
    """)
    one, x, t = make()
    other, _, _ = make()
    other.params[0][...] *= -1
    expected = module.run([one, other], x, t, CHARS)
    with fasts2s.patched("numpy"):
        assert module.run([one, other], x, t, CHARS) == expected
        assert batches() == 0  # the text has an operation that is not known to be harmless


def test_under_a_debugger_nothing_is_answered_ahead(loop_of, monkeypatch):
    module = loop_of(SAFE["the book's"])
    model, x, t = make()
    t[:, 0] = 7
    kept = sys.gettrace()
    with fasts2s.patched("numpy"):
        sys.settrace(lambda *_: None)
        try:
            module.run(model, x, t, CHARS)
        finally:
            sys.settrace(kept)
        assert batches() == 0
        tools = SimpleNamespace(DEBUGGER_ID=0, get_tool={0: "a debugger"}.get)
        monkeypatch.setattr(sys, "monitoring", tools, raising=False)
        module.run(model, x, t, CHARS)
        assert batches() == 0
        tools.get_tool = {1: "coverage"}.get
        module.run(model, x, t, CHARS)
        assert batches() == 3


def test_a_script_that_was_edited_while_it_runs(loop_of, book):
    module = loop_of(SAFE["the book's"])
    model, x, t = make()
    t[:, 0] = 7
    (book / "ch07" / "evaluation.py").write_text("# nothing is here any more\n")
    with fasts2s.patched("numpy"):
        module.run(model, x, t, CHARS)
        assert batches() == 0

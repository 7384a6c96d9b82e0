"""The book's evaluation loop is answered in batches, and no loop is that does more."""

import contextlib
import io
import sys
import textwrap
from types import SimpleNamespace

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin.book import models
from fasts2s.dropin.replace import originals
from tests.dropin.asking import CHARS, answers, asked_and_answered, batches, make, marked
from tests.dropin.evaluation_loops import BOOKS, MODULE, SAFE, UNSAFE


@pytest.fixture
def loop_of(written):
    """Return loop_of(text): the function ``run(model, x, t, chars)`` with this loop."""

    def make(text):
        return written(MODULE.format(loop=textwrap.indent(textwrap.dedent(text).strip(), "    ").strip()))

    return make


@pytest.mark.parametrize("kind", ["Seq2seq", "PeekySeq2seq", "AttentionSeq2seq"])
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_the_loop_is_answered_in_batches(loop_of, backend, kind):
    module = loop_of(BOOKS)
    model, x, t = marked(kind)
    expected = answers(module, model, x, t)
    with fasts2s.patched(backend):
        assert answers(module, model, x, t) == expected
        assert batches() == 3  # of 16, 32 and 52 rows
        assert answers(module, model, x, t) == expected
        assert batches() == 6
    assert len({tuple(a) for a in expected}) > 5


@pytest.mark.parametrize("name", SAFE)
def test_a_loop_that_changes_nothing_is_answered_in_batches(loop_of, name, capsys):
    module = loop_of(SAFE[name])
    model, x, t = marked()
    expected, printed = answers(module, model, x, t), capsys.readouterr().out
    with fasts2s.patched("numpy"):
        assert answers(module, model, x, t) == expected
        assert batches() == 3
        assert capsys.readouterr().out == printed
    assert len(expected) == 100


@pytest.mark.parametrize("name", UNSAFE)
def test_other_loops_are_answered_one_by_one(loop_of, name):
    module = loop_of(UNSAFE[name])
    model, x, t = marked()
    weights, wanted = [p.copy() for p in model.params], t.copy()
    expected = answers(module, model, x, t)
    model.params[len(weights) :] = []
    for p, kept in zip(model.params, weights, strict=True):
        p[...] = kept
    with fasts2s.patched("numpy"):
        assert answers(module, model, x, wanted) == expected
        in_batches = 1 if name == "a turn without a question" else 0  # its first loop
        assert batches() == in_batches


def test_a_loop_that_is_left_and_begun_anew(loop_of):
    module = loop_of("""
        for k in range(3):
            for i in range(len(x)):
                right += eval_seq2seq(model, x[[i]], t[[i]], chars)
                if i == 10 * k + 3:
                    break
            change(model)
    """)
    model, x, t = marked()
    expected = answers(module, model, x, t)
    change = module.change
    change(model)
    with fasts2s.patched("numpy"):
        assert answers(module, model, x, t) == expected
        assert batches() == 4  # 16; 16; 16 and 32
    assert len(expected) == 4 + 14 + 24


def test_a_generate_of_the_readers_own(loop_of):
    module = loop_of(BOOKS)
    model, x, t = marked()

    class Changing(type(model)):
        def generate(self, *args):
            self.params[0][...] *= -1
            return super().generate(*args)

    model.__class__ = Changing
    expected = answers(module, model, x, t)
    with fasts2s.patched("numpy"):
        assert answers(module, model, x, t) == expected
        assert batches() == 0


def test_start_marks_that_differ_end_a_batch(loop_of, monkeypatch):
    module = loop_of(BOOKS)
    model, x, t = make()
    expected, rows, answer = answers(module, model, x, t), [], models._answers

    def counted(decoder, context, *more):
        rows.append(len(context))
        return answer(decoder, context, *more)

    monkeypatch.setattr(models, "_answers", counted)
    with fasts2s.patched("numpy"):
        assert answers(module, model, x, t) == expected
        assert batches() == len(rows) > 50
    assert rows[0] == 16
    assert sum(rows) < 200  # now and then a row is answered for nothing, and no more


def test_weights_changed_between_two_runs(loop_of):
    module = loop_of(BOOKS)
    model, x, t = marked()
    with fasts2s.patched("numpy"):
        first = answers(module, model, x, t)
        model.params[0][...] *= -1
        second = answers(module, model, x, t)
    assert second == answers(module, model, x, t) != first


def test_an_interrupted_loop_leaves_no_answer_behind(loop_of):
    module = loop_of(SAFE["it prints"])
    model, x, t = marked()

    class Stopping(io.StringIO):
        def __init__(self, stop):
            super().__init__()
            self._left = stop

        def flush(self):
            self._left -= 1
            if self._left < 0:
                raise KeyboardInterrupt

    with fasts2s.patched("numpy"):
        for stop in (1, 5, 40):
            with pytest.raises(KeyboardInterrupt), contextlib.redirect_stdout(Stopping(stop)):
                module.run(model, x, t, CHARS)
            model.params[0][...] *= -1
            found = answers(module, model, x, t)
            with originals.Suspended():
                assert found == answers(module, model, x, t)


def test_rows_that_are_changed_after_they_were_answered(loop_of):
    module = loop_of(SAFE["it prints"])
    model, x, t = marked()
    before, count = x.copy(), iter(range(100))

    class Changing(io.StringIO):
        """In the place of the standard output: beside the texts, it changes rows to come."""

        def flush(self):
            x[min(next(count) + 3, 99)] = 5

    with fasts2s.patched("numpy"), contextlib.redirect_stdout(Changing()):
        asked, found = asked_and_answered(module, model, x, t)
        assert 0 < batches() < 60
    with contextlib.redirect_stdout(io.StringIO()):
        asked = np.array(asked)
        assert found == answers(module, model, asked, t) != answers(module, model, before, t)


def test_two_models_in_turn(loop_of):
    module = loop_of(UNSAFE["two models in turn"].replace("[model, model]", "model"))
    one, x, t = make()
    other, _, _ = make()
    other.params[0][...] *= -1
    expected = module.run([one, other], x, t, CHARS)
    with fasts2s.patched("numpy"):
        assert module.run([one, other], x, t, CHARS) == expected
        assert batches() == 0  # a model is a name


def test_under_a_debugger_nothing_is_answered_ahead(loop_of, monkeypatch):
    module = loop_of(BOOKS)
    model, x, t = marked()
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
    module = loop_of(BOOKS)
    model, x, t = marked()
    (book / "ch07" / "evaluation.py").write_text("# nothing is here any more\n")
    with fasts2s.patched("numpy"):
        module.run(model, x, t, CHARS)
        assert batches() == 0

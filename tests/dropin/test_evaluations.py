"""An ``eval_seq2seq`` that a reader has changed: answered in batches where its text only asks, else left."""

import numpy as np
import pytest

import fasts2s
from tests.dropin.asking import answers, batches, entry, make, marked

FUNCTION = '''
import os
import sys
import numpy as np

WIDTH = 3

def change(model):
    model.params[0][...] *= -1

class Changing:
    def __str__(self):
        change(MODEL)
        return ""

    write = __getitem__ = flatten = lambda self, *_: change(MODEL)

LOG = Changing()

def eval_seq2seq(model, question, correct, letters, verbose=False, is_reverse=False):
    """Ask the model."""
    wanted = correct.flatten()
    start = wanted[0]
    wanted = wanted[1:]
    guess = model.generate(question, start, len(wanted))
    asked = "".join([letters[int(c)] for c in question.flatten()])
    wanted = "".join([letters[int(c)] for c in wanted])
    said = "".join([letters[int(c)] for c in guess])
    if verbose:
        print(asked, wanted, said)
    return 1 if said == wanted else 0

def run(model, x, t, letters):
    global MODEL
    MODEL, right = model, 0
    for i in range(len(x)):
        question, correct = x[[i]], t[[i]]
        verbose = i % 20 == 0
        right += eval_seq2seq(model, question, correct, letters, verbose)
    return right
'''
LETTERS = "abcdefghijklm"
PRINT, ANSWER = "        print(asked, wanted, said)\n", "    return 1 if said == wanted else 0\n"
ASK = "    guess = model.generate(question, start, len(wanted))\n"
#: Name -> what is replaced by what.
SAFE = {
    "a text that is put together": (PRINT, '        print(f"{asked:>10} {wanted} {said!r}")\n'),
    "a text that is filled": (PRINT, '        print("{}: {} {}".format(asked, wanted, said == wanted))\n'),
    "other colours": (PRINT, '        colours = {"ok": "\\033[92m"}\n        print(colours["ok"] + said, end=", ")\n'),
    "windows": (PRINT, '        mark = "O" if os.name == "nt" else "X"\n        print(mark + " " + said)\n'),
    "written at once": (PRINT, '        sys.stdout.write(said + "\\n")\n        sys.stdout.flush()\n'),
    "a name of the module": (PRINT, "        print(asked[:WIDTH], max(WIDTH, 2))\n"),
    "another name": ("verbose", "verbos"),
    "no whole numbers": ("letters[int(c)]", "letters[c]"),
    "other words": ('"".join', '" ".join'),
    "parts that are left out": ("correct.flatten()", "[c for c in correct.flatten() if c != -1]"),
    "turned around": (PRINT, "        asked = asked[::-1]\n" + PRINT),
    "a choice": (PRINT, "        if is_reverse and not asked:\n            pass\n        else:\n    " + PRINT),
    "nothing is answered": (ANSWER, "    return len(said) - len(wanted)\n"),
    "a sum": (ANSWER, "    n = 0\n    for c, d in zip(said, wanted):\n        n += c == d\n    return n / len(wanted)\n"),
    "a list": (ANSWER, "    all_of_it = []\n    all_of_it.append(said)\n    return all_of_it[0] == wanted\n"),
    "a text that grows": (ANSWER, '    line = said.strip()\n    line += "\\n"\n    return len(line)\n'),
    "a function inside": (
        ANSWER,
        "    def share(one: str, other: str) -> float:\n        if len(one) != len(other):\n            return 0.0\n"
        "        same = sum(p == g for p, g in zip(one, other))\n        return same / len(one)\n"
        "    return share(said, wanted)\n",
    ),
    "options": (ASK, "    guess = model.generate(question, start_id=start, sample_size=correct.shape[1] - 1)\n"),
}  # fmt: skip
#: Name -> what is replaced by what, and the reason that is given.
UNSAFE = {
    "a weight is changed": (ANSWER, "    model.params[0][...] *= -1\n" + ANSWER, "model, beside one guess = "),
    "a function changes it": (PRINT, "        change(question)\n", "a call of change"),
    "the model has another name": (ASK, "    other = model\n" + ASK, "model, beside one guess = "),
    "two questions": (ASK, ASK + ASK, "model, beside one guess = "),
    "a question in a loop": (ASK, "    for _ in range(2):\n    " + ASK, "model, beside one guess = "),
    "no question": (ASK, "    guess = wanted\n", "no line of the form guess = model.generate(...)"),
    "a question for some": (ASK, "    if start > 50:\n        return 0\n" + ASK, "a return before the question"),
    "the model is another argument": ("(model, question", "(question, model", "question, beside one guess = question.generate(...)"),
    "a name of the module": (ANSWER, "    global WIDTH\n" + ANSWER, "a name that it declares global"),
    "an element": (ANSWER, "    question[0, 0] = 1\n" + ANSWER, "an assignment to question[0, 0]"),
    "an element of a tuple": (ANSWER, "    n, question[0, 0] = 1, 1\n" + ANSWER, "an assignment to question[0, 0]"),
    "an element in place": (ANSWER, "    question[0] += 1\n" + ANSWER, "an assignment to question[0]"),
    "an element that is counted": (ANSWER, "    for question[0, 0] in [1]: pass\n" + ANSWER, "an assignment to question"),
    "an element in a list": (ANSWER, "    [0 for question[0, 0] in [1]]\n" + ANSWER, "an assignment to question[0, 0]"),
    "an attribute": (ANSWER, "    question.shape = -1\n" + ANSWER, "an assignment to question.shape"),
    "an argument in place": (ANSWER, "    correct += 1\n" + ANSWER, "correct, which may be another name for an array"),
    "a row in place": (ANSWER, "    row = letters[0]\n    row *= 2\n" + ANSWER, "row, which may be another name"),
    "a number now and then": (
        ANSWER, "    row = 1\n    if verbose:\n        row = letters\n    row += row\n" + ANSWER, "row, which may be another"
    ),
    "a sum without a beginning": (ANSWER, "    row = sum([], letters)\n    row += row\n" + ANSWER, "row, which may be"),
    "what a loop counts": (ANSWER, "    for row in correct:\n        row += 1\n" + ANSWER, "row, which may be another"),
    "a list of others": (ANSWER, "    letters.append(0)\n" + ANSWER, "letters, which may be no list that was made here"),
    "a method that changes": (ANSWER, "    question.sort()\n" + ANSWER, "a call of question.sort"),
    "a sum into an array": (ANSWER, "    correct.max(0, question)\n" + ANSWER, "which may write to an array"),
    "a sum into one by stars": (ANSWER, "    correct.max(*letters)\n" + ANSWER, "which may write to an array"),
    "a sum into one by name": (ANSWER, "    correct.sum(out=question)\n" + ANSWER, "the option out of correct.sum"),
    "options that are not seen": (ANSWER, "    print(**letters)\n" + ANSWER, "the option ** of print"),
    "a file": (PRINT, "        print(asked, file=LOG)\n", "the option file of print"),
    "a key": (PRINT, "        print(sorted(asked, key=change))\n", "the option key of sorted"),
    "a function that is given": (PRINT, "        print(list(map(change, asked)))\n", "a call of map"),
    "a function of NumPy": (PRINT, "        np.negative(question, question)\n", "a call of np.negative"),
    "an attribute of another kind": (PRINT, "        print(question.base)\n", "the attribute question.base"),
    "an attribute of an element": (PRINT, "        print(letters[0].base)\n", "the attribute base"),
    "an object of the reader's": (PRINT, "        print(LOG)\n", "LOG, which is nothing of Python's or NumPy's own"),
    "another print": (PRINT, "        sum = change\n        sum(asked)\n", "sum, which is assigned"),
    "another name for a function": (PRINT, "        show = change\n        show(1)\n", "a call of show"),
    "code": (PRINT, '        eval("change(MODEL)")\n', "a call of eval"),
    "an assignment inside": (PRINT, "        print(asked := 1)\n", "an assignment inside"),
    "a lambda": (PRINT, "        print(lambda: 0)\n", "Lambda, which is not understood here"),
    "an import": (PRINT, "        import os\n", "an import inside"),
    "a with": (PRINT, "        with LOG:\n    " + PRINT, "a with block"),
    "a try": (PRINT, "        try:\n    " + PRINT + "        finally:\n            pass\n", "a try"),
    "a while": (PRINT, "        while asked:\n            asked = asked[1:]\n", "a loop without a known number of turns"),
    "an error": (PRINT, "        raise ValueError\n", "Raise, which is not understood here"),
    "a name that goes": (PRINT, "        del asked\n", "Delete, which is not understood here"),
    "a generator": (ANSWER, "    yield 1\n", "a yield"),
    "a class": (PRINT, "        class A: pass\n", "a class inside"),
    "a decorator": ("def eval", "@(lambda function: function)\ndef eval", "a decorator"),
    "a default": ("is_reverse=False", "is_reverse=LOG", "the default LOG"),
    "stars": ("is_reverse=False", "*more", "a parameter with a star or a slash"),
    "a function inside that changes": (ANSWER, "    def f(): change(1)\n    f()\n" + ANSWER, "a call of change"),
    "a function inside that has the model": (ANSWER, "    def f(): print(model)\n" + ANSWER, "model, beside one guess"),
    "a default inside": (ANSWER, "    def f(a=change(1)): pass\n" + ANSWER, "the default change(1)"),
    "a type inside": (ANSWER, "    def f(a: change(1)): pass\n" + ANSWER, "a call of change"),
    "a function inside with another meaning": (
        ANSWER, "    def f(): pass\n    for f in [change]:\n        f()\n" + ANSWER, "f, which is assigned"
    ),
    "a name that is a function's inside of another alone": (
        ANSWER, "    def f():\n        def change(a): pass\n        return 1\n    change(MODEL)\n" + ANSWER, "FunctionDef, which is not"
    ),
    "an array in a function inside": (ANSWER, "    def f(a):\n        a += 1\n" + ANSWER, "a, which may be another name"),
}  # fmt: skip


def edited(written, old, new):
    """Return the module with one passage replaced."""
    assert old in FUNCTION
    return written(FUNCTION.replace(old, new))


@pytest.mark.parametrize("name", SAFE)
def test_a_function_that_only_asks_is_answered_in_batches(written, name, capsys):
    module = edited(written, *SAFE[name])
    model, x, t = marked()
    expected, result = answers(module, model, x, t), module.run(model, x, t, LETTERS)
    printed = capsys.readouterr().out
    with fasts2s.patched("numpy"):
        assert (entry().status, entry().by_reading, entry().reason) == ("replaced", True, "")
        assert answers(module, model, x, t) == expected
        assert batches() == 3  # of 16, 32 and 52 rows
        assert module.run(model, x, t, LETTERS) == result
        assert capsys.readouterr().out == printed
        assert "not the book's, but it only asks the model" in repr(fasts2s.status())
    assert len(expected) == 100


@pytest.mark.parametrize("name", UNSAFE)
def test_one_that_may_do_more_is_left_and_named(written, name):
    *passage, reason = UNSAFE[name]
    edited(written, *passage)
    with fasts2s.patched("numpy"):
        assert (entry().status, entry().by_reading) == ("left as is", False)
        assert entry().reason.startswith("eval_seq2seq is not the book's (")
        assert reason in entry().reason.partition("); evaluation.py, line ")[2]
        with pytest.raises(fasts2s.FallbackError, match="eval_seq2seq was left as it is"):
            fasts2s.patch("numpy", strict=True)


def test_the_reason_names_the_line(written):
    edited(written, PRINT, "        change(question)\n")
    with fasts2s.patched("numpy"):
        line = 1 + FUNCTION.splitlines().index("        print(asked, wanted, said)")
        assert entry().reason.endswith(f"; evaluation.py, line {line}: a call of change")


def test_one_that_is_left_is_answered_one_by_one(written):
    module = edited(written, ANSWER, "    change(MODEL)\n" + ANSWER)
    model, x, t = marked()
    expected = answers(module, model, x, t)
    with fasts2s.patched("numpy"):
        assert answers(module, model, x, t) == expected
        assert batches() == 0


@pytest.mark.parametrize("name", ["WIDTH", "os", "print", "len", "sys"])
def test_a_name_that_gets_another_meaning_later(written, name):
    module = written(FUNCTION.replace(PRINT, "        print(asked[:WIDTH], os.name)\n        sys.stdout.flush()\n"))
    model, x, t = marked()
    module.MODEL = model

    class Changing(int):
        name = property(lambda self: module.change(model))
        stdout = property(lambda self: module.change(model) or self)

        def flush(self):
            module.change(model)

        def __index__(self):
            module.change(model)
            return 2

        def __call__(self, value, *_):
            module.change(model)
            return len(value)

    weights = model.params[0].copy()
    with fasts2s.patched("numpy"):
        assert entry().by_reading
        module.run(model, x, t, LETTERS)
        assert batches() == 3
        setattr(module, name, Changing(2))
        found = answers(module, model, x, t)
        assert batches() == 3
    model.params[0][...] = weights
    assert found == answers(module, model, x, t)


def test_answers_of_many_lengths_are_the_beginnings_of_longer_ones(written, monkeypatch):
    module = edited(written, *SAFE["parts that are left out"])
    model, x, _ = make()
    t = np.random.default_rng(2).integers(0, 13, (100, 9))
    t[:, 0] = 7
    for k, row in enumerate(t):
        row[2 + k % 7 :] = -1
    expected = answers(module, model, x, t)
    assert {len(guess) for guess in expected} == set(range(1, 8))
    with fasts2s.patched("numpy"):
        assert answers(module, model, x, t) == expected
        assert 3 < batches() < 20


def test_an_object_of_the_readers_as_letters(written):
    module = edited(written, *SAFE["another name"])
    model, x, t = marked()
    module.MODEL = model

    class Letters(list):
        def __getitem__(self, place):
            module.change(model)
            return super().__getitem__(place)

    expected = module.run(model, x, t, Letters(LETTERS))
    with fasts2s.patched("numpy"):
        assert module.run(model, x, t, Letters(LETTERS)) == expected
        assert batches() == 0


def _changed(text, *passages):
    for old, new in passages:
        assert old in text
        text = text.replace(old, new)
    return text


def test_one_that_lies_in_a_list(written):
    module = written(_changed(FUNCTION, ("correct, letters, verbose)\n", "correct, letters[0], verbose)\n")))
    model, x, t = marked()
    module.MODEL = model

    class Letters(list):
        def __getitem__(self, place):
            module.change(model)
            return super().__getitem__(place)

    expected = module.run(model, x, t, [Letters(LETTERS)])
    with fasts2s.patched("numpy"):
        assert entry().by_reading
        assert module.run(model, x, t, [Letters(LETTERS)]) == expected
        assert batches() == 0
        module.run(model, x, t, [LETTERS])
        assert batches() == 3


def test_the_loop_gives_a_name_of_the_function_another_meaning(written):
    call = "correct, letters, verbose)\n"
    table = "    global MODEL, abs\n    table = [lambda _: change(MODEL)]\n"
    passages = (
        (PRINT, "        print(abs(1))\n"),
        ("    global MODEL\n", table),
        (call, f"{call}        abs = table[0]\n"),
    )
    module = written(_changed(FUNCTION, *passages))
    model, x, t = marked()
    expected = answers(module, model, x, t)
    del module.abs
    for _ in range(4):
        module.change(model)  # it was, that often
    with fasts2s.patched("numpy"):
        assert entry().by_reading
        assert answers(module, model, x, t) == expected
        assert batches() == 0


def test_a_call_that_the_books_code_answers_ends_a_batch(written):
    begin = "        right += eval_seq2seq(model, question, correct, letters, verbose)\n"
    twice = f"{begin}        if once and i == 3:\n            break\n"
    passages = [
        ("len(wanted))\n    asked", "len(wanted) if wanted[-1] else -1)\n    asked"),  # -1: 0 for the book's code
        (begin, twice),
        (
            "    for i in range",
            "    for once in (True, False):\n     if not once:\n        change(model)\n        t[:4, -1] = 0\n     for i in range",
        ),
    ]
    module = written(_changed(FUNCTION, *passages))
    model, x, t = marked()
    t[:, -1] = 1
    expected = answers(module, model, x, t)
    module.change(model)
    t[:, -1] = 1
    with fasts2s.patched("numpy"):
        with pytest.warns(fasts2s.FallbackWarning, match="sample_size is -1"):
            assert answers(module, model, x, t) == expected
        (asked,) = (e for e in fasts2s.status().entries if e.name == "Seq2seq")
        assert sum(asked.fallbacks.values()) == 4
        assert batches() > 1


def test_verify_compares_every_answer(written):
    module = edited(written, *SAFE["another name"])
    model, x, t = marked()
    expected = answers(module, model, x, t)
    with fasts2s.patched("numpy", verify=True):
        assert answers(module, model, x, t) == expected
        (compared,) = (e for e in fasts2s.status().entries if e.name == "Seq2seq")
        assert compared.checked == 100
        assert batches() == 3


def test_by_the_text_alone_it_is_left(written):
    module = edited(written, *SAFE["another name"])
    with fasts2s.patched("numpy", only_book=True):
        assert (entry().status, entry().by_reading) == ("left as is", False)
        assert entry().reason.endswith("evaluation.py:20)")
    with fasts2s.patched("numpy", strict=True):
        assert entry(module.__name__).by_reading


SCRIPT = (
    FUNCTION
    + """
sys.path.append("..")
from seq2seq import Seq2seq

np.random.seed(1)
model, x, t = Seq2seq(9, 4, 5), np.arange(60).reshape(20, 3) % 9, np.arange(80).reshape(20, 4) % 9
print(run(model, x, t, "abcdefghi"))
"""
)


@pytest.mark.parametrize("passage", [SAFE["written at once"], (PRINT, "        change(MODEL)\n")])
def test_a_script_says_so(run, book, passage):
    (book / "ch07" / "script.py").write_text(SCRIPT.replace(*passage))
    found = run("script.py", cwd=book / "ch07", FASTS2S_BACKEND="numpy")
    plain = run("script.py", cwd=book / "ch07", plain=True)
    assert found.stdout == plain.stdout != "", found.stderr
    is_safe = passage is SAFE["written at once"]
    assert ("eval_seq2seq of script.py is not the book's, but it only asks the model" in found.stderr) == is_safe
    assert ("script.py, line 30: a call of change" in found.stderr) != is_safe

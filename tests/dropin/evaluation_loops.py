"""Loops that ask a model for one row after the other: some do nothing else, some change its weights between."""

BOOKS = """
    for i in range(len(x)):
        question, correct = x[[i]], t[[i]]
        verbose = i < 0
        right += eval_seq2seq(model, question, correct, chars, verbose)
"""
SAFE = {
    "the book's": BOOKS,
    "without names": """
        for k in range(len(x)):
            right += eval_seq2seq(model, x[[k]], t[[k]], chars, False, is_reverse=True)
    """,
    "it prints": """
        for i in range(len(x)):
            question, correct = x[[i]], t[[i]]
            if i % 10 == 0 and not i > 50:
                print("[%d]" % (i,), end=" ")
            right += eval_seq2seq(model, question, correct, chars)
            sys.stdout.flush()
    """,
    "it keeps a list": """
        some, all_of_them = [], []
        for i in range(len(x)):
            question, correct = x[[i]], t[[i]]
            right += eval_seq2seq(model, question, correct, chars)
            share = float(right) / len(x)
            all_of_them.append(share)
            print(f"{share:.3f} {100 * share} {question.shape}")
    """,
    "it names its answer": """
        for i in range(len(x)):
            found = eval_seq2seq(model, x[[i]], t[[i]], chars)
            text = "".join([chars[int(c)] for c in x[i]])
            text += "!"
            right = right + found
    """,
    "a number of rows": """
        total = len(x)
        for i in range(total):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
    """,
    "a row in one axis more": """
        for i in range(len(x)):
            question, correct = x[i].reshape(1, -1), t[i].reshape((1, -1))
            right += eval_seq2seq(model, question, correct, chars)
    """,
    "a slice of one row": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[i : i + 1], t[i:i+1], chars)
    """,
    "names of an object and of a module": """
        self = Holder(model, x)
        for i in range(len(self.x)):
            right += eval_seq2seq(self.model, self.x[[i]], t[[i]], string.ascii_letters)
    """,
    "it goes on early": """
        for i in range(len(x)):
            for c in x[i]:
                if c > 3:
                    break
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            if right < 0:
                continue
            right += 0
    """,
}
#: Every one changes weights between two questions, or could.
UNSAFE = {
    "a weight is changed": """
        for i in range(len(x)):
            question, correct = x[[i]], t[[i]]
            right += eval_seq2seq(model, question, correct, chars)
            model.params[0][...] *= -1
    """,
    "by another name": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            weight = model.params[0]
            weight *= -1
    """,
    "by a name from before": """
        weight = model.params[0]
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            weight *= -1
    """,
    "by a name that is a number now and then": """
        weight = model.params[0]
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            n = weight if i % 2 else 0
            n *= -1
    """,
    "the counter is a weight": """
        right = model.params[0]
        t[0, 1:] = model.generate(x[[0]], 7, 3)
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
    """,
    "an element is assigned": """
        weight = model.params[0]
        for i in range(len(x)):
            weight[i % 2], correct = -weight[i % 2], t[[i]]
            right += eval_seq2seq(model, x[[i]], correct, chars)
    """,
    "an element is what a loop counts": """
        weight = model.params[0]
        for i in range(len(x)):
            for weight[0] in -weight[:1]:
                pass
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
    """,
    "an attribute is assigned": """
        for i in range(len(x)):
            model.shift = right = right + eval_seq2seq(model, x[[i]], t[[i]], chars)
    """,
    "a sum is written to a weight": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            (-model.params[0][None]).max(0, model.params[0])
    """,
    "a sum is written to a weight by name": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            (-model.params[0][None]).sum(axis=0, out=model.params[0])
    """,
    "a list of the model's gets longer": """
        some = model.params
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            some.append(i)
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
    "something is called in a text": """
        for i in range(len(x)):
            print(f"{change(model)}")
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
    """,
    "something is called in a list": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            [c for c in range(2) if c and change(model)]
    """,
    "a function of Python's calls it": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            sorted([model], key=change)
    """,
    "it has the name of one of Python's": """
        sum = change
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            sum(model)
    """,
    "the loop gives it that name": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            abs = change
            abs(model)
    """,
    "an object of the reader's is printed": """
        said = Changing(model)
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            print(said)
    """,
    "an object of the reader's writes": """
        log = Changing(model)
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            print(i, file=log)
    """,
    "an object of the reader's is given": """
        said = Changing(model)
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], said[i], chars)
    """,
    "a generator of the reader's": """
        changes = (change(model) for _ in x)
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            for one in changes:
                break
    """,
    "an attribute is read": """
        for i in range(len(x)):
            question = Changing(model).x[[i]]
            right += eval_seq2seq(model, question, t[[i]], chars)
    """,
    "a property is read": """
        self = Changing(model)
        for i in range(len(self.x)):
            right += eval_seq2seq(model, self.x[[i]], t[[i]], chars)
    """,
    "the model is a property": """
        self = Changing(model)
        for i in range(len(x)):
            right += eval_seq2seq(self.same, x[[i]], t[[i]], chars)
    """,
    "an assignment inside": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[(i := i)]], t[[i]], chars)
    """,
    "a try": """
        for i in range(len(x)):
            try:
                right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            except ValueError:
                change(model)
    """,
    "a with": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            with Changing(model):
                pass
    """,
    "an import": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            import string
    """,
    "a name is taken away": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            one = i
            del one
    """,
    "a function": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            def one(): pass
    """,
    "a turn without a question": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            if i == 3:
                break
        change(model)
        for i in range(len(x)):
            if i < 4:
                continue
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
        change(model)
    """,
    "a turn that may be without a question": """
        for i in range(len(x)):
            if i > 3:
                right += eval_seq2seq(model, x[[i]], t[[i]], chars)
    """,
    "two questions": """
        for i in range(len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
    """,
    "a part of the array": """
        for i in range(10, len(x)):
            right += eval_seq2seq(model, x[[i]], t[[i]], chars)
    """,
    "a part of it under a name": """
        total = 50
        for i in range(total):
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
    "another row": """
        for i in range(len(x)):
            i = 3
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
    "two models in turn": """
        other = [model, model]
        for i in range(len(x)):
            right += eval_seq2seq(other[i % 2], x[[i]], t[[i]], chars)
    """,
}
#: The module around a loop.
MODULE = """
import string
import sys
from common.util import eval_seq2seq

def change(model):
    model.params[0][...] *= -1
    return model

class Holder:
    def __init__(self, model, x):
        self.model, self.x = model, x

class Changing:
    def __init__(self, model):
        self.model = model

    @property
    def x(self):
        change(self.model)
        return X

    @property
    def same(self):
        return change(self.model)

    def __str__(self):
        change(self.model)
        return ""

    def __getitem__(self, row):
        change(self.model)
        return T[[row]]

    def write(self, _):
        change(self.model)

    def __enter__(self):
        change(self.model)

    def __exit__(self, *_):
        pass

def run(model, x, t, chars):
    global X, T
    right, X, T = 0, x, t
    {loop}
    return right
"""

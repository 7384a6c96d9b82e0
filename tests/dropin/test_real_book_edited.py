"""Edits of the book's real code, each made in its syntax tree: FASTS2S_BOOK=/path/to/checkout, of either edition."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BOOK = os.environ.get("FASTS2S_BOOK", "")
pytestmark = pytest.mark.skipif(not BOOK, reason="FASTS2S_BOOK names no checkout of the book's code")

#: One training step of chapter 7's model by SGD: loss, sums of weights, what was replaced, what --verify found.
_STEP = """
import json, sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/ch07"]
import fasts2s, numpy as np
if sys.argv[2] != "plain":
    fasts2s.patch("numpy", verify=sys.argv[2] == "verify", only_book=True)
from seq2seq import Seq2seq
from common.optimizer import SGD
from common.util import clip_grads
np.random.seed(0)
model = Seq2seq(13, 6, 16)
for p in model.params:
    p *= 2
x, t = np.random.randint(0, 13, (8, 6)), np.random.randint(0, 13, (8, 4))
losses = []
for _ in range(2):
    losses.append(float(model.forward(x, t)))
    model.backward()
    clip_grads(model.grads, 0.05)
    SGD(0.5).update(model.params, model.grads)
report = fasts2s.status()
watched = {e.name: [bool(e.checked), e.verdict, e.difference] for e in report.entries}
print(json.dumps([losses, [float(np.abs(p).sum()) for p in model.params], report.names("replaced"), watched]))
"""


def _find(tree, path):
    """Return the class, function or method with a dotted name."""
    for name in path.split("."):
        tree = next(n for n in tree.body if getattr(n, "name", "") == name)
    return tree


def _first(node, kind, **attributes):
    """Return the first node of a kind, in the order of the text, whose attributes have these values."""
    found = [n for n in ast.walk(node) if isinstance(n, kind)]
    found = [n for n in found if all(getattr(n, k) == v for k, v in attributes.items())]
    return min(found, key=lambda n: (n.lineno, n.col_offset))


def swap_gates(tree):
    where = _find(tree, "LSTM.forward")
    one, other = [n for n in where.body if isinstance(n, ast.Assign) and isinstance(n.value, ast.Subscript)][:2]
    one.value, other.value = other.value, one.value


def drop_bias(tree):
    total = _first(_find(tree, "LSTM.forward"), ast.BinOp)
    total.left, total.right, total.op = total.left.left, total.left.right, total.op


def other_activation(tree):
    _first(_find(tree, "LSTM.forward"), ast.Attribute, attr="tanh").attr = "sin"


def rename_attribute(tree):
    for node in ast.walk(_find(tree, "TimeLSTM")):
        if isinstance(node, ast.Attribute) and node.attr == "dh":
            node.attr = "gradient_of_h"
    setter = ast.parse("dh = property(lambda self: self.gradient_of_h)").body
    _find(tree, "TimeLSTM").body += setter


def print_in_forward(tree):
    _find(tree, "TimeLSTM.forward").body[:0] = ast.parse("import sys; print('forward', file=sys.stderr)").body


def override_in_subclass(tree):
    base = _find(tree, "TimeLSTM")
    base.name = "BookLSTM"
    tree.body += ast.parse(
        "class TimeLSTM(BookLSTM):\n    def forward(self, xs):\n        return 2 * super().forward(xs)\n"
    ).body


def other_sigmoid(tree):
    _first(_find(tree, "sigmoid"), ast.Constant, value=1).value = 2


def other_softmax(tree):
    _first(_find(tree, "softmax"), ast.Attribute, attr="exp").attr = "exp2"


def other_default(tree):
    _find(tree, "TimeSoftmaxWithLoss.backward").args.defaults[0].value = 2


def other_update(tree):
    _first(_find(tree, "SGD.update"), ast.AugAssign).op = ast.Add()


def same_in_other_words(tree):
    sums = [n.value for n in _find(tree, "LSTM.forward").body if isinstance(getattr(n, "value", None), ast.BinOp)]
    product = next(n.left for n in sums if isinstance(n.op, ast.Add) and isinstance(n.left, ast.BinOp)
                   and isinstance(n.left.op, ast.Mult))  # fmt: skip
    product.left, product.right = product.right, product.left


#: File, edit, classes that must be left alone, whether they still compute the same (None: not asked).
EDITS = {
    "order of the gates": ("common/time_layers.py", swap_gates, {"TimeLSTM"}, False),
    "no bias": ("common/time_layers.py", drop_bias, {"TimeLSTM"}, None),
    "another activation": ("common/time_layers.py", other_activation, {"TimeLSTM"}, False),
    "a renamed attribute": ("common/time_layers.py", rename_attribute, {"TimeLSTM"}, None),
    "print in forward": ("common/time_layers.py", print_in_forward, {"TimeLSTM"}, True),
    "a subclass that overrides": ("common/time_layers.py", override_in_subclass, {"TimeLSTM"}, None),
    "another sigmoid": ("common/functions.py", other_sigmoid, {"TimeLSTM"}, False),
    "another softmax": ("common/functions.py", other_softmax, {"TimeSoftmaxWithLoss"}, False),
    "another default": ("common/time_layers.py", other_default, {"TimeSoftmaxWithLoss"}, None),
    "another update": ("common/optimizer.py", other_update, {"SGD"}, None),
    "the same in other words": ("common/time_layers.py", same_in_other_words, {"TimeLSTM"}, True),
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    for name in ("common", "dataset", "ch07"):
        shutil.copytree(Path(BOOK) / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "ptb.*"))
    return folder


def _rewritten(checkout, folder, file, edit):
    """Copy the checkout with one file written anew from its edited syntax tree: comments and layout are gone."""
    shutil.copytree(checkout, folder)
    tree = ast.parse((folder / file).read_text(encoding="utf-8"))
    edit(tree)
    (folder / file).write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
    return folder


def _step(folder, way):
    done = subprocess.run(
        [sys.executable, "-B", "-c", _STEP, str(folder), way], capture_output=True, text=True, check=False,
        cwd=folder / "ch07", env={**os.environ, "MPLBACKEND": "Agg"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_code_in_another_layout_is_replaced(checkout, tmp_path):
    folder = _rewritten(checkout, tmp_path / "book", "common/time_layers.py", lambda tree: None)
    expected, found = _step(folder, "plain"), _step(folder, "patched")
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert {"TimeLSTM", "Encoder", "Decoder", "SGD", "TimeSoftmaxWithLoss"} <= set(found[2])


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_class_is_left_alone(checkout, tmp_path, name):
    file, edit, left, _ = EDITS[name]
    folder = _rewritten(checkout, tmp_path / "book", file, edit)
    expected, found = _step(folder, "plain"), _step(folder, "patched")
    assert left & set(found[2]) == set()
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert found[1] == pytest.approx(expected[1], rel=1e-5)


@pytest.mark.parametrize("name", [name for name, edit in EDITS.items() if edit[3] is not None])
def test_verify_tells_who_computes_the_same(checkout, tmp_path, name):
    file, edit, left, same = EDITS[name]
    folder = _rewritten(checkout, tmp_path / "book", file, edit)
    expected, found = _step(folder, "plain"), _step(folder, "verify")
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    for checked, verdict, difference in (found[3][n] for n in left if n.startswith("Time")):
        assert checked or verdict
        assert (not verdict and difference < 2e-5) is same, (verdict, difference)

"""The book's real code, rewritten by rules that keep its meaning, is replaced: FASTS2S_BOOK=/path/to/checkout."""

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

_STEP = """
import json, sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/ch08", sys.argv[1] + "/ch07"]
import fasts2s, numpy as np
if sys.argv[2] != "plain":
    fasts2s.patch("numpy")
from attention_seq2seq import AttentionSeq2seq
from common.optimizer import Adam
from common import layers, time_layers
np.random.seed(0)
model = AttentionSeq2seq(13, 6, 16)
x, t = np.random.randint(0, 13, (8, 6)), np.random.randint(0, 13, (8, 4))
losses, optimizer = [], Adam()
for _ in range(3):
    losses.append(float(model.forward(x, t)))
    model.backward()
    optimizer.update(model.params, model.grads)
print(json.dumps([losses, [[e.name, e.status, e.by_meaning, e.reason] for e in fasts2s.status().entries]]))
"""
WANTED = {
    "TimeRNN", "TimeLSTM", "TimeEmbedding", "TimeAffine", "TimeSoftmaxWithLoss", "TimeAttention", "MatMul", "Affine",
    "Embedding", "SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam",
}  # fmt: skip


class _ProductSigns(ast.NodeTransformer):
    """``np.dot(a, b)`` becomes ``a @ b``."""

    def visit_Call(self, node):
        self.generic_visit(node)
        if ast.unparse(node.func) == "np.dot" and len(node.args) == 2:
            return ast.BinOp(node.args[0], ast.MatMult(), node.args[1])
        return node


class _OtherSides(ast.NodeTransformer):
    """Sums and products the other way round."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Mult):
            node.left, node.right = node.right, node.left
        return node


class _OtherNames(ast.NodeTransformer):
    """What a class keeps for itself gets another name, and so do locals."""

    def visit_Attribute(self, node):
        self.generic_visit(node)
        node.attr = {"cache": "_kept", "layers": "cells"}.get(node.attr, node.attr)
        return node

    def visit_FunctionDef(self, node):
        bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        bound -= {a.arg for a in node.args.args}
        for n in ast.walk(node):
            if isinstance(n, ast.Name) and n.id in bound:
                n.id = f"{n.id}_"
        self.generic_visit(node)
        return node


class _Temporaries(ast.NodeTransformer):
    """What is returned gets a name first."""

    def visit_Return(self, node):
        if node.value is None or isinstance(node.value, ast.Name):
            return node
        return [ast.Assign([ast.Name("result", ast.Store())], node.value), ast.Return(ast.Name("result", ast.Load()))]


RULES = {
    "product signs": [_ProductSigns], "other sides": [_OtherSides], "other names": [_OtherNames],
    "temporaries": [_Temporaries], "all of it": [_ProductSigns, _OtherSides, _OtherNames, _Temporaries],
}  # fmt: skip


def _step(folder, way, kept):
    done = subprocess.run(
        [sys.executable, "-B", "-c", _STEP, str(folder), way], capture_output=True, text=True, check=False,
        cwd=folder / "ch07", env={**os.environ, "MPLBACKEND": "Agg", "FASTS2S_CACHE_DIR": str(kept)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", RULES)
def test_rewritten_code_is_replaced(tmp_path, name):
    folder = tmp_path / "book"
    for part in ("common", "dataset", "ch07", "ch08"):
        shutil.copytree(
            Path(BOOK) / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.pkl", "ptb.*")
        )
    for file in ("common/time_layers.py", "common/layers.py", "common/optimizer.py", "ch08/attention_layer.py"):
        tree = ast.parse((folder / file).read_text(encoding="utf-8"))
        for rule in RULES[name]:
            tree = rule().visit(tree)
        (folder / file).write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
    expected, found = _step(folder, "plain", tmp_path), _step(folder, "patched", tmp_path)
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    left = {kind: reason for kind, status, _, reason in found[1] if kind in WANTED and status != "replaced"}
    assert left == {}
    assert any(by_meaning for _, _, by_meaning, _ in found[1])

"""Operations and parameters: against the models, hand-made numbers, and the products in code like the book's."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fasts2s import models
from fasts2s.backend import get_backend
from fasts2s.bench.cases import MODELS, STEPS, Case, lstm, step
from fasts2s.bench.flops import parameter_count, samples_and_tokens, step_flops

WORDS = {"V": 10000, "D": 100, "N": 20, "S": 35, "T": 35}
BOOK = Path(__file__).parent.parent / "dropin" / "book"


def small(kind):
    """A case with odd sizes, all different but where the model wants D = H."""
    sizes = {"V": 11, "D": 5, "N": 3, "S": 4, "T": 6, "H": 7}
    if kind.endswith("Rnnlm"):
        sizes["S"] = sizes["T"]
    if kind == "BetterRnnlm":
        sizes["D"] = sizes["H"]
    return step(kind, sizes, sizes["H"], 5.0)


def model_of(case):
    return getattr(models, case.kind)(case["V"], case["D"], case["H"], backend=get_backend("numpy"))


# ---- parameters --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [*STEPS, *map(small, MODELS)], ids=lambda case: case.name)
def test_parameters_are_those_of_the_model(case):
    assert parameter_count(case) == model_of(case).parameter_count()


def test_tied_weights_count_once():
    case = small("BetterRnnlm")
    in_all_layers = sum(int(p.size) for p in model_of(case).params)
    assert parameter_count(case) == in_all_layers - case["V"] * case["H"]


# ---- operations --------------------------------------------------------------------------------------------------


def test_the_operations_worked_out_by_hand():
    # N 3, S 4, T 6 (5 of them computed), V 11, D 5, H 7; (5 + 7) * 28 = 336, (7 + 5 + 7) * 28 = 532.
    encoder, plain, peeky = 3 * 2 * 12 * 336, 3 * 2 * 15 * 336, 3 * 2 * 15 * 532
    assert step_flops(small("Seq2seq")) == encoder + plain + 3 * 2 * 15 * 7 * 11 == 61362
    assert step_flops(small("PeekySeq2seq")) == encoder + peeky + 3 * 2 * 15 * 14 * 11 == 85932
    # 15 decoder states meet 4 encoder states of 7 numbers, twice.
    assert step_flops(small("AttentionSeq2seq")) == encoder + plain + 2 * 3 * 2 * 15 * 28 + 3 * 2 * 15 * 154 == 73332
    # Six steps are computed here, and the hidden layers of the other model have 7 inputs: 14 * 28 = 392.
    assert step_flops(small("Rnnlm")) == 3 * 2 * 18 * (336 + 77) == 44604
    assert step_flops(small("BetterRnnlm")) == 3 * 2 * 18 * (392 + 392 + 77) == 92988


def test_an_lstm_counts_what_its_own_case_counts():
    affine = 3 * 2 * 20 * 35 * 100 * 10000
    assert step_flops(step("Rnnlm", WORDS, 100, 0.25)) == lstm(20, 35, 100, 100).flops + affine


class _Count(ast.NodeTransformer):
    """Writes every ``a @ b`` as a call that counts."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if not isinstance(node.op, ast.MatMult):
            return node
        return ast.Call(ast.Name("counted_product", ast.Load()), [node.left, node.right], [])


_COUNTER = """
import builtins, json, sys
total = 0
def counted_product(a, b):
    global total
    assert a.ndim == b.ndim == 2
    total += 2 * a.shape[0] * a.shape[1] * b.shape[1]
    return a @ b
builtins.counted_product = counted_product
sys.path[:0] = [".", "ch06", "ch07", "ch08"]
import numpy as np
from peeky_seq2seq import PeekySeq2seq
from seq2seq import Seq2seq
from attention_seq2seq import AttentionSeq2seq
from rnnlm import Rnnlm
from common.time_layers import TimeAffine, TimeDropout, TimeLSTM

def lstm(H):
    return TimeLSTM(np.ones((H, 4 * H), "f"), np.ones((H, 4 * H), "f"), np.zeros(4 * H, "f"))

class BetterRnnlm(Rnnlm):
    def __init__(self, V, D, H):
        super().__init__(V, D, H)
        self.layers[1:2] = [TimeDropout(), lstm(H), TimeDropout(), lstm(H), TimeDropout()]

counts = {}
for kind, sizes in json.loads(sys.argv[1]).items():
    V, D, N, S, T, H = (sizes[letter] for letter in "VDNSTH")
    model, total = globals()[kind](V, D, H), 0
    model.forward(np.arange(N * S).reshape(N, S) % V, np.arange(N * T).reshape(N, T) % V)
    model.backward()
    counts[kind] = total
print(json.dumps(counts))
"""


def test_the_operations_are_those_of_the_products_in_a_library_written_like_the_book(tmp_path):
    shutil.copytree(BOOK, tmp_path / "book")
    for path in (tmp_path / "book").rglob("*.py"):
        changed = _Count().visit(ast.parse(path.read_text(encoding="utf-8")))
        path.write_text(ast.unparse(ast.fix_missing_locations(changed)), encoding="utf-8")
    cases = {kind: small(kind) for kind in MODELS}
    sizes = json.dumps({kind: case.sizes for kind, case in cases.items()})
    command = [sys.executable, "-c", _COUNTER, sizes]
    done = subprocess.run(command, cwd=tmp_path / "book", capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    # The book's attention is written as sums over products of arrays: two forward, and for each of them two backward.
    N, S, T, H = (cases["AttentionSeq2seq"][letter] for letter in "NSTH")
    counts["AttentionSeq2seq"] += 6 * 2 * N * (T - 1) * S * H
    assert {kind: step_flops(case) for kind, case in cases.items()} == counts


# ---- samples and tokens ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MODELS)
def test_tokens_are_the_labels_the_loss_is_averaged_over(kind):
    case, seen = small(kind), []
    model = model_of(case)
    softmax = model.loss_layer if kind.endswith("Rnnlm") else model.softmax
    forward = softmax.forward
    softmax.forward = lambda scores, ts: (seen.append(ts.shape), forward(scores, ts))[1]
    ids = np.arange(100) % case["V"]
    model.forward(ids[: 3 * case["S"]].reshape(3, -1), ids[: 3 * case["T"]].reshape(3, -1))
    [(rows, steps)] = seen
    assert samples_and_tokens(case) == (rows, rows * steps)


def test_samples_and_tokens_of_the_books_cases():
    by_name = {case.name: case for case in STEPS}
    assert samples_and_tokens(by_name["PeekySeq2seq H=128"]) == (128, 512)
    assert samples_and_tokens(by_name["BetterRnnlm H=650"]) == (20, 700)


def test_every_step_of_the_suite_has_its_numbers():
    for case in STEPS:
        assert step_flops(case) > 2 * parameter_count(case)
        assert samples_and_tokens(case)[1] % case["N"] == 0


@pytest.mark.parametrize("function", [step_flops, parameter_count, samples_and_tokens])
@pytest.mark.parametrize("case", [lstm(128, 7, 16, 128), Case("x", "steps", "SimpleRnnlm", {"N": 1})])
def test_what_is_no_step_of_a_known_model_is_refused(function, case):
    with pytest.raises(ValueError, match="expected a step"):
        function(case)

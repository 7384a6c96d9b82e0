"""Operations and parameters of the cases: of the models, and worked out by hand."""

import numpy as np
import pytest

from fasts2s import models
from fasts2s.backend import get_backend
from fasts2s.bench.cases import MODELS, STEPS, case_of, lstm, step, tiny


def small(kind):
    """A case with odd sizes, all different but where the model wants D = H."""
    sizes = {"V": 11, "D": 5, "N": 3, "S": 4, "T": 6, "H": 7}
    sizes |= {"S": sizes["T"]} if kind.endswith("Rnnlm") else {}
    sizes |= {"D": sizes["H"]} if kind == "BetterRnnlm" else {}
    return step(kind, sizes, sizes["H"], 5.0)


def model_of(case):
    return getattr(models, case.kind)(case["V"], case["D"], case["H"], backend=get_backend("numpy"))


@pytest.mark.parametrize("case", [*STEPS, *map(small, MODELS), *map(tiny, STEPS)], ids=lambda case: case.name)
def test_parameters_are_those_of_the_model_shared_ones_once(case):
    assert case.params == model_of(case).parameter_count()


def test_the_operations_worked_out_by_hand():
    # N 3, S 4, T 6 (5 of them computed), V 11, D 5, H 7; (5 + 7) * 28 = 336, (7 + 5 + 7) * 28 = 532.
    encoder, plain, peeky = 3 * 2 * 12 * 336, 3 * 2 * 15 * 336, 3 * 2 * 15 * 532
    assert small("Seq2seq").flops == encoder + plain + 3 * 2 * 15 * 7 * 11 == 61362
    assert small("PeekySeq2seq").flops == encoder + peeky + 3 * 2 * 15 * 14 * 11 == 85932
    # 15 decoder states meet 4 encoder states of 7 numbers, twice.
    assert small("AttentionSeq2seq").flops == encoder + plain + 2 * 3 * 2 * 15 * 28 + 3 * 2 * 15 * 154 == 73332
    # Six steps are computed here, and the hidden layers of the other model have 7 inputs: 14 * 28 = 392.
    assert small("Rnnlm").flops == 3 * 2 * 18 * (336 + 77) == 44604
    assert small("BetterRnnlm").flops == 3 * 2 * 18 * (392 + 392 + 77) == 92988
    assert case_of("Rnnlm H=100").flops == lstm(20, 35, 100, 100).flops + 3 * 2 * 20 * 35 * 100 * 10000
    assert case_of("softmax with loss 640x13").flops is None


@pytest.mark.parametrize("kind", MODELS)
def test_tokens_are_the_labels_the_loss_is_averaged_over(kind):
    case, seen = small(kind), []
    model = model_of(case)
    softmax = model.loss_layer if kind.endswith("Rnnlm") else model.softmax
    forward = softmax.forward
    softmax.forward = lambda scores, ts: (seen.append(ts.shape), forward(scores, ts))[1]
    ids = np.arange(100) % case["V"]
    model.forward(ids[: 3 * case["S"]].reshape(3, -1), ids[: 3 * case["T"]].reshape(3, -1))
    assert seen == [(case["N"], case.steps)]

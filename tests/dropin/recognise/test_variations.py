"""What means the same is replaced, and what does not is left, with the reason."""

import numpy as np
import pytest

import fasts2s
from fasts2s.dropin.settings import installed
from tests.dropin.recognise.conftest import MODELS, PLAIN, entries
from tests.dropin.recognise.variations import DIFFERENT, SAME, varied


def test_the_plain_layers_are_replaced(reader):
    reader(PLAIN)
    named = {"TimeRNN", "TimeLSTM", "TimeEmbedding", "TimeAffine", "TimeSoftmaxWithLoss", "TimeAttention"}
    found = entries()
    assert {name for name in named if found[name].status == "replaced" and found[name].by_meaning} == named
    assert "computes what the book's computes" in repr(fasts2s.dropin.Report([found["TimeLSTM"]]))


@pytest.mark.parametrize("name", SAME)
def test_what_means_the_same_is_replaced(reader, name):
    kind, *pairs = SAME[name]
    reader(varied(PLAIN, *pairs))
    assert (entries()[kind].status, entries()[kind].reason) == ("replaced", "")


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_is_left(reader, name):
    kind, reason, *pairs = DIFFERENT[name]
    module = reader(varied(PLAIN, *pairs))
    assert entries()[kind].status == "left as is"
    assert reason in entries()[kind].reason
    assert getattr(module, kind) not in installed


def test_a_replaced_layer_computes_the_same(reader):
    module = reader(PLAIN)
    rng = np.random.default_rng(3)
    weights = [rng.normal(size=s).astype("f") for s in ((5, 16), (4, 16), (16,))]
    xs, dhs = rng.normal(size=(3, 6, 5)).astype("f"), rng.normal(size=(3, 6, 4)).astype("f")

    def step():
        layer = module.TimeLSTM(*weights, True)
        out = [layer.forward(xs), layer.backward(dhs), layer.h, layer.c, layer.dh, *(g.copy() for g in layer.grads)]
        return [*out, *(s.saved[3] for s in layer.steps)]

    ours = step()
    assert entries()["TimeLSTM"].calls == 2
    fasts2s.unpatch()
    for a, b in zip(ours, step(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("appended", "kind"), [("int(word)", int), ("word", np.int64)])
def test_answers_are_made_of_the_readers_own_numbers(reader, appended, kind):
    """NumPy's integers print in another way."""
    module = reader(PLAIN + "\n\n" + varied(MODELS, ("answer.append(int(word))", f"answer.append({appended})")))
    assert {entries()[name].status for name in ("Decoder", "Seq2seq")} == {"replaced"}
    model, xs = module.Seq2seq(7, 3, 5), np.array([[1, 2, 3]])
    answer = model.generate(xs, 2, 4)
    assert [type(i) for i in answer] == [kind] * 4
    assert entries()["Seq2seq"].calls == 1
    fasts2s.unpatch()
    assert repr(model.generate(xs, 2, 4)) == repr(answer)


def test_trying_a_model_counts_no_calls_of_the_layers_it_is_made_of(reader):
    reader(PLAIN + "\n\n" + MODELS)
    assert entries()["Decoder"].status == "replaced"
    assert {name: (e.calls, e.fallbacks) for name, e in entries().items() if e.calls or e.fallbacks} == {}

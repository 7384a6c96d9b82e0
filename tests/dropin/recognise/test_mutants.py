"""A sample of the mutants of ``benchmarks/recognition_mutants.py``: none is replaced that computes something else."""

import contextlib
import io
import random
import warnings

import pytest

import fasts2s
from fasts2s.dropin.settings import installed
from tests.dropin.recognise import mutants
from tests.dropin.recognise.conftest import MODELS, PLAIN, entries
from tests.dropin.recognise.variations import varied


def _kind(text, name):
    """Return a class of a module with this text, as it is and when all has been offered, and what it does."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = mutants.module_of(text)
        kind = getattr(module, name)
        before = mutants.behaviour(kind, name)
        fasts2s.accelerate(vars(module) if name in mutants.MODELS else kind)
        after = mutants.behaviour(kind, name)
        mutants.forget(module)
    return kind, before, after


@pytest.mark.parametrize(
    "name", ["TimeLSTM", "TimeRNN", "TimeEmbedding", "TimeAffine", "TimeSoftmaxWithLoss", "Decoder"]
)
def test_no_mutant_is_replaced_wrongly(reader, name):
    text = PLAIN + "\n\n" + MODELS if name in mutants.MODELS else PLAIN
    for what, mutant in random.Random(7).sample(mutants.mutants(text, name), 3):
        fasts2s.unpatch()
        fasts2s.set_backend("numpy")
        kind, before, after = _kind(mutant, name)
        if kind in installed:
            assert mutants.alike(before, after, name == "TimeSoftmaxWithLoss"), what
    fasts2s.unpatch()


def test_the_judge_tells_classes_apart():
    one, other = (
        mutants.module_of(text) for text in (PLAIN, varied(PLAIN, ("dc * c_old * forget", "dc * c_old * enter")))
    )
    with contextlib.redirect_stdout(io.StringIO()):
        first, same, second = (mutants.behaviour(m.TimeLSTM, "TimeLSTM") for m in (one, one, other))
    assert mutants.alike(first, same)
    assert not mutants.alike(first, second)
    mutants.forget(one)
    mutants.forget(other)


NAMES = ("Encoder", "Decoder", "Seq2seq", "AttentionEncoder", "AttentionDecoder")


def test_encoders_and_decoders_are_replaced(reader):
    reader(PLAIN + "\n\n" + MODELS)
    found = entries()
    assert {name: (found[name].status, found[name].reason) for name in NAMES} == dict.fromkeys(
        NAMES, ("replaced", "")
    )


@pytest.mark.parametrize(
    ("name", "reason", "old", "new"),
    [
        ("Decoder", "", "        self.lstm.set_state(h)\n        vectors = self", "        self.lstm.set_state(0.5 * h)\n        vectors = self"),
        ("Decoder", "generate", "word = np.argmax(scores.flatten())\n            answer.append(int(word))", "word = np.argmax(-scores.flatten())\n            answer.append(int(word))"),
        ("Encoder", "the output differs", "return self.hs[:, -1, :]", "return self.hs[:, 0, :]"),
        ("Encoder", "the gradient", "dhs[:, -1, :] = dh", "dhs[:, -1, :] = 2 * dh"),
        ("AttentionDecoder", "the gradient", "d_enc[:, -1] += self.lstm.dh", "d_enc[:, -1] -= self.lstm.dh"),
        ("Seq2seq", "generate", "return self.decoder.generate(h, start_id, sample_size)", "return self.decoder.generate(h, start_id, sample_size)[1:]"),
        ("Decoder", "a condition on values", "            answer.append(int(word))\n", "            answer.append(int(word))\n            if word == 3:\n                break\n"),
    ],
)  # fmt: skip
def test_other_encoders_and_decoders_are_left(reader, name, reason, old, new):
    reader(PLAIN + "\n\n" + varied(MODELS, (old, new)))
    assert entries()[name].status == "left as is"
    assert reason in entries()[name].reason

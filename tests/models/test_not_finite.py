"""Weights that are not finite give no answers: every way of decoding says which parameter it is."""

import numpy as np
import pytest

from fasts2s.evaluation import eval_seq2seq, exact_answers
from fasts2s.generation import greedy, sample
from fasts2s.models import AttentionSeq2seq, BetterRnnlmGen, PeekySeq2seq, Rnnlm, RnnlmGen, Seq2seq, SimpleRnnlm
from tests.sides import put

SEQUENCE = [Seq2seq, PeekySeq2seq, AttentionSeq2seq]
LANGUAGE = [SimpleRnnlm, Rnnlm, RnnlmGen, BetterRnnlmGen]
XS, TS = np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 2, 3], [1, 5, 6]])
CHARACTERS = {i: chr(97 + i) for i in range(7)}

ANSWERS = {
    "generate": lambda m: m.generate(XS[:1], 1, 4),
    "generate_batch": lambda m: m.generate_batch(XS, 1, 4),
    "generate_batch with a stop": lambda m: m.generate_batch(XS, 1, 4, stop_id=2),
    "exact_answers": lambda m: exact_answers(m, XS, TS),
    "eval_seq2seq": lambda m: eval_seq2seq(m, XS[:1], XS[:1], CHARACTERS),
}


def of_encoded(decode):
    """Decode with the decoder alone, by its own methods and by those of fasts2s.generation."""
    return lambda m: decode(m, m.encoder.encode(XS))


DECODERS = {
    "decoder.generate": of_encoded(lambda m, h: m.decoder.generate(h[:1], 1, 4)),
    "greedy": of_encoded(lambda m, h: greedy(m.decoder.step, m.decoder.start(h), XS[:, 0], 4)),
    "greedy with a stop": of_encoded(lambda m, h: greedy(m.decoder.step, m.decoder.start(h), XS[:, 0], 4, stop_id=2)),
    "sample": of_encoded(lambda m, h: sample(m.decoder.step, m.decoder.start(h), XS[:, 0], 4, rng=1)),
}


@pytest.mark.parametrize("way", ANSWERS)
@pytest.mark.parametrize("bad", [1, 6, 8])
@pytest.mark.parametrize("make", SEQUENCE)
def test_an_answer_names_the_parameter_of_the_model(make, bad, way, backend):
    model = make(7, 5, 9, backend=backend)
    ANSWERS[way](model)
    model.params[bad][:, 1] = np.nan
    count, shape = model.params[bad].shape[0], model.params[bad].shape
    with pytest.raises(FloatingPointError, match=r"the weights") as caught:
        ANSWERS[way](model)
    assert f"params[{bad}] of {make.__name__}" in str(caught.value)
    assert f"{count} of its {shape[0] * shape[1]} numbers" in str(caught.value)


@pytest.mark.parametrize("way", DECODERS)
@pytest.mark.parametrize("make", SEQUENCE)
def test_a_decoder_says_whether_it_is_its_weights_or_what_it_was_given(make, way, backend):
    model = make(7, 5, 9, backend=backend)
    DECODERS[way](model)
    model.encoder.params[1][:] = np.nan
    with pytest.raises(FloatingPointError, match=r"the weights of .*Decoder are finite.*the input"):
        DECODERS[way](model)
    model.decoder.params[4][0, 0] = np.nan
    with pytest.raises(FloatingPointError, match=r"params\[4\] of .*Decoder"):
        DECODERS[way](model)


@pytest.mark.parametrize("temperature", [0, 0.5, 1])
@pytest.mark.parametrize("make", LANGUAGE)
def test_a_language_model_names_the_parameter(make, temperature, backend):
    model = make(7, 5, 5, backend=backend)
    model.params[-1][3] = np.nan
    with pytest.raises(FloatingPointError, match=rf"params\[{len(model.params) - 1}\] of {make.__name__}"):
        sample(model.step, None, XS[:, 0], 4, rng=1, temperature=temperature, skip_ids=[2])


@pytest.mark.parametrize("make", [RnnlmGen, BetterRnnlmGen])
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_words_one_by_one_name_the_parameter(make, backend, wrong):
    model = make(7, 5, 5, backend=backend)
    model.params[1][:] = wrong
    with pytest.raises(FloatingPointError, match=rf"params\[1\] of {make.__name__}"):
        model.generate(1)


def test_a_skipped_word_and_a_stopped_row_are_not_looked_at(backend):
    model = Rnnlm(7, 5, 5, backend=backend)
    model.params[-1][3] = np.nan
    with pytest.raises(FloatingPointError):
        greedy(model.step, None, XS[:, 0], 3)
    assert np.shape(greedy(model.step, None, XS[:, 0], 3, skip_ids=[3])) == (2, 3)

    def step(ids, state):
        scores = np.zeros((2, 7), "f")
        scores[0, 2] = 1
        scores[0, 4] = np.nan if state else 0
        return put(backend, scores), True

    assert greedy(step, False, XS[:, 0], 3, stop_id=2) == [[2], [0, 0, 0]]


def test_a_step_that_is_a_function_has_no_weights_to_name(backend):
    step = lambda ids, state: (put(backend, np.full((len(ids), 7), np.inf, "f")), state)
    for decode in (greedy, sample):
        with pytest.raises(FloatingPointError, match=r"row 0.*step function"):
            decode(step, None, XS[:, 0], 3)

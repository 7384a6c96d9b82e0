"""Answering, drawing text, evaluating: everything that runs a model without training it."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from fasts2s.bench import data
from fasts2s.bench.cases import ANSWER_BLOCK, ANSWERS, ASKED_ALONE, QUESTIONS, START_ID, case_of
from fasts2s.bench.peer import read_data, weights_of
from fasts2s.bench.peers.code import new_model, our_code
from fasts2s.evaluation import eval_seq2seq, exact_answers

SMALL = {"S": 4, "V": 11, "D": 6, "H": 8}
CHARACTERS = dict(enumerate("0123456789+_ "))


def _sized(case, tiny):
    sizes = case.sizes | {letter: min(most, case[letter]) for letter, most in SMALL.items()}
    return replace(case, sizes=sizes) if tiny else case


def _units(case):
    """Return samples and tokens of one call, see :mod:`fasts2s.bench.cases`."""
    if case.kind == "answers":
        samples = ASKED_ALONE if case.variant == "alone" else QUESTIONS
        return samples, samples * (case["T"] - 1)
    return (1, case["T"]) if case.kind == "text" else (None, data.CORPUS)


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: case.name)
def test_generate(case, backend, peer, tiny, timing, tmp_path):
    """Greedy answers, text drawn word by word, perplexity of a corpus."""
    case = _sized(case, tiny)
    reference = data.make(case, tmp_path)
    made = peer.build(case, read_data(case, tmp_path), {})
    timing.gate(made.results(), reference)
    samples, tokens = _units(case)
    facts = {"sizes": case.sizes, "samples": samples, "tokens": tokens, "backend": backend}
    timing.run(made.once, case.name, reset=made.reset, **facts)


@pytest.fixture
def questions(peer, tiny, tmp_path):
    """A model, questions and correct answers, every other one of which is wrong; and which are right."""
    case = _sized(case_of("5000 answers, in batches"), tiny)
    answers = data.make(case, tmp_path)["ids"]
    given = read_data(case, tmp_path)
    model = new_model(our_code(), replace(case, kind="Seq2seq"), [peer.put(w) for w in weights_of(given)])
    correct = np.hstack((np.full((len(answers), 1), START_ID), answers))
    right = np.arange(len(correct)) % 2 == 0
    correct[~right, -1] = (correct[~right, -1] + 1) % case["V"]
    return model, peer.put(given["xs"]), correct, right


def test_exact_answers(questions, backend, timing):
    """Evaluation in batches, as ``fasts2s train`` does it after every epoch."""
    model, xs, correct, right = questions
    evaluate = partial(exact_answers, model, xs, correct, batch_size=ANSWER_BLOCK)
    timing.gate({"ids": evaluate()[:, None]}, {"ids": right[:, None]})
    timing.run(evaluate, "evaluation in batches", backend=backend, samples=len(xs), model="Seq2seq")


def test_eval_seq2seq(questions, backend, timing):
    """Evaluation question by question, as the book's scripts do it."""
    model, xs, correct, right = questions
    asked = range(min(ASKED_ALONE, len(xs)))

    def evaluate():
        return [eval_seq2seq(model, xs[k : k + 1], correct[k : k + 1], CHARACTERS) for k in asked]

    timing.gate({"ids": np.array(evaluate())[:, None]}, {"ids": right[: len(asked), None]})
    timing.run(evaluate, "evaluation one by one", backend=backend, samples=len(asked), model="Seq2seq")

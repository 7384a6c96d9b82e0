"""States of any kind, wrong arguments, and words for what is unknown."""

from typing import NamedTuple

import numpy as np
import pytest

from fasts2s.generation import Answer, GenerationOptions, generate, generate_from, replace_unknown
from tests.generation.models import START, STOP, Chain, model, sources


class Pair(NamedTuple):
    h: np.ndarray
    more: object


WRAPPED = {
    "list": (lambda h: [h, None, 3], lambda s: s[0]),
    "tuple": (lambda h: (None, (h,)), lambda s: s[1][0]),
    "dict": (lambda h: {"h": h, "name": "a", "size": np.int64(3), "scale": np.array(2.0)}, lambda s: s["h"]),
    "named": (lambda h: Pair(h, [h]), lambda s: s.more[0]),
}


@pytest.mark.parametrize("kind", WRAPPED)
def test_states_of_any_kind_are_moved(kind):
    wrap, unwrap = WRAPPED[kind]
    chain = Chain()

    def step(ids, state):
        scores, h = chain.step(ids, unwrap(state))
        return scores, wrap(h)

    options, starts = GenerationOptions(beam=4, nbest=4, stop_id=STOP, max_length=7), np.arange(7)
    found = generate_from(step, wrap(chain.start(7)), starts, options)
    expected = generate_from(chain.step, chain.start(7), starts, options)
    assert [[a.ids for a in row] for row in found] == [[a.ids for a in row] for row in expected]


@pytest.mark.parametrize("state", [object(), {"h": {1, 2}}, [np.zeros((5, 2))]], ids=["object", "set", "rows"])
def test_states_of_no_rows_are_refused(state):
    step = lambda ids, _: (Chain().step(ids, np.zeros((len(ids), 6)))[0], state)
    with pytest.raises(ValueError, match=r"state holds .*, expected"):
        generate_from(step, None, np.zeros(2, int), GenerationOptions(beam=2))


def test_the_state_that_was_given_is_left_alone():
    m, xs = model("feeding peeky"), sources(4)
    start = m.start(xs)
    options = GenerationOptions(beam=3, stop_id=STOP, max_length=6)
    first = generate_from(m.step, start, np.full(4, START), options)
    again = generate_from(m.step, start, np.full(4, START), options)
    assert [a.ids for (a,) in first] == [a.ids for (a,) in again]


def test_wrong_arguments_are_refused():
    chain, options = Chain(), GenerationOptions(beam=2, max_length=3)
    for starts in (np.zeros((1, 2), int), np.zeros(2), 3, ["a"]):
        with pytest.raises(ValueError, match="start_ids"):
            generate_from(chain.step, chain.start(2), starts, options)
    for wrong in (None, {"beam": 2}, 5):
        with pytest.raises(ValueError, match=r"options is a .*, expected GenerationOptions"):
            generate_from(chain.step, chain.start(2), np.zeros(2, int), wrong)
    with pytest.raises(ValueError, match="step is None, expected a function"):
        generate_from(None, None, np.zeros(2, int), options)
    with pytest.raises(ValueError, match=r"scores have shape \(3, 7\), expected \(N, V\) with N = 2"):
        generate_from(lambda ids, state: (np.zeros((3, 7)), state), None, np.zeros(2, int), options)
    with pytest.raises(ValueError, match="start_id is None"):
        generate(model("dot"), sources(2), options)
    with pytest.raises(ValueError, match=r"model is .*, expected an object with start"):
        generate(chain.step, sources(2), options)
    with pytest.raises(ValueError, match=r"coverage_penalty is 0.1, but there is no attention"):
        generate_from(chain.step, chain.start(2), np.zeros(2, int), GenerationOptions(coverage_penalty=0.1))


def test_no_rows_have_no_answers():
    assert generate_from(Chain().step, Chain().start(0), np.zeros(0, int), GenerationOptions()) == []


# ---- words for what is unknown -----------------------------------------------------------------------------------


def answer(ids, attention, ended=True):
    weights = None if attention is None else np.array(attention)
    return Answer(ids, 0.0, 0.0, np.zeros(len(ids)), ended, weights)


def test_an_unknown_word_becomes_the_source_word_with_most_attention():
    weights = [[0.1, 0.9, 0.0], [0.3, 0.1, 0.6], [0.8, 0.1, 0.1], [0, 0, 1]]
    made = replace_unknown(answer([1, 5, 1, STOP], weights), ["<unk>", "loves", "<unk>"], ["Mina", "Juno", "?"], 1)
    assert made == ["Juno", "loves", "Mina"]
    padded = replace_unknown(answer([5, 1], weights[:2], False), ["a", "<unk>"], ["Mina", "Juno"], 1)
    assert padded == ["a", "Mina"]  # the third place is padding, whatever stands there
    assert replace_unknown(answer([5, STOP], None), ["a"], [], 1) == ["a"]


def test_sources_that_are_read_backwards_keep_their_order():
    m, xs = model("general"), sources(6)
    assert m.settings.reverse
    options = GenerationOptions(start_id=START, max_length=4, attention=True, banned=range(1), prefix=[1])
    for (found,), x in zip(generate(m, xs, options), xs, strict=True):
        typed = [f"w{i}" for i in x[x != 0]]
        made = replace_unknown(found, [str(i) for i in found.words], typed, 1)
        assert made[0] == typed[found.attention[0].argmax()]
        assert (found.attention[:, len(typed) :] == 0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((answer([1], None, False), ["?"], ["a"], 1), "answer has no attention"),
        ((answer([1], [[1.0]], False), ["?"], [], 1), "source_words are 0, expected 1 to 1"),
        ((answer([1], [[1.0]], False), ["?"], ["a", "b"], 1), "source_words are 2, expected 1 to 1"),
        ((answer([1], [[1.0]], False), [], ["a"], 1), "words are 0, expected 1"),
        ((answer([1], [[1.0]], False), "?", ["a"], 1), "words is"),
        ((answer([1], [[1.0]], False), ["?"], ["a"], 1.0), "unk_id is 1.0"),
        (([1], ["?"], ["a"], 1), "answer is a list, expected an Answer"),
    ],
)
def test_what_cannot_be_replaced(arguments, message):
    with pytest.raises(ValueError, match=message):
        replace_unknown(*arguments)

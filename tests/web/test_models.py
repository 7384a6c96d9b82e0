"""What the page shows is what the commands say: the same answers, and numbers that belong to them."""

import math

import numpy as np
import pytest

from fasts2s.backend import use_backend
from fasts2s.cli import main
from fasts2s.commands.errors import CommandError
from fasts2s.text_to_text import TextToText
from fasts2s.web.folders import load_models
from fasts2s.web.questions import Question

SEQUENCES = ["pairs", "plain", "sums", "looks"]
ASKED = {"pairs": "one five two", "plain": "one five two", "sums": "7+11", "looks": "7+11", "words": "you say"}


@pytest.fixture(autouse=True)
def _numpy():
    with use_backend("numpy"):
        yield


def _ask(models, name, **options):
    return models[name].answer(Question(name, ASKED[name], **options))


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_best_answer_is_that_of_ask(name, models, folders, capsys):
    assert main(["ask", str(folders / name), ASKED[name], "--backend", "numpy"]) == 0
    assert _ask(models, name)["answers"][0]["text"] == capsys.readouterr().out.strip()


def test_a_text_goes_on_as_generate_says(models, folders, capsys):
    start = ["--start", ASKED["words"], "--temperature", "0.8", "--seed", "5", "--length", "9", "--backend", "numpy"]
    assert main(["generate", str(folders / "words"), *start]) == 0
    found = _ask(models, "words", temperature=0.8, seed=5, length=9)
    assert found["answers"][0]["text"] == capsys.readouterr().out.removesuffix("\n")


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("options", [{}, {"beam": 4, "nbest": 3}, {"temperature": 1.5, "nbest": 2, "seed": 4}])
def test_probabilities_of_symbols_multiply_to_that_of_the_answer(name, options, models):
    found = _ask(models, name, length=6, **options)
    assert len(found["answers"]) == options.get("nbest", 1)
    for answer in found["answers"]:
        p = [letter["p"] for letter in answer["letters"]]
        assert math.prod(p) == pytest.approx(math.exp(answer["score"]), abs=0.002)
        for letter in answer["letters"]:
            best = [chance for _, chance in letter["others"]]
            assert best == sorted(best, reverse=True)
            assert letter["p"] <= best[0]
            assert (
                letter["symbol"] not in dict(letter["others"]) or [letter["symbol"], letter["p"]] in letter["others"]
            )


@pytest.mark.parametrize("name", ["pairs", "looks"])
def test_attention_has_a_row_for_every_symbol_that_sums_to_one(name, models):
    found = _ask(models, name, beam=2, nbest=2)
    for answer in found["answers"]:
        weights = np.array(answer["attention"])
        assert weights.shape == (len(answer["letters"]), len(found["asked"]))
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=0.01)


@pytest.mark.parametrize("name", ["plain", "sums", "words"])
def test_a_model_without_attention_has_none(name, models):
    assert _ask(models, name)["answers"][0]["attention"] is None


def test_attention_of_the_books_model_is_that_of_its_forward(models):
    model = models["looks"].model
    found = _ask(models, "looks")
    ids = [models["looks"]._ids[c] for c in "7+11 "]
    read = model.encoder.forward(np.array([ids[::-1]]))
    said = [models["looks"]._ids[letter["symbol"]] for letter in found["answers"][0]["letters"]]
    model.decoder.forward(np.array([[models["looks"]._ids["_"], *said[:-1]]]), read)
    weights = np.array([w[0] for w in model.decoder.attention.attention_weights])[:, ::-1]
    np.testing.assert_allclose(found["answers"][0]["attention"], weights, atol=1e-4)


def test_h_is_what_the_decoder_starts_with(models):
    sums = models["sums"]
    ids = np.array([[sums._ids[c] for c in "7+11 "]])
    np.testing.assert_allclose(_ask(models, "sums")["h"], sums.model.encoder.forward(ids[:, ::-1])[0], atol=1e-4)
    whole = models["plain"].whole
    state = whole.model.start(whole.source_ids(ASKED["plain"]))
    np.testing.assert_allclose(_ask(models, "plain")["h"], state.states[-1][0][0], atol=1e-4)
    assert [len(_ask(models, name)["h"]) for name in ASKED] == [12] * 5


def test_a_source_is_shown_as_it_was_read(models):
    found = models["pairs"].answer(Question("pairs", "one nine"))
    assert found["unknown"] == ["nine"]
    assert (found["asked"], found["cut"]) == (["one", "nine", None], 0)
    found = models["pairs"].answer(Question("pairs", "one " * 130))
    assert (len(found["asked"]), found["cut"]) == (101, 30)
    assert _ask(models, "sums")["asked"] == list("7+11 ")


def test_the_same_seed_draws_the_same_answers(models):
    texts = [
        [a["text"] for a in _ask(models, "words", temperature=1.0, nbest=3, seed=s)["answers"]] for s in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("sums", "7+x", "'x'"),
        ("sums", "123456789", "9 characters, expected at most 5"),
        ("sums", "7+\0", "expected"),
        ("words", "you xyzzy", "the model does not know"),
    ],
)
def test_what_a_model_cannot_read_is_said(name, text, said, models):
    with pytest.raises((ValueError, CommandError), match=said.replace("+", r"\+")):
        models[name].answer(Question(name, text))


def test_facts_say_what_there_is(models):
    facts = {name: model.facts() for name, model in models.items()}
    assert [fact["kind"] for fact in facts.values()] == ["pairs", "pairs", "addition", "addition", "lm"]
    assert {fact["input"] for fact in facts.values()} == {"text"}
    assert facts["pairs"]["parameters"] == models["pairs"].whole.model.parameter_count()
    assert facts["sums"]["longest"] == 5
    assert [fact["temperature"] for fact in facts.values()] == [0, 0, 0, 0, 1]


def test_folders_of_one_name_have_two_names(folders):
    assert list(load_models([str(folders / "sums"), str(folders / "sums")])) == ["sums", "sums-2"]


def test_a_source_of_a_model_of_pairs_ends_with_its_mark(folders):
    whole = TextToText.load(folders / "pairs", backend="numpy")
    assert whole.source_ids("one two").tolist() == [[*whole.source.encode("one two"), 3]]
    assert whole.source_ids("one " * 130).shape == (1, 101)

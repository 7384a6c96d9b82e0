"""What comes from a browser is checked: every field, its kind and its limits."""

import json

import pytest

from fasts2s.web.questions import MOST_TEXT, Question, RefusedError, read_question


def _read(**fields):
    return read_question(json.dumps({"model": "sums", "text": "1+1", **fields}).encode())


def _refused(body):
    with pytest.raises(RefusedError) as caught:
        read_question(body)
    return caught.value


def test_a_question_has_all_its_fields():
    question = _read(temperature=0.5, beam=3, nbest=2, length=9, seed=7)
    assert question == Question("sums", "1+1", 0.5, 3, 2, 9, 7)
    assert question.choice() == {"beam": 1, "nbest": 2, "temperature": 0.5, "rng": 7}
    assert _read(beam=3, nbest=5).choice()["beam"] == 5
    assert _read(beam=3, nbest=2).choice()["beam"] == 3


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"temperature": -0.1}, "temperature is -0.1, expected a number from 0 to 3"),
        ({"temperature": "1"}, "temperature is '1'"),
        ({"temperature": True}, "temperature is True"),
        ({"temperature": 10**400}, "temperature is 1000"),
        ({"beam": 0}, "beam is 0, expected a whole number from 1 to 20"),
        ({"beam": 21}, "beam is 21"),
        ({"beam": 1.0}, "beam is 1.0"),
        ({"beam": True}, "beam is True"),
        ({"nbest": None}, "nbest is None"),
        ({"nbest": 11}, "nbest is 11, expected a whole number from 1 to 10"),
        ({"length": 301}, "length is 301, expected a whole number from 1 to 300"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"text": ["a"]}, "text is ['a'], expected a text"),
        ({"text": "\ud800"}, "text holds half of a character"),
        ({"model": 3}, "model is 3, expected a text"),
        ({"file": "/etc/passwd"}, "there is no 'file', expected model, text, temperature"),
        ({"text": " \n "}, "text is empty"),
    ],
)
def test_wrong_values_are_named(fields, said):
    error = _refused(json.dumps({"model": "sums", "text": "1+1", **fields}).encode())
    assert error.status == 400
    assert said in str(error)


def test_a_long_text_is_refused_and_the_longest_is_not():
    assert len(_read(text="1" * MOST_TEXT).text) == MOST_TEXT
    error = _refused(json.dumps({"model": "sums", "text": "1" * (MOST_TEXT + 1)}).encode())
    assert (error.status, error.code) == (413, "too_long")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        b"{",
        b"\xff\xfe",
        b'{"model": "sums", "text": "1", "temperature": NaN}',
        b'{"model": "sums", "text": "1", "temperature": Infinity}',
        b"[" * 30000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"[1, 2]",
        b'"text"',
        b"null",
        b"{}",
        b'{"text": "1"}',
        b"9" * 5000,
    ],
    ids=lambda body: ascii(body[:12]),
)
def test_what_is_no_question_is_refused(body):
    error = _refused(body)
    assert (error.status, error.code) == (400, "wrong")
    assert len(str(error)) < 200

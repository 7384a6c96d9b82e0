"""Asking a model whose weights are not finite."""

import pytest

from fasts2s.cli import main
from fasts2s.commands.run_folder import write_model
from fasts2s.models import Rnnlm, Seq2seq

_SEQUENCE = {"task": "addition", "characters": "0123_ ", "mark": "_", "question_length": 4, "answer_length": 3}


@pytest.mark.parametrize(
    ("model", "extra", "command"),
    [
        (Seq2seq(6, 3, 4), _SEQUENCE, ["ask", "{}", "12"]),
        (Rnnlm(3, 3, 4), {"task": "lm", "words": ["a", "b", "c"]}, ["generate", "{}", "--start", "a"]),
    ],
    ids=["ask", "generate"],
)
def test_it_is_said_in_one_line_and_not_of_training(model, extra, command, tmp_path, capsys):
    model.params[1][...] = float("nan")
    write_model(tmp_path, model, extra)
    assert main([word.format(tmp_path) for word in command]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert err.count("\n") == 1
    assert f"params[1] of {type(model).__name__}" in err
    assert "training stopped" not in err

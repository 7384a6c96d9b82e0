"""What argparse says of a wrong value: the value, what was expected, no name of a function."""

import pytest

from fasts2s.cli import main, make_parser

_NINES = "9" * 6000  # more digits than int() reads


@pytest.mark.parametrize("value", ["x", "", "nan", "-1", "0", "1.5", _NINES, "99999999999", "0x10"])
@pytest.mark.parametrize("option", ["--epochs", "--hidden", "--batch-size", "--wordvec"])
def test_sizes(option, value, capsys):
    assert _said(capsys, "train", "addition", f"{option}={value}") == (
        f"argument {option}: {_shown(value)} is not a whole number from 1 to 2147483647"
    )


@pytest.mark.parametrize("value", ["x", "", "nan", "inf", "-1", "1e999", _NINES])
@pytest.mark.parametrize(
    ("option", "expected"),
    [("--lr", "> 0"), ("--max-grad", "> 0"), ("--temperature", ">= 0")],
)
def test_numbers(option, expected, value, capsys):
    command = ("generate", "run", "--start=a") if option == "--temperature" else ("train", "lm")
    said = _said(capsys, *command, f"{option}={value}")
    assert said == f"argument {option}: {_shown(value)} is not a finite number {expected}"


@pytest.mark.parametrize("value", ["-1", "4294967296", "one"])
def test_seeds(value, capsys):
    said = _said(capsys, "generate", "run", "--start=a", f"--seed={value}")
    assert said == f"argument --seed: {value!r} is not a whole number from 0 to 4294967295"


def test_zero_is_a_temperature_and_no_learning_rate(capsys):
    assert "argument --lr: '0' is not a finite number > 0" in _said(capsys, "train", "date", "--lr", "0")
    assert main(["generate", "nowhere", "--start", "a", "--temperature", "0"]) == 1
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ask DIR --backend numpy 1+1", {"dir": "DIR", "question": ["1+1"], "backend": "numpy"}),
        ("ask --backend numpy DIR 1+1 2+2", {"dir": "DIR", "question": ["1+1", "2+2"]}),
        ("ask DIR 1+1 --backend numpy 2+2", {"dir": "DIR", "question": ["1+1", "2+2"], "backend": "numpy"}),
        ("ask DIR --backend numpy", {"dir": "DIR", "question": []}),
        ("ask DIR -- --backend", {"dir": "DIR", "question": ["--backend"], "backend": None}),
        ("train lm --hidden 5 TEXT", {"text": "TEXT", "hidden": 5}),
        ("train lm --hidden 5 TEXT --level char", {"text": "TEXT", "tokens": "char"}),
        ("train lm --hidden 5", {"text": None, "hidden": 5}),
        ("generate --start a DIR --length 3", {"dir": "DIR", "length": 3}),
        ("bench --json a.json compare b c", {"what": "compare", "files": ["b", "c"]}),
        ("bench compare --json a.json b c", {"what": "compare", "files": ["b", "c"]}),
        ("bench", {"what": "quick", "files": []}),
    ],
)
def test_options_stand_anywhere(words, found):
    parsed = vars(make_parser().parse_args(words.split()))
    assert parsed | found == parsed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("ask", "the following arguments are required: DIR"),
        ("ask --backend numpy", "the following arguments are required: DIR"),
        ("generate --start a", "the following arguments are required: DIR"),
        ("generate DIR", "the following arguments are required: --start"),
        ("train lm a b", "unrecognized arguments: b"),
        ("train lm a --hiden 3", "unrecognized arguments: --hiden 3"),
        ("bench slow", "argument what: invalid choice: 'slow'"),
        ("train", "the following arguments are required: TASK"),
        ("", "the following arguments are required: COMMAND"),
    ],
)
def test_what_is_missing_or_too_much(words, said, capsys):
    assert _said(capsys, *words.split()).startswith(said)


def _shown(value):
    return repr(value if len(value) <= 40 else f"{value[:40]}...")


def _said(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err.splitlines()[-1].partition("error: ")[2]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("", "COMMAND"),
        ("train", "TASK"),
        ("train addition", "which decoder (peeky)"),
        ("train lm", "TEXT"),
        ("ask", "DIR [question ...]"),
        ("generate", "(100)"),
        ("bench", "which measurements (quick)"),
        ("bench kernels", "OLD.json NEW.json"),
        ("info", "fasts2s info"),
        ("warmup", "--clean"),
    ],
)
@pytest.mark.parametrize("option", ["-h", "--he"])
def test_help_names_every_word_and_default(command, shown, option, capsys):
    with pytest.raises(SystemExit) as left:
        main([*command.split(), option])
    assert left.value.code == 0
    assert shown in " ".join(capsys.readouterr().out.split())

"""What argparse says of a wrong value: the value, what was expected, no name of a function."""

import pytest

from fasts2s.cli import main

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


def _shown(value):
    return repr(value if len(value) <= 40 else f"{value[:40]}...")


def _said(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    return capsys.readouterr().err.splitlines()[-1].partition("error: ")[2]

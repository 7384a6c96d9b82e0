"""The command line of ``python -m fasts2s``, read in this process."""

import pytest

from fasts2s.dropin.run.options import Options, parse
from fasts2s.dropin.run.parser import make_parser


@pytest.mark.parametrize(
    "rest", [["s.py", "-q"], ["-m", "a.b", "--backend"], ["-c", "pass"], ["-", "x"], ["--", "-s"]]
)
def test_without_options_all_is_as_the_parser_has_it(rest):
    found = parse(rest)
    assert found == parse(["-v", *rest])._replace(verbosity=0)
    assert isinstance(found.args, list)


def test_every_option_of_the_parser_arrives():
    ours = ["--backend", "numpy", "--threads", "2", "--profile", "--report", "r.json", "--strict", "--verify"]
    ours += ["--trust", "A", "--trust", "B", "--only-book", "--old-numpy", "--distributed", "mpi", "-v", "-v"]
    assert {flag for action in make_parser()._actions for flag in action.option_strings} - set(ours) == {
        "-h", "--help", "-q", "--version",
    }  # fmt: skip
    more = (2, True, "r.json", True, True, ("A", "B"), True, True, 2, "mpi")
    assert parse([*ours, "s.py", "1"]) == Options("script", "s.py", ["1"], "numpy", *more)
    assert parse(["-q", "s.py"]).verbosity == -1


@pytest.mark.parametrize("words", [[], ["-m"], ["-c"], ["--threads", "0", "s.py"], ["-v"]])
def test_what_makes_no_sense_ends_with_status_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(words)
    assert ended.value.code == 2
    assert "python -m fasts2s" in capsys.readouterr().err


def test_the_parser_is_not_loaded_without_options(run, tmp_path):
    (tmp_path / "s.py").write_text("import sys\nprint('argparse' in sys.modules)\n")
    assert run("s.py", cwd=tmp_path).stdout == "False\n"
    assert run("-q", "s.py", cwd=tmp_path).stdout == "True\n"

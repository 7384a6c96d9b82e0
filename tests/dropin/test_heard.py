"""Functions that a script types itself, with no class beside them: offered when they are first called."""

import ast
import json

import pytest

from tests.dropin.conftest import BOOK

_UTIL = (BOOK / "common" / "util.py").read_text(encoding="utf-8")
CLIP, EVALUATE = (
    next(ast.get_source_segment(_UTIL, node) for node in ast.parse(_UTIL).body if getattr(node, "name", "") == name)
    for name in ("clip_grads", "eval_seq2seq")
)
USE = """
import numpy as np
import fasts2s
grads = [np.full((3, 4), 2.0, "f"), np.ones(5, "f")]
{}
print([float(g.sum()) for g in grads])
print({{e.name: (e.status, e.calls) for e in fasts2s.status().entries}})
"""
ONCE = "clip_grads(grads, 1.5)"


@pytest.mark.parametrize("use", [ONCE, f"{ONCE}\n{ONCE}", "clip_grads(max_norm=1.5, grads=grads)"])
@pytest.mark.parametrize("way", ["script", "-c", "-m"])
def test_a_function_alone_is_replaced(run, tmp_path, use, way):
    text = CLIP + USE.format(use)
    (tmp_path / "script.py").write_text(text)
    arguments = {"script": ["script.py"], "-c": ["-c", text], "-m": ["-m", "script"]}[way]
    found = run("-q", *arguments, cwd=tmp_path, FASTS2S_BACKEND="numpy")
    numbers, entries = found.stdout.splitlines()
    assert entries == str({"clip_grads": ("replaced", 1 + (use.count("1.5") > 1))}), found.stderr
    plain = run(*arguments, cwd=tmp_path, plain=True).stdout.splitlines()[0]
    assert json.loads(numbers) == pytest.approx(json.loads(plain), rel=1e-5)


def test_another_text_is_left(run, tmp_path):
    (tmp_path / "script.py").write_text(CLIP.replace("1e-6", "1e-3") + USE.format(ONCE))
    found = run("-q", "script.py", cwd=tmp_path)
    assert found.stdout.endswith("{'clip_grads': ('left as is', 0)}\n")


def test_a_function_looks_as_it_was_typed(run, tmp_path):
    documented = CLIP.replace("max_norm):", 'max_norm):\n    """Clips them."""', 1)
    look = "import inspect\nprint(clip_grads.__doc__, inspect.signature(clip_grads), clip_grads.__code__.co_name)\n"
    look += "print(inspect.getsource(clip_grads))\n"
    wrong = "try:\n    clip_grads(1)\nexcept TypeError as error:\n    print(error)\n"
    named = "other, clip_grads = clip_grads, None\nother([np.ones(3)], 1.0)\nprint(other.__defaults__)\n"
    (tmp_path / "script.py").write_text(f"import numpy as np\n{documented}\n{look}{wrong}{look}{named}")
    found, plain = run("-q", "script.py", cwd=tmp_path), run("script.py", cwd=tmp_path, plain=True)
    assert (found.stdout, found.stderr) == (plain.stdout, "")


def test_an_error_inside_is_the_scripts(run, tmp_path):
    (tmp_path / "script.py").write_text(f"import numpy as np\n{CLIP}\nclip_grads([3, None], 1.0)\n")
    found, plain = run("-q", "script.py", cwd=tmp_path), run("script.py", cwd=tmp_path, plain=True)
    assert (found.stdout, found.stderr, found.returncode) == (plain.stdout, plain.stderr, 1)


def test_an_evaluation_loop_in_the_script_itself_is_answered_in_batches(run, tmp_path):
    for name in ("common", "ch07"):
        (tmp_path / name).symlink_to(BOOK / name)
    text = f"""
import sys
sys.path += ["ch07"]
import numpy as np
import fasts2s
from seq2seq import Seq2seq
{EVALUATE}
np.random.seed(1)
model, x_test, t_test = Seq2seq(9, 4, 5), np.arange(60).reshape(20, 3) % 9, np.arange(80).reshape(20, 4) % 9
right, letters = 0, dict(enumerate("abcdefghi"))
for i in range(len(x_test)):
    question, correct = x_test[[i]], t_test[[i]]
    right += eval_seq2seq(model, question, correct, letters)
print(right)
print([(e.status, e.calls) for e in fasts2s.status().entries if e.module == "__main__"])
"""
    (tmp_path / "script.py").write_text(text)
    found = run("-q", "script.py", cwd=tmp_path, FASTS2S_BACKEND="numpy")
    assert found.stdout.splitlines()[1:] == ["[('replaced', 19)]"], found.stderr  # the first is heard alone

"""``python -m fasts2s``: what a script sees is what plain python shows it, and nothing of ours is on stdout."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from fasts2s.cli import make_parser
from fasts2s.dropin.run.options import COMMANDS
from tests.dropin.conftest import BOOK, known_forms


@pytest.fixture
def library(tmp_path):
    shutil.copytree(BOOK, tmp_path / "book")
    return tmp_path / "book"


SEEN = """
import sys, os, json
print(json.dumps([sys.argv, __name__, __file__, sys.path[0], __package__, __spec__ is None, sys.stdin.read(),
    type(sys.modules["__main__"]).__name__, sys.modules["__main__"].__dict__ is globals(), __doc__]))
"""


@pytest.mark.parametrize("arguments", [[], ["a", "--backend", "-m", "-c"], ["--", "x"]], ids=str)
def test_a_script_sees_what_plain_python_shows(run, tmp_path, arguments):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "seen.py").write_text(SEEN)
    found = run("-q", "sub/seen.py", *arguments, cwd=tmp_path, stdin="a line\n")
    plain = run("sub/seen.py", *arguments, cwd=tmp_path, stdin="a line\n", plain=True)
    assert (found.stdout, found.stderr, found.returncode) == (plain.stdout, "", 0)


def test_a_module_and_code(run, tmp_path):
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(
        "import sys\nfrom . import part\nprint(sys.argv, __name__, __package__, part.x)"
    )
    (package / "part.py").write_text(
        "import sys\nx = 3\nif __name__ == '__main__':\n    print(sys.argv, __spec__.name)"
    )
    for rest in (
        ["-m", "pack", "a"],
        ["-m", "pack.part", "-x"],
        ["-c", "import sys; print(sys.argv, sys.path[0])", "1"],
    ):
        plain = run(*rest, cwd=tmp_path, plain=True)
        found = run("-q", *rest, cwd=tmp_path)
        assert (found.stdout, found.stderr, found.returncode) == (plain.stdout, "", 0), rest


@pytest.mark.parametrize(
    "text",
    [
        "import sys\nsys.exit(3)",
        "import sys\nsys.exit('a last word')",
        "raise SystemExit",
        "def f():\n    raise ValueError('wrong')\n\n\nf()",
        "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e",
        "def broken(:\n    pass",
        "import there_is_no_such_module",
        "import broken_module",
        "print('before')\nraise KeyboardInterrupt",
        "import sys\nsys.excepthook = lambda *a: print('mine', a[0].__name__)\n1 / 0",
        "import atexit\natexit.register(print, 'at the end')\nraise KeyboardInterrupt",
        "import os\nos._exit(5)",
    ],
)
def test_a_wrong_script_behaves_as_under_plain_python(run, tmp_path, text):
    (tmp_path / "script.py").write_text(text + "\n")
    (tmp_path / "broken_module.py").write_text("x = (\n")
    found, plain = run("-q", "script.py", cwd=tmp_path), run("script.py", cwd=tmp_path, plain=True)
    assert (found.stdout, found.returncode) == (plain.stdout, plain.returncode)
    assert _without_our_frames(found.stderr) == plain.stderr


def _without_our_frames(text):
    """Without the frames of the import hook, which stand between an import and what it finds."""
    kept, lines = [], text.splitlines(keepends=True)
    while lines:
        line = lines.pop(0)
        if "fasts2s/dropin/import_hook" in line:
            while lines and lines[0].startswith("    "):
                lines.pop(0)
            continue
        kept.append(line)
    return "".join(kept)


@pytest.mark.parametrize("what", ["missing.py", "-m no_such_module"])
def test_what_is_not_there(run, tmp_path, what):
    found, plain = run("-q", *what.split(), cwd=tmp_path), run(*what.split(), cwd=tmp_path, plain=True)
    assert (found.stdout, found.stderr, found.returncode) == (plain.stdout, plain.stderr, plain.returncode)


def test_a_command_in_place_of_a_script_is_explained(run, tmp_path):
    found = run("-q", "--backend", "numpy", "train", "lm", "a b.txt", cwd=tmp_path)
    plain = run("train", cwd=tmp_path, plain=True)
    said, hint = found.stderr.splitlines()
    assert (said, found.returncode) == (plain.stderr.strip(), plain.returncode)
    assert hint.endswith("The command is: fasts2s train lm 'a b.txt', or python -m fasts2s.cli train lm 'a b.txt'")
    (tmp_path / "bench").mkdir()
    assert "The command is: fasts2s bench," in run("-q", "bench", cwd=tmp_path).stderr
    (tmp_path / "info").write_text("print('mine')")
    assert run("info", cwd=tmp_path).stdout == "mine\n"


def test_the_commands_are_those_of_the_console_script():
    action = next(a for a in make_parser()._actions if a.dest == "command")
    assert set(COMMANDS) == set(action.choices)


def test_the_console_script_runs_as_a_module(run, tmp_path):
    found = run("-m", "fasts2s.cli", "info", cwd=tmp_path, plain=True)
    assert (found.stderr, found.returncode) == ("", 0)
    assert "backends" in found.stdout
    assert run("-m", "fasts2s.cli", "ask", "nowhere", "1", cwd=tmp_path, plain=True).returncode == 1


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT as a terminal does")
def test_ctrl_c_ends_the_process_by_the_signal(tmp_path):
    (tmp_path / "wait.py").write_text("import time\nprint('here', flush=True)\ntime.sleep(60)\n")
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    start += "from fasts2s.dropin.run import launch; sys.exit(launch.main())"
    process = subprocess.Popen(
        [sys.executable, "-c", start, "-q", "wait.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )  # fmt: skip
    assert process.stdout.readline() == "here\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert err.endswith("KeyboardInterrupt\n")
    assert "fasts2s" not in err


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_the_books_way_of_training(run, library, backend):
    # On current NumPy the script itself does not run; NumPy's int is given back to it for plain python.
    fixed = "import numpy; numpy.int = int; import runpy, sys; sys.path[0] = '.'; sys.argv = sys.argv[1:]"
    fixed += "; runpy.run_path('train_seq2seq.py', run_name='__main__')"
    plain = run("-c", fixed, "train_seq2seq.py", cwd=library / "ch07", plain=True)
    assert plain.returncode == 0, plain.stderr
    found = run("--backend", backend, "--profile", "--report", "r.json", "train_seq2seq.py", cwd=library / "ch07")
    assert found.returncode == 0, found.stderr
    assert found.stdout == plain.stdout
    assert f", {backend}: " in found.stderr
    assert "TimeSoftmaxWithLoss" in found.stderr
    assert "repaired: dataset.sequence (numpy.int" in found.stderr
    assert "of it the script" in found.stderr
    report = json.loads((library / "ch07" / "r.json").read_text())
    assert report["backend"] == backend
    assert {e["name"]: e["calls"] for e in report["entries"]}["PeekyDecoder"] == 32
    assert not any(e["fallbacks"] for e in report["entries"])


def test_chapter_eight_finds_chapter_seven_from_anywhere(run, library, tmp_path):
    found = run("--backend", "numpy", str(library / "ch08" / "train.py"), cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "repaired: import seq2seq" in found.stderr
    assert found.stdout.endswith(" seq2seq\n")
    assert found.stderr.count("repaired: import seq2seq") == 1


def test_verify_and_strict(run, library):
    found = run("--backend", "numpy", "--verify", "train_seq2seq.py", cwd=library / "ch07")
    assert found.returncode == 0, found.stderr
    assert "calls compared, largest difference" in found.stderr
    path = library / "common" / "time_layers.py"
    path.write_text(path.read_text().replace("g = np.tanh(", "g = np.sin("))
    found = run("--backend", "numpy", "--strict", "train_seq2seq.py", cwd=library / "ch07")
    assert found.returncode == 1
    assert (
        "FallbackError: common.time_layers.TimeLSTM was left as it is: LSTM.forward is not the book's" in found.stderr
    )
    found = run("--backend", "numpy", "train_seq2seq.py", cwd=library / "ch07")
    assert found.returncode == 0
    assert "[fasts2s] TimeLSTM left as it is: LSTM.forward is not the book's" in found.stderr


def test_a_script_without_the_book_is_said_to_run_as_it_is(run, tmp_path):
    (tmp_path / "script.py").write_text("print(1)\n")
    found = run("script.py", cwd=tmp_path)
    assert found.stdout == "1\n"
    assert "nothing of the book was found" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected a script"),
        (["-m"], "expected the name of a module after -m"),
        (["--threads", "0", "x.py"], "'0' is not a whole number >= 1"),
        (["--prof", "x.py"], "unrecognized arguments: --prof"),
        (["--backend", "torch", "x.py"], "invalid choice: 'torch'"),
        (["--backend", "cupy", "x.py"], "cupy"),
    ],
    ids=str,
)
def test_wrong_options(run, tmp_path, arguments, message):
    found = run(*arguments, cwd=tmp_path)
    assert found.returncode == 2
    assert message in found.stderr
    assert found.stdout == ""


def test_threads_reach_the_kernels(run, tmp_path):
    (tmp_path / "script.py").write_text("import os\nprint(os.environ['FASTS2S_NUM_THREADS'])\n")
    assert run("-q", "--threads", "1", "script.py", cwd=tmp_path).stdout == "1\n"


def test_importing_auto_is_patching(run, library):
    code = "import sys, json\nfrom fasts2s.dropin.recognise import book_code\n"
    code += f"book_code._known = lambda: json.loads({json.dumps(json.dumps(known_forms()))})\n"
    code += "import fasts2s.auto, fasts2s\nsys.path.append('..')\nimport common.time_layers\n"
    code += "print(fasts2s.is_patched(), 'TimeLSTM' in fasts2s.status().names('replaced'))"
    found = run("-c", code, cwd=library / "ch07", plain=True)
    assert found.stdout == "True True\n", found.stderr


#: A step and an answer of a model; what is put in comes first.
STEP = """
import sys
{}
sys.path.append("..")
import numpy as np
from seq2seq import Seq2seq
np.random.seed(1)
model, x = Seq2seq(13, 6, 16), np.arange(60).reshape(12, 5) % 13
print(round(float(model.forward(x, x)), 4))
model.backward()
print([int(i) for i in model.generate(x[:1], 1, 3)])
print("kernels loaded" if "fasts2s_kernels.cpu" in sys.modules else "nothing loaded", file=sys.stderr)
"""


@pytest.mark.parametrize("backend", ["auto", "numba"])
def test_an_import_of_numba_that_fails_is_tried_once(run, library, backend):
    """What numba imports may be a file of the reader's, beside his script: then any error may come."""
    folder = library / "ch07"
    fake = folder / "numba"
    fake.mkdir()
    (folder / "step.py").write_text(STEP.format(""), encoding="utf-8")
    (fake / "__init__.py").write_text("open('tried', 'a').write('x')\nimport os\nos.missing\n", encoding="utf-8")
    plain = run("step.py", cwd=folder, plain=True)
    assert not (folder / "tried").exists()
    found = run("--backend", backend, "step.py", cwd=folder, FASTS2S_CACHE_DIR=str(folder / "empty"))
    assert found.stdout == plain.stdout
    assert (folder / "tried").read_text() == "x"
    said = found.stderr.count("numba is installed, but its import failed: AttributeError")
    assert said == 1 if backend == "auto" else said


YOUNG = """
from fasts2s.dropin.replace import sizes
from fasts2s.dropin import settings
settings.all_sizes = False
if sys.argv[1] == "old":
    sizes._done = sizes._WORTH
"""


@pytest.mark.parametrize(("age", "options"), [("young", []), ("young", ["--backend", "numba"]), ("old", [])], ids=str)
def test_kernels_are_loaded_when_the_script_has_done_enough(run, library, age, options):
    folder = library / "ch07"
    (folder / "young.py").write_text(STEP.format(YOUNG), encoding="utf-8")
    environment = {"FASTS2S_BACKEND": ""}
    plain = run("young.py", age, cwd=folder, plain=True)
    found = run(*options, "--report", "r.json", "young.py", age, cwd=folder, **environment)
    assert found.stdout == plain.stdout
    early = age == "young" and not options
    assert ("nothing loaded" if early else "kernels loaded") in found.stderr
    told = json.loads((folder / "r.json").read_text())
    assert told["backend"] == ("auto" if early else "numba")
    assert "classes and functions replaced" in found.stderr
    assert any(entry["calls"] for entry in told["entries"]) is not early
    assert not any(entry["fallbacks"] for entry in told["entries"])


def test_old_names_of_numpy_on_demand(run, tmp_path):
    (tmp_path / "mine.py").write_text("import numpy as np\nx = np.zeros(3, dtype=np.float)\nprint(x, np.int(2.5))\n")
    plain = run("mine.py", cwd=tmp_path)
    assert plain.returncode == 1
    assert "AttributeError" in plain.stderr
    found = run("--old-numpy", "mine.py", cwd=tmp_path)
    assert (found.stdout, found.returncode) == ("[0. 0. 0.] 2\n", 0)
    file = tmp_path / "mine.py"
    assert f"repaired: np.float means float in {file}, line 2 (gone since NumPy 1.24)" in found.stderr
    assert f"repaired: np.int means int in {file}, line 3" in found.stderr

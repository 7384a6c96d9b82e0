"""What a text says is kept from run to run: nothing is parsed again, and what is not so is never believed."""

import ast
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

import fasts2s
from fasts2s.dropin.errors import UnrecognisedError
from fasts2s.dropin.recognise import facts, kept, sources, verdicts
from fasts2s.dropin.recognise.book_code import require_known
from fasts2s.dropin.recognise.reading import Reading
from tests.dropin.recognise import word_variations
from tests.dropin.recognise.conftest import MODELS, PLAIN, WORDS, entries
from tests.dropin.recognise.variations import DIFFERENT, SAME, varied

_RNN = PLAIN[: PLAIN.index("class LSTM")]
#: Of chapter 4: functions and loops that are read otherwise than classes.
_LOOPS = {
    name: change for name, change in {**word_variations.SAME, **word_variations.DIFFERENT}.items()
    if change[0] in {"Trainer", "ppmi"}
}  # fmt: skip
#: A reading that a switch of another module leads another way.
_STEP = "        after = np.tanh("
_SWITCH = "from switch import GPU\n" + varied(
    _RNN, (_STEP, f"        if GPU:\n            x = np.clip(x, 0, 1)\n{_STEP}")
)
_EDIT = ("x @ self.params[0] + self", "x @ self.params[0] - self")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder where texts are kept, empty."""
    monkeypatch.setenv("FASTS2S_CACHE_DIR", str(tmp_path / "cache"))
    _forget()
    yield tmp_path / "cache" / "recognised" / "texts"
    _forget()


def _forget():
    """Forget what this process knows, as the next one does."""
    facts._changed.clear()
    sources._source_of.cache_clear()
    verdicts.forget()


def _next_process():
    facts.write()
    _forget()


def _parse_nothing(monkeypatch):
    """Let nothing be parsed but what pytest has loaded: it rewrites tests, so that their text is not what runs."""
    parsed, ours = sources._parsed, Path(__file__).parents[3]

    def never(text, filename, flags):
        assert Path(filename).is_relative_to(ours) or filename.startswith("<fasts2s "), f"{filename} is parsed"
        return parsed(text, filename, flags)

    monkeypatch.setattr(sources, "_parsed", never)


def _found():
    return [(e.module, e.name, e.status, e.reason, e.by_meaning) for e in fasts2s.status().entries]


def _relied_on(kind):
    found = require_known(kind, ("forward", "backward"))
    return [item._replace(space=None) for item in found.items.values()], found.used


def test_the_books_text_is_parsed_once(book, place, monkeypatch):
    fasts2s.patch("numpy")
    for name in ("seq2seq", "common.optimizer", "common.trainer", "common.util"):
        importlib.import_module(name)
    first = _found()
    assert {status for _, _, status, _, _ in first} == {"replaced"}
    assert len(first) > 20
    relied = _relied_on(sys.modules["common.time_layers"].TimeLSTM)
    fasts2s.unpatch()
    _next_process()
    _parse_nothing(monkeypatch)
    fasts2s.patch("numpy")
    assert sorted(_found()) == sorted(first)
    assert _relied_on(sys.modules["common.time_layers"].TimeLSTM) == relied
    assert len(list(place.iterdir())) >= 6


@pytest.mark.parametrize("name", [*SAME, *DIFFERENT])
def test_what_is_read_by_meaning_is_parsed_once(reader, place, monkeypatch, name):
    pairs = [pair for pair in {**SAME, **DIFFERENT}[name] if isinstance(pair, tuple)]
    reader(varied(PLAIN, *pairs))
    first = _found()
    fasts2s.unpatch()
    _next_process()
    _parse_nothing(monkeypatch)
    fasts2s.patch("numpy")
    assert _found() == first


def _part(text, *names):
    """Return the imports of a text and some of its definitions."""
    wanted = [
        n for n in ast.parse(text).body if isinstance(n, ast.Import | ast.Assign) or getattr(n, "name", "") in names
    ]
    return "\n\n\n".join(ast.get_source_segment(text, node) for node in wanted)


@pytest.mark.parametrize("name", _LOOPS)
def test_a_loop_is_parsed_once(words, place, monkeypatch, name):
    kind, *pairs = _LOOPS[name]
    text = varied(WORDS, *(pair for pair in pairs if isinstance(pair, tuple)))
    module = words(_part(text, *(["ppmi"] if kind == "ppmi" else ["Trainer", "remove_duplicate", "clip_grads"])))
    first = _found()
    assert [found for found in first if found[1] == kind]
    fasts2s.unpatch()
    _next_process()
    _parse_nothing(monkeypatch)
    fasts2s.patch("numpy")
    fasts2s.accelerate(vars(module))
    assert sorted(_found()) == sorted(first)


def test_models_are_read_as_at_first(reader, place, monkeypatch):
    module = reader(PLAIN + "\n\n" + MODELS)

    def read(*parts):
        reading = Reading(module.Seq2seq, *parts)
        return reading.key(), reading.kinds(), reading.reliance().items, reading.used

    first = [read(("generate",), ("forward",)), read(("forward", "backward"))]
    _next_process()
    _parse_nothing(monkeypatch)
    assert [read(("generate",), ("forward",)), read(("forward", "backward"))] == first


def test_another_value_of_a_switch_is_seen(reader, place, tmp_path):
    (tmp_path / "switch.py").write_text("GPU = False\n")
    reader(_SWITCH)
    assert entries()["TimeRNN"].status == "replaced"
    fasts2s.unpatch()
    _next_process()
    sys.modules["my_layers"].GPU = True
    fasts2s.patch("numpy")
    assert "np.clip" in entries()["TimeRNN"].reason
    fasts2s.unpatch()
    _next_process()
    sys.modules["my_layers"].GPU = False
    fasts2s.patch("numpy")
    assert entries()["TimeRNN"].status == "replaced"
    del sys.modules["switch"]


def test_a_name_that_stands_for_something_else_is_seen(reader, place):
    module = reader(_RNN)
    fasts2s.unpatch()
    _next_process()
    module.np = importlib.import_module("math")
    fasts2s.patch("numpy")
    assert entries()["TimeRNN"].status == "left as is"


def test_an_edited_file_is_another_text(book, place):
    fasts2s.patch("numpy")
    importlib.import_module("common.layers")
    fasts2s.unpatch()
    _next_process()
    file = book / "common" / "layers.py"
    text = file.read_text()
    file.write_text(varied(text, _EDIT))
    del sys.modules["common.layers"]
    fasts2s.patch("numpy")
    importlib.import_module("common.layers")
    found = {e.name: e for e in fasts2s.status().entries}
    assert "Affine.forward is not the book's" in found["Affine"].reason
    assert found["Embedding"].status == "replaced"


def test_the_same_text_under_another_path(reader, place, monkeypatch):
    text = varied(_RNN, (_STEP, f"        x = np.clip(x, 0, 1)\n{_STEP}"))
    reader(text)
    reason = entries()["TimeRNN"].reason
    assert "my_layers.py, line 24: np.clip" in reason
    fasts2s.unpatch()
    _next_process()
    kept_first = sorted(place.iterdir())
    _parse_nothing(monkeypatch)
    reader(text, "others")
    said = {e.module: e.reason for e in fasts2s.status().entries if e.name == "TimeRNN"}
    assert said == {"my_layers": reason, "others": reason.replace("my_layers", "others")}
    _next_process()
    assert sorted(place.iterdir()) == kept_first


@pytest.mark.parametrize("change", ["a method of another text", "the file changed", "a constant", "one method less"])
def test_a_text_that_is_not_what_runs(book, place, change):
    """What is kept of a text says nothing of code that was compiled from another."""
    module = importlib.import_module("common.layers")
    require_known(module.Affine, ("forward", "backward"))
    _next_process()
    file, text = module.__file__, (book / "common" / "layers.py").read_text()
    changed = varied(text, _EDIT)
    if change == "the file changed":
        (book / "common" / "layers.py").write_text(changed)
    elif change == "a constant":
        code = module.Affine.forward.__code__
        module.Affine.forward.__code__ = code.replace(co_consts=(*code.co_consts, 1.0))
    elif change == "one method less":
        module.Affine.more = FunctionType(module.Affine.forward.__code__, vars(module), "more")
    else:
        space = {"__name__": module.__name__}
        exec(compile(changed, file, "exec"), space)
        module.Affine.forward = space["Affine"].forward
    with pytest.raises(UnrecognisedError, match=r"its code is not that of its source text"):
        require_known(module.Affine, ("forward", "backward"))


@pytest.mark.parametrize("damage", ["empty", "cut", "a byte", "another seal", "no object", "nothing"])
def test_a_damaged_file_is_no_file(book, place, damage):
    module = importlib.import_module("common.layers")
    first = _relied_on(module.Affine)
    _next_process()
    (file,) = place.iterdir()
    content = file.read_bytes()
    form = json.loads(content.partition(b"\n")[2])["definitions"][0]["functions"]["forward"]["canonical"][0]
    file.write_bytes(
        {
            "empty": b"", "cut": content[:-7], "a byte": content.replace(form.encode(), b"0" * len(form)),
            "another seal": b"0" + content[1:], "no object": kept._seal("[]").encode() + b"\n[]",
            "nothing": b"\xff\xfe\n{}",
        }[damage]
    )  # fmt: skip
    assert kept.read(file) == {}
    assert _relied_on(module.Affine) == first
    facts.write()
    assert file.read_bytes() == content  # whole again


def test_a_folder_that_cannot_be_written(book, place):
    place.parent.mkdir(parents=True)
    place.write_text("a file")
    module = importlib.import_module("common.layers")
    require_known(module.Affine, ("forward", "backward"))
    facts.write()
    assert place.read_text() == "a file"


def test_nobody_else_reads_the_folder(book, place):
    require_known(importlib.import_module("common.layers").Affine, ("forward", "backward"))
    facts.write()
    assert place.stat().st_mode & 0o77 == 0
    assert all(file.stat().st_mode & 0o77 == 0 for file in place.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_a_folder_that_others_may_write_to_is_neither_read_nor_written(book, place):
    module = importlib.import_module("common.layers")
    first = _relied_on(module.Affine)
    _next_process()
    (file,) = place.iterdir()
    assert kept.read(file) != {}
    place.chmod(0o770)
    assert kept.read(file) == {}
    file.unlink()
    assert _relied_on(module.Affine) == first
    facts.write()
    assert list(place.iterdir()) == []


def test_what_is_typed_is_not_kept(place):
    text = "def clip_grads(grads, max_norm):\n    return None\n"
    space = {"__name__": __name__}
    exec(compile(text, "<typed>", "exec"), space)
    sources.given["<typed>"] = text
    try:
        assert sources.text_of(space["clip_grads"], {}).functions["clip_grads"].free == []
    finally:
        del sources.given["<typed>"]
    assert not facts._changed


def test_two_processes_at_once(run, book, place):
    """Each writes whole files; the next one reads them."""
    (book / "ch07" / "s.py").write_text(
        "import sys\nsys.path.append('..')\nimport common.time_layers, seq2seq\n"
        "import fasts2s, json\nprint(json.dumps([[e.name, e.status] for e in fasts2s.status().entries]))\n"
        "sys.stderr.write(repr(sorted(n for n in sys.modules if n.startswith('fasts2s.'))))\n"
    )
    start = (
        "import sys; from tests.dropin.conftest import known_forms\nfrom fasts2s.dropin.recognise import book_code\n"
    )
    start += "from fasts2s.dropin.run import launch\nbook_code._known = known_forms\nsys.exit(launch.main())"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", start, "--backend", "numpy", "s.py"], cwd=book / "ch07", env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    files = list(place.iterdir())
    assert len(files) >= 3
    assert all(kept.read(file)["definitions"] for file in files)
    third = run("--backend", "numpy", "-q", "s.py", cwd=book / "ch07")
    # What looks into trees, or tries, or is no part of the book, is not even imported.
    seldom = ("recognise.in_trees", "recognise.canonical", "recognise.grammar", "recognise.trying", "models.turing")
    assert not [name for name in seldom if f".{name}'" in third.stderr]
    assert all(f".{name}'" in said[0][1] + said[1][1] for name in seldom[:2])
    assert {said[0][0], said[1][0], third.stdout} == {third.stdout}
    assert {status for _, status in json.loads(third.stdout)} == {"replaced"}


def test_a_verdict_that_was_changed_is_none(place):
    key = verdicts.key_of("a")
    verdicts.put(key, {"reason": "it differs"})
    file = place.parent / "verdicts.json"
    verdicts.forget()
    assert verdicts.get(key) == {"reason": "it differs"}
    file.write_text(file.read_text().replace("it differs", ""))
    verdicts.forget()
    assert verdicts.get(key) is None

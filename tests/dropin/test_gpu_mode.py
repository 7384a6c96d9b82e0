"""The book's GPU mode, on a stand-in for CuPy in processes of their own: tests/stand_in/cupy says what for."""

import ast
import json
import os
import shutil
import sys

import numpy as np
import pytest

from fasts2s.dropin.canonical import members
from tests.dropin.conftest import _START, BOOK, STAND_IN, known_forms

_PATHS = {"PYTHONPATH": os.pathsep.join([STAND_IN, *(p for p in sys.path if p)])}


@pytest.fixture
def library(tmp_path):
    shutil.copytree(BOOK, tmp_path / "book")
    return tmp_path / "book"


@pytest.fixture
def launched(run, library):
    """Return launched(script text, *options, backend, known): what the launcher prints for a script of chapter 7."""

    def start(text, *options, backend="cupy", known=None):
        (library / "ch07" / "script.py").write_text("import sys\nsys.path += ['..', '../ch08']\n" + text)
        options = ("--backend", backend, *options, "script.py")
        return run(
            "-c", _START, json.dumps(known or known_forms()), *options, cwd=library / "ch07", plain=True, **_PATHS
        )

    return start


_EXPECTED = {}


@pytest.fixture
def expected(launched):
    """Return expected(script text): what the library as it is prints on the host. Every text runs once."""

    def printed(text):
        if text not in _EXPECTED:
            found = launched(text, backend="numpy")
            assert found.returncode == 0, found.stderr
            _EXPECTED[text] = found.stdout
        return _EXPECTED[text]

    return printed


_HEAD = """
import json, sys, logging
from fasts2s.dropin import book_code
book_code._known = lambda: json.loads({known!r})
from fasts2s.dropin.settings import settings; settings.all_sizes = True
sys.path += ['..', '../ch08']
logging.basicConfig(level=logging.INFO, format="%(message)s")
import numpy
import fasts2s
"""


@pytest.fixture
def python(run, library):
    """Return python(code, known): what a process prints that runs it in chapter 7, the library known."""

    def start(code, known=None):
        head = _HEAD.format(known=json.dumps(known or known_forms()))
        found = run("-c", head + code, cwd=library / "ch07", plain=True, **_PATHS)
        assert found.returncode == 0, found.stdout + found.stderr
        return found

    return start


TRAIN = """
import numpy as np
from common.optimizer import Adam
from common.trainer import Trainer
from dataset import sequence
from seq2seq import Seq2seq
from peeky_seq2seq import PeekySeq2seq
from attention_seq2seq import AttentionSeq2seq
x, t = sequence.load_data(64)
for kind in (Seq2seq, PeekySeq2seq, AttentionSeq2seq):
    model = kind(13, 6, 16)
    trainer = Trainer(model, Adam(0.01))
    trainer.fit(x, t, max_epoch=2, batch_size=16, max_grad=0.5)
    ids = model.generate(x[:1, ::-1], 12, 3)
    print("ids", {i: 0 for i in ids}, [type(i).__name__ for i in ids])
    print("losses", *trainer.loss_list)
    assert all(type(loss) is float for loss in trainer.loss_list)
"""
SWITCH = "from common import config\nconfig.GPU = True\n"


def _losses(printed):
    lines = [line.split()[1:] for line in printed.splitlines() if line.startswith("losses")]
    return np.array([word for line in lines for word in line], float)


def _words(printed):
    return [line for line in printed.splitlines() if not line.startswith("losses") and line != "on the GPU"]


def _rewrite(folder, name, old, new):
    path = folder / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def _made_korean(library):
    """Let the library assign to ``np.add.at``, as the Korean edition does; return what is known then."""
    _rewrite(library, "common/np.py", "    print(", "    np.add.at = np.scatter_add\n    print(")
    _rewrite(library, "common/layers.py", "np.scatter_add(", "np.add.at(")
    tree = ast.parse((library / "common" / "layers.py").read_text())
    return known_forms() | {"Embedding": [members(n) for n in tree.body if getattr(n, "name", "") == "Embedding"]}


@pytest.mark.parametrize("korean", [False, True])
@pytest.mark.parametrize("switch", ["none", "early", "late"])
def test_training_prints_what_it_prints_without_a_gpu(launched, expected, library, switch, korean):
    printed = expected(TRAIN)
    known = _made_korean(library) if korean else None
    late = TRAIN.replace("x, t = ", SWITCH + "x, t = ")
    found = launched({"none": TRAIN, "early": SWITCH + TRAIN, "late": late}[switch], known=known)
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("on the GPU\n") == 1
    assert _words(found.stdout) == _words(printed)
    assert np.allclose(_losses(found.stdout), _losses(printed), rtol=1e-5, atol=0)
    said = found.stderr.splitlines()
    assert said[0] == "[fasts2s] the book's GPU mode is on, with CuPy 14.2.0"
    for repair in ("np.cuda.set_allocator", "np.random", "dataset.sequence"):
        assert sum(line.startswith(f"[fasts2s] repaired: {repair}") for line in said) == 1
    assert "[fasts2s] 0.2.0, cupy: 22 classes and functions replaced" in said
    assert len(said) == 5


@pytest.mark.parametrize("backend", ["numpy", "cupy"])
def test_verify_compares_with_the_books_own_code(launched, library, backend):
    found = launched(TRAIN, "--strict", "--verify", "--profile", "--report", "r.json", backend=backend)
    assert found.returncode == 0, found.stderr
    entries = json.loads((library / "ch07" / "r.json").read_text())["entries"]
    compared = {e["name"]: e["difference"] for e in entries if e["checked"]}
    models = {"Encoder", "Decoder", "PeekyDecoder", "AttentionEncoder", "AttentionDecoder", "Seq2seq"}
    assert models | {"TimeAffine", "TimeSoftmaxWithLoss", "Adam", "clip_grads"} <= compared.keys()
    assert max(compared.values()) < 1e-5
    assert all(e["status"] == "replaced" and not e["fallbacks"] for e in entries)


def test_what_is_edited_runs_on_cupy(launched, expected, library):
    printed = expected(TRAIN)
    _rewrite(library, "common/time_layers.py", "hs[:, t] = self.h", "hs[:, t] = self.h + 0")
    found = launched(TRAIN)
    assert found.returncode == 0, found.stderr
    assert _words(found.stdout) == _words(printed)
    assert np.allclose(_losses(found.stdout), _losses(printed), rtol=1e-5, atol=0)
    assert "[fasts2s] TimeLSTM left as it is: TimeLSTM.forward is not the book's" in found.stderr
    assert launched(TRAIN, "--strict").returncode == 1
    found = launched(TRAIN, "--verify", "--profile")
    assert "TimeLSTM.forward is not the book's" in found.stderr, found.stderr
    assert "calls compared, largest difference" in found.stderr
    assert "computes something else" not in found.stderr
    assert "does not run with ours" not in found.stderr


#: As benchmarks do it that measure the book's own code.
WITHOUT = """
from fasts2s_kernels import MODULES
kernels = MODULES.pop("cupy")
fasts2s.patch("cupy")
import peeky_seq2seq, attention_seq2seq, common.trainer, common.optimizer, rnnlm_gen
MODULES["cupy"] = kernels
found = fasts2s.status()
assert {"TimeLSTM", "Decoder", "Adam", "clip_grads"} <= set(found.names("left as is")), found
assert {"RnnlmTrainer", "RnnlmGen"} <= set(found.names("replaced")), found
"""


@pytest.mark.parametrize("korean", [False, True])
def test_the_books_own_code_runs_on_cupy_repaired(python, library, korean):
    known = _made_korean(library) if korean else None
    expected = python("numpy.int = int\nfasts2s.patch('numpy')\n" + TRAIN + WORDS, known)
    found = python("numpy.int = int\n" + WITHOUT + TRAIN + WORDS, known)
    assert _words(found.stdout) == _words(expected.stdout)
    assert np.allclose(_losses(found.stdout), _losses(expected.stdout), rtol=1e-4, atol=0)
    for repair in ("np.cuda.set_allocator", "np.random", "np.scatter_add", "ids, labels and inputs"):
        assert found.stderr.count(f"repaired: {repair}") == 1
    assert "Warning" not in found.stderr


WORDS = """
import numpy
from common.trainer import RnnlmTrainer
from common.util import eval_perplexity, most_similar, to_cpu, to_gpu
from rnnlm_gen import RnnlmGen
numpy.random.seed(5)
model = RnnlmGen()
corpus = numpy.arange(60) % 20
for text in (corpus, to_gpu(corpus) if fasts2s.dropin.gpu_mode.is_on() else corpus):
    trainer = RnnlmTrainer(model, None)
    trainer.time_idx = 0
    for xs, ts in [trainer.get_batch(text[:-1], text[1:], 3, 7) for _ in range(4)]:
        loss = model.forward(xs, ts)
        model.backward()
    print(to_cpu(xs).tolist(), to_cpu(ts).dtype, trainer.time_idx)
    model.reset_state()
    print("losses", float(loss), float(eval_perplexity(model, text)))
    model.reset_state()
numpy.random.seed(2)
print(model.generate(2, [5], 30))
model.save_params("kept.pkl")
model.load_params("kept.pkl")
ids = {i: str(i) for i in range(20)}
most_similar("3", {word: i for i, word in ids.items()}, ids, model.params[0])
"""


def test_a_language_model_its_batches_its_words_and_its_file(python):
    expected = python("fasts2s.patch('numpy')\n" + WORDS)
    found = python("fasts2s.patch('cupy')\n" + WORDS)
    assert _words(found.stdout) == _words(expected.stdout)
    assert np.allclose(_losses(found.stdout), _losses(expected.stdout), rtol=1e-5, atol=0)
    assert found.stderr.count("RnnlmGen.generate (int() of an array") == 1
    assert found.stderr.count("common.util that take numbers one by one (run on the host)") == 1


BEFORE = """
import common.config, common.np, common.layers, common.util, seq2seq, rnnlm_gen, mine, own
modules = common.config, common.np, common.layers, common.time_layers, common.util, seq2seq, rnnlm_gen, mine, own
before = [dict(vars(m)) for m in modules]
kinds = common.time_layers.TimeSoftmaxWithLoss, common.layers.Embedding, seq2seq.Decoder, rnnlm_gen.RnnlmGen
methods = [dict(vars(k)) for k in kinds]
for _ in range(2):
    with fasts2s.patched("gpu"):
        assert [m.GPU for m in modules[:6]] == [True] * 6
        proxy = common.np.np
        assert [m.np is proxy for m in modules[1:6]] == [True] * 5 and proxy.ndarray.__module__ == "cupy"
        assert rnnlm_gen.np is numpy and own.np is numpy and mine.np is proxy
        model = seq2seq.Seq2seq(13, 6, 16)
        loss = model.forward(numpy.ones((2, 5), int), numpy.ones((2, 4), int))
        model.backward()
        assert type(model.params[0]).__module__ == type(loss).__module__ == "cupy"
        if "late" not in sys.modules:
            import late
            assert late.np is proxy and late.GPU
        import cupy
        assert type(cupy).__name__ == "module"
    assert [dict(vars(m)) for m in modules] == before
    assert [dict(vars(k)) for k in kinds] == methods
    assert late.np is numpy and late.GPU is False
    assert not fasts2s.dropin.gpu_mode.is_on() and sys.modules["cupy"] is cupy
model = seq2seq.Seq2seq(13, 6, 16)
model.forward(numpy.ones((2, 5), int), numpy.ones((2, 4), int))
"""


def test_modules_imported_before_are_switched_and_everything_comes_back(python, library):
    # As the book's simple_rnnlm, and the other way round.
    (library / "ch07" / "mine.py").write_text("import numpy as np\nfrom common.time_layers import *\n")
    (library / "ch07" / "own.py").write_text("from common.time_layers import *\nif True:\n    import numpy as np\n")
    (library / "ch07" / "late.py").write_text("from common.time_layers import *\n")
    python(BEFORE)


ARRAYS = """
fasts2s.patch("cupy")
from common.time_layers import *
from common.layers import *
from attention_layer import TimeAttention
import cupy, pickle

def refused(kind, call):
    try:
        call()
    except kind as error:
        assert type(error) is kind, error
        return str(error)
    raise AssertionError("nothing was raised")

ids, W = numpy.array([[1, -2], [0, 2]]), np.ones((3, 4), "f")
embed, loss = TimeEmbedding(W), TimeSoftmaxWithLoss()
xs = embed.forward(ids)
for labels in (ids, abs(ids), cupy.asarray(abs(ids))):  # a negative one falls back
    assert abs(float(loss.forward(xs, labels)) - numpy.log(4)) < 1e-6
    assert abs(float(loss.forward(xs, ts=labels)) - numpy.log(4)) < 1e-6
assert refused(IndexError, lambda: embed.forward(ids + 1)) == "index 3 is out of bounds for axis 0 with size 3"
assert refused(IndexError, lambda: loss.forward(xs, ids * 3)) == "index -6 is out of bounds for axis 0 with size 4"
assert "train_flg" in refused(TypeError, lambda: loss.forward(xs, ids, train_flg=False))
early = Affine(numpy.ones((4, 2), "f"), numpy.ones(2, "f"))  # a layer that was made before
assert refused(ValueError, lambda: early.forward(xs[0])).startswith("Affine.forward: Unsupported type")

attention = TimeAttention()
attention.forward(xs, numpy.ones((2, 3, 4), "f"))
from cupy.stand_in import counts
counts.reset()
weights = numpy.array(attention.attention_weights)
assert counts.fetches == 1
assert weights.shape == (3, 2, 2) and type(attention.attention_weights[1]) is numpy.ndarray
attention.backward(xs[:, [0, 1, 1]])
assert b"fasts2s" not in pickle.dumps(attention) and pickle.loads(pickle.dumps(attention)).attention_weights[0].shape
numpy.random.seed(4); host = numpy.random.permutation(9), numpy.random.rand(2, 3), numpy.random.randint(5)
numpy.random.seed(4); np.random.shuffle(a := np.arange(9)); b = np.random.rand(2, 3)
assert type(a) is type(b) is cupy.ndarray and a.get().tolist() == host[0].tolist() and (b.get() == host[1]).all()
assert np.random.randint(5) == host[2] and type(np.random.choice(3, size=2, p=np.ones(3) / 3)) is cupy.ndarray
assert isinstance(np.random.RandomState, type) and np.random.get_state()[0] == "MT19937"
assert np.array([a[0], 3]).shape == (2,) and np.asarray([[a[0]], [a[1]]]).shape == (2, 1)
assert float(np.add(a[0], a[0])) == 2 * float(a[0]) and np.add.__class__.__name__ == "_Add"
assert refused(AttributeError, lambda: np.no_such_name)
"""


def test_arrays_of_numpy_meet_those_of_cupy(python):
    python(ARRAYS)


LATE = """
import warnings
warnings.simplefilter("error")
fasts2s.patch("cupy")
from common.time_layers import *
import cupy
embed, affine = TimeEmbedding(np.ones((3, 2), "f")), TimeAffine(np.ones((2, 4), "f"), np.ones(4, "f"))
for late in (lambda: affine.forward(xs), lambda: fasts2s.to_cpu(xs), lambda: affine.backward(scores)):
    scores = affine.forward(np.ones((1, 2, 2), "f"))
    xs = embed.forward(cupy.asarray([[1, 3]]))
    try:
        late()
    except IndexError as error:
        assert str(error) == "ids holds 3 at position (0, 1), expected ids from -3 to 2 (V = 3)", error
    else:
        raise AssertionError("nothing was raised")
assert affine.forward(embed.forward(cupy.asarray([[1, 2]]))).shape == (1, 2, 4)
assert not any(entry.fallbacks for entry in fasts2s.status().entries)
"""


def test_ids_that_the_device_finds_out_of_range_are_an_error_and_no_reason_to_fall_back(python):
    python(LATE)


WAITING = """
fasts2s.patch("cupy")
from common.optimizer import Adam
from common.trainer import remove_duplicate
from common.util import clip_grads, eval_seq2seq
from seq2seq import Seq2seq
from peeky_seq2seq import PeekySeq2seq
from attention_seq2seq import AttentionSeq2seq
from rnnlm_gen import RnnlmGen
from cupy.stand_in import counts
import cupy
def step(model, xs, ts, optimizer):
    total = 0
    for _ in range(3):
        total += model.forward(xs, ts)
        model.backward()
        params, grads = remove_duplicate(model.params, model.grads)
        clip_grads(grads, 0.1)
        optimizer.update(params, grads)
    return total
ids = numpy.arange(24).reshape(4, 6) % 13
for kind in (Seq2seq, PeekySeq2seq, AttentionSeq2seq, RnnlmGen):
    model = kind(*() if kind is RnnlmGen else (13, 6, 16))
    step(model, ids, ids, Adam())
    counts.reset()
    total = step(model, ids, ids, Adam())
    assert counts.fetches == counts.synchronizations == 0, (kind, counts.fetches)
    assert type(total) is cupy.ndarray and total.dtype == "f8"
    if kind is not RnnlmGen:
        for start in (3, numpy.int64(3), cupy.asarray(3)):
            counts.reset()
            answer = model.generate(ids[:1], start, 5)
            assert counts.fetches == 1 + (type(start) is cupy.ndarray), (kind, counts.fetches)
            assert len(answer) == 5 and set(map(type, answer)) <= {int, numpy.int64}
        assert [int(i) for i in model.generate(cupy.asarray(ids[:1]), 3, 5)] == [int(i) for i in answer]
assert not any(entry.fallbacks for entry in fasts2s.status().entries), fasts2s.status()
"""


def test_nothing_waits_for_the_device_in_a_step_and_once_in_an_answer(python):
    python(WAITING)


EVALUATION = """
import numpy
from common.util import eval_seq2seq
from dataset import sequence
from attention_seq2seq import AttentionSeq2seq
from seq2seq import Seq2seq
x_test, t_test = sequence.load_data(40)
id_to_char = sequence.id_to_char
for kind in (Seq2seq, AttentionSeq2seq):
    model = kind(13, 6, 16)
    if "cupy" in sys.modules:
        from cupy.stand_in import counts
        counts.reset()
    right = 0
    for i in range(len(x_test)):
        question, correct = x_test[[i]], t_test[[i]]
        right += eval_seq2seq(model, question, correct, id_to_char, True)
    print(right)
    if "cupy" in sys.modules:
        assert counts.fetches == 2, counts.fetches  # 16 questions, then 24
"""


def test_the_loop_around_eval_seq2seq_is_answered_in_batches(launched):
    expected, found = launched(EVALUATION, backend="numpy"), launched(EVALUATION)
    assert found.returncode == 0, found.stderr
    assert _words(found.stdout) == _words(expected.stdout)


def test_auto_stays_on_the_cpu_and_layers_of_ours_run_beside(python):
    found = python(
        "fasts2s.patch()\nimport common.np\n"
        "print(common.np.GPU, fasts2s.get_backend().name[:3], 'cupy' in sys.modules)\n"
        "fasts2s.patch('cupy')\nprint(fasts2s.layers.TimeAttention(backend='cupy').backend.name)\n"
        "print(fasts2s.accelerate(common.np).names('replaced'))"
    )
    assert found.stdout == "False num False\ncupy\n[]\n"


def test_everything_of_the_book_is_replaced(python):
    python(
        "fasts2s.patch('cupy')\nimport common.trainer, seq2seq, attention_seq2seq, rnnlm_gen\n"
        "found = fasts2s.status()\nassert found.names('left as is') == [], found\n"
        "assert {'TimeLSTM', 'Decoder', 'clip_grads', 'RnnlmTrainer', 'RnnlmGen'} <= set(found.names('replaced'))\n"
        "assert common.np.GPU and seq2seq.Decoder.forward.__name__ == 'forward'\n"
        "fasts2s.unpatch()\nassert common.np.np is numpy\n"
    )

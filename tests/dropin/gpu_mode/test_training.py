"""Scripts of the book in its GPU mode: what they print is what they print on the host."""

import ast
import json

import numpy as np
import pytest

from fasts2s.dropin.recognise.canonical import members
from tests.dropin.conftest import known_forms

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
    assert "[fasts2s] 0.2.0, cupy: 26 classes and functions replaced" in said
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
for text in (corpus, to_gpu(corpus) if fasts2s.dropin.gpu.mode.is_on() else corpus):
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

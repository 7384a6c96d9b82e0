"""Single calls in the book's GPU mode: whose arrays meet, what is refused, what waits for the device."""

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
    assert not fasts2s.dropin.gpu.mode.is_on() and sys.modules["cupy"] is cupy
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

"""The real code of the book, where a checkout is: FASTS2S_BOOK=/path/to/checkout, of either edition."""

import os
import re
import subprocess
import sys

import pytest

from fasts2s.dropin.recognise import book_code
from fasts2s.dropin.replace.targets import FUNCTIONS, every

BOOK = os.environ.get("FASTS2S_BOOK", "")
here = pytest.mark.skipif(not BOOK, reason="FASTS2S_BOOK names no checkout of the book's code")


def test_every_target_has_a_fingerprint():
    known = book_code._known()
    for target in every():
        assert all(set(target.methods) <= set(form) for form in known[target.name]), target.name
    assert all(target.name in known for target in FUNCTIONS)


def _printed(code, folder):
    """Return what a process of its own prints that runs this code."""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=folder)
    assert found.returncode == 0, found.stderr
    return found.stdout


@here
def test_everything_of_the_book_is_recognised(tmp_path):
    code = (
        f"import sys; sys.path[:0] = [r'{BOOK}', r'{BOOK}/ch07', r'{BOOK}/ch08']\n"
        "import fasts2s\nfasts2s.patch('numpy')\n"
        "import common.trainer, common.util, common.optimizer, dataset.ptb, rnnlm_gen, peeky_seq2seq\n"
        "import attention_seq2seq, ch04.cbow, ch04.skip_gram\nr = fasts2s.status()\n"
        "print(sorted(set(r.names('replaced'))))\nassert not r.names('left as is'), r\n"
    )
    printed = _printed(code, tmp_path)
    names = {t.name for t in every() if t.members} | {t.name for t in FUNCTIONS}
    assert set(re.findall(r"'(\w+)'", printed)) == names


@here
def test_the_first_losses_are_the_books(tmp_path):
    # Golden: the unmodified code, iterations 1, 2, 10 and 30 of chapter 7, plain and reversed.
    code = (
        f"import sys; sys.path[:0] = [r'{BOOK}', r'{BOOK}/ch07']\nimport numpy\nnumpy.int = int\n"
        "import fasts2s; fasts2s.patch()\n"
        "from dataset import sequence\nfrom common.optimizer import Adam\nfrom common.trainer import Trainer\n"
        "from seq2seq import Seq2seq\n"
        "(x, t), _ = sequence.load_data('addition.txt')\n"
        "m = Seq2seq(13, 16, 128)\nlosses = []\nforward = m.forward\n"
        "def noted(*a):\n    losses.append(float(forward(*a)))\n"
        "    if len(losses) == 31: print(losses[0], losses[1], losses[9], losses[29]); sys.exit()\n"
        "    return losses[-1]\n"
        "m.forward = noted\nTrainer(m, Adam()).fit(x, t, 1, 128, 5.0)\n"
    )
    printed = _printed(code, tmp_path)
    losses = [float(word) for word in printed.split()[-4:]]
    assert losses == pytest.approx([2.564810, 2.563150, 2.544713, 2.153476], rel=1e-5)


#: Trains chapter 4 for some steps, as the book does and as ours does; prints the largest relative difference.
_WORDS = """
import sys; sys.path[:0] = [BOOK, BOOK + "/ch04"]
import contextlib, io, re
import numpy as np, fasts2s
from fasts2s.dropin.run.verify import difference
from common.trainer import Trainer
from common.optimizer import Adam
from common.util import create_contexts_target, create_co_matrix, ppmi, most_similar
from ch04.cbow import CBOW
from ch04.skip_gram import SkipGram

def run(Model):
    np.random.seed(1)
    corpus, out = np.append(np.arange(70), np.random.zipf(1.4, 400) % 70), io.StringIO()
    with contextlib.redirect_stdout(out):
        contexts, target = create_contexts_target(corpus, 3)
        model = Model(70, 9, 3, corpus)
        trainer = Trainer(model, Adam())
        trainer.fit(contexts, target, 2, 50, 2.0, eval_interval=3)
        W = ppmi(create_co_matrix(corpus, 70, 2), verbose=True)
        names = {k: "w%d" % k for k in range(70)}
        most_similar("w3", {n: k for k, n in names.items()}, names, W)
    printed = re.sub("[0-9]+.s.", "", out.getvalue())  # elapsed seconds
    return [trainer.loss_list, model.params, model.grads, [W, np.random.rand()]], printed

for Model in (CBOW, SkipGram):
    plain, printed = run(Model)
    for backend in ("numpy", "numba"):
        with fasts2s.patched(backend, strict=True):
            found, said = run(Model)
            called = {e.name for e in fasts2s.status().entries if e.calls}
        assert {"Trainer", "UnigramSampler", "ppmi", "most_similar"} <= called, called
        assert said == printed
        print(difference(found, plain))
"""


@here
def test_words_are_the_books(tmp_path):
    differences = _printed(_WORDS.replace("BOOK", repr(BOOK)), tmp_path).split()
    assert len(differences) == 4
    assert max(map(float, differences)) < 1e-5

"""How far it is from a model to compiled code: who looks for what runs goes through few calls, and few files."""

import sys

import numpy as np
import pytest

from fasts2s.models import AttentionSeq2seq, PeekySeq2seq, Rnnlm, Seq2seq
from fasts2s_kernels import load
from fasts2s_kernels.cpu.launch import Launch

MOST_CALLS = 8
#: One of them is what recurrent layers have in common. One more where the parts of a model have a file of their own.
MOST_FILES = {"Seq2seq": 6, "Rnnlm": 5, "PeekySeq2seq": 7, "AttentionSeq2seq": 7}
V, D, H, N = 13, 16, 128, 128
KINDS = {kind.__name__: kind for kind in (Seq2seq, PeekySeq2seq, AttentionSeq2seq, Rnnlm)}
#: What calls the compiled functions.
LAST = Launch.__call__.__code__


def chains(function, *args):
    """Every chain of Python calls from a function down to a compiled one, as the code of each."""
    found, stack = [], []

    def profile(frame, event, _):
        if event == "call":
            stack.append(frame.f_code)
            if frame.f_code is LAST:
                found.append(list(stack))
        elif event == "return" and stack:
            stack.pop()

    sys.setprofile(profile)
    try:
        function(*args)
    finally:
        sys.setprofile(None)
    return found


def sources(rng, alike):
    """Sources (N, T), of which many begin alike, and targets (N, 5)."""
    xs = rng.integers(0, V, (N, 24 if alike else 7))
    if alike:
        xs[:, :16] = xs[0, :16]
    return xs, rng.integers(0, V, (N, 5))


def too_far(chain, most_files):
    return len(chain) > MOST_CALLS or len({code.co_filename for code in chain}) > most_files


@pytest.mark.parametrize("alike", [False, True], ids=["", "sources alike"])
@pytest.mark.parametrize("kind", KINDS)
def test_few_calls_lead_from_forward_to_compiled_code(kind, alike, rng):
    model, (xs, ts) = KINDS[kind](V, D, H, backend="numba"), sources(rng, alike)
    given = (xs, xs) if kind == "Rnnlm" else (xs, ts)
    model.forward(*given)  # compiles what is not compiled
    found = chains(model.forward, *given)
    assert len(found) >= (4 if kind == "Rnnlm" else 6)
    far = [chain for chain in found if too_far(chain, MOST_FILES[kind])]
    shown = ["\n".join(f"{code.co_name}  {code.co_filename}" for code in chain) for chain in far]
    assert not shown, "\n\n".join(shown)


def test_what_is_too_far_is_seen():
    kernels = load("numba")

    def deeper(n):
        return deeper(n - 1) if n else kernels.affine_forward(np.ones((2, 3), "f"), np.ones((3, 4), "f"), None)

    deeper(0)
    (chain,) = chains(deeper, 6)
    assert [code.co_name for code in chain] == [*7 * ["deeper"], "affine_forward", "_forward", "__call__"]
    assert too_far(chain, 3)
    assert not too_far(chain[2:], 3)
    assert too_far(chain[2:], 2)

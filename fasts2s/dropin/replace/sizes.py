"""Calls that are left to the book's own code without a word.

Either they are so small that ours cannot gain: a call of ours takes some 20 microseconds before it computes, and the
book's code is done by then. Or they are of a kind that the book has a plain answer for and ours do not, such as a
product with a vector. Measured by ``benchmarks/dropin_calls.py``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fasts2s.backend import auto_is_open
from fasts2s.dropin.book.word_layers import can_draw, is_corpus
from fasts2s.dropin.run.report import before_first_call
from fasts2s.dropin.settings import settings

Question = Callable[..., bool]
#: The number of numbers of an array of the host: what reads attributes would do that in twice the time.
_size: Callable[[Any], int] = vars(np.ndarray)["size"].__get__
#: Multiply-adds of a product up to which OpenBLAS 0.3 takes one thread (interface/gemm.c), and of a product of one
#: row up to which ours take longer.
#: Several threads of a BLAS go on spinning for milliseconds when they are done, on the cores of the next kernels:
#: a step of Seq2seq took 1.5 times as long when products of more rows alone were left to the book.
_ONE_BLAS_THREAD, _PRODUCT_OF_A_ROW = 1 << 18, 10_000_000


def _product(self: Any, x: Any) -> bool:
    """Of one BLAS thread; or one row alone, and not by a very large matrix."""
    H, V = self.params[0].shape
    work = x.size * V
    return type(x) is np.ndarray and (work <= _ONE_BLAS_THREAD or (x.size == H and work <= _PRODUCT_OF_A_ROW))


def _embedding(self: Any, idx: Any) -> bool:
    return type(idx) is np.ndarray and idx.size * self.params[0].shape[1] < 4_000


def _time_embedding(self: Any, xs: Any) -> bool:
    """The book's code takes 2 microseconds a step, and writes a whole table of gradients for each."""
    N, T = xs.shape
    return type(xs) is np.ndarray and N <= 64 and (T == 1 or (T <= 4 and self.W.size < 4_000))


def _time_loss(self: Any, xs: Any, ts: Any) -> bool:
    """A row costs the book's code as much as 200 numbers more."""
    N, T, V = xs.shape
    return type(xs) is np.ndarray and N * T * (V + 200) < 20_000


def _time_sigmoid_loss(self: Any, xs: Any, ts: Any) -> bool:
    return type(xs) is np.ndarray and xs.shape[1] == 1 and xs.size < 1_000


def _one_step_below(most: int) -> Question:
    """Return a question about one step of a recurrent layer: whether it has fewer multiply-adds than so many."""

    def small(self: Any, xs: Any) -> bool:
        N, T, _ = xs.shape
        return type(xs) is np.ndarray and T == 1 and N * self.params[1].size < most

    return small


def _attention(self: Any, hs_enc: Any, hs_dec: Any) -> bool:
    return type(hs_enc) is np.ndarray and hs_dec.shape[1] == 1 and hs_enc.size < 4_000


def _one_step_of_model(self: Any, xs: Any, *state: Any) -> bool:
    """A decoder that a script runs word by word, and its encoder."""
    N, T = xs.shape
    return type(xs) is np.ndarray and T == 1 and N * self.lstm.params[1].size < 100_000


def _batch(self: Any, x: Any, t: Any, batch_size: int, time_size: int) -> bool:
    return batch_size * time_size < 25


def _draws(self: Any, target: Any) -> bool:
    """So few words that many rows draw one twice: ours take such a row by itself."""
    return bool(2 * self.sample_size**2 > self.word_p.size)


#: The list that was looked at last, by identity, its length, and what was found.
_last_looked_at = (0, 0, True)


def _no_large_twins(params: Any, grads: Any) -> bool:
    """No two matrices that the book compares number by number (shapes turned round), or whose sum takes long."""
    global _last_looked_at  # noqa: PLW0603
    identity, count, found = _last_looked_at
    if id(params) != identity or len(params) != count:
        found = _has_no_large_twins(params)
        _last_looked_at = id(params), len(params), found
    return found


def _has_no_large_twins(params: Any) -> bool:
    if max(map(_size, params)) <= 20_000:  # raises TypeError where one is no array of the host
        return True
    large = [a for a in params if a.size > 20_000 and a.ndim == 2]
    if len(large) < 2:
        return not large or large[0].shape[0] != large[0].shape[1]
    shapes = {a.shape for a in large}
    return not any(shape[::-1] in shapes for shape in shapes) and len(large) <= 2 + len(set(map(id, large)))


def _fewer_than(most: int) -> Question:
    """Return a question about an update: whether the weights have fewer numbers than so many, on the host."""

    def few(self: Any, params: Any, grads: Any) -> bool:
        return sum(map(_size, params)) < most  # raises TypeError where one is no array of the host

    return few


def _few_to_clip(grads: Any, max_norm: Any) -> bool:
    return sum(map(_size, grads)) < 120_000


#: Class, method or function -> whether a call is too small to gain; of a class it is forward.
SMALL: dict[str, Question] = {
    "MatMul": _product,
    "Affine": _product,
    "TimeAffine": _product,
    "Embedding": _embedding,
    "TimeEmbedding": _time_embedding,
    "TimeSoftmaxWithLoss": _time_loss,
    "TimeSigmoidWithLoss": _time_sigmoid_loss,
    "TimeRNN": _one_step_below(100_000),
    "TimeLSTM": _one_step_below(100_000),
    "TimeGRU": _one_step_below(2_000),
    "TimeAttention": _attention,
    "Encoder": _one_step_of_model,
    "Decoder": _one_step_of_model,
    "PeekyDecoder": _one_step_of_model,
    "AttentionEncoder": _one_step_of_model,
    "AttentionDecoder": _one_step_of_model,
    "RnnlmTrainer.get_batch": _batch,
    "UnigramSampler.get_negative_sample": _draws,
    "clip_grads": _few_to_clip,
    "remove_duplicate": _no_large_twins,
    "SGD.update": _fewer_than(300_000),
    "Momentum.update": _fewer_than(180_000),
    "Nesterov.update": _fewer_than(20_000),
    "AdaGrad.update": _fewer_than(12_000),
    "RMSprop.update": _fewer_than(8_000),
}


#: Class -> how many numbers of a forward's first argument are so few that the call is small, whatever the weights.
FEW = {
    "MatMul": 1024,
    "Affine": 1024,
    "TimeAffine": 1024,
    "Embedding": 32,
    "TimeEmbedding": 1,
    "TimeSoftmaxWithLoss": 64,
    "TimeSigmoidWithLoss": 1,
    "Encoder": 1,
    "Decoder": 1,
    "PeekyDecoder": 1,
    "AttentionEncoder": 1,
    "AttentionDecoder": 1,
}


def _other_product(self: Any, x: Any) -> bool:
    """Of MatMul and Affine: vectors, stacks of matrices, lists; another dtype than that of the weights."""
    return type(x) in {list, tuple} or bool(x.ndim != 2) or _other_weights(self, x)


def _other_weights(self: Any, x: Any) -> bool:
    """Of TimeAffine: what comes out is of another dtype than the weights, or the bias is spread over columns."""
    W, *b = self.params
    return bool(x.dtype != W.dtype or any(a.ndim != 1 or a.size != W.shape[1] or a.dtype != W.dtype for a in b))


def _spread_bias(self: Any, xs: Any) -> bool:
    """Of TimeRNN and TimeLSTM: a bias of another shape, or weights of several dtypes."""
    Wx, Wh, b = self.params
    return bool(b.ndim != 1 or b.size != Wx.shape[1] or not Wx.dtype == Wh.dtype == b.dtype)


def _wider_state(self: Any, xs: Any, h: Any) -> bool:
    """Of decoders: the book goes on in the dtype of what the encoder has left."""
    return bool(h.dtype != np.float32)


def _no_array(self: Any, idx: Any) -> bool:
    return not hasattr(idx, "dtype") or idx.dtype.kind == "b"  # a number, a list, a slice, a mask


def _no_corpus(self: Any, corpus: Any, *more: Any) -> bool:
    return not is_corpus(corpus)


def _other_draws(self: Any, target: Any) -> bool:
    """Of UnigramSampler: what is on a device, ids that are none, few words; another generator."""
    return not can_draw(self, target)


def _no_floats_of_one_kind(self: Any, hs_enc: Any, hs_dec: Any) -> bool:
    return bool(hs_enc.dtype not in (np.float32, np.float64) or hs_enc.dtype != hs_dec.dtype)


def _truths(self: Any, xs: Any, ts: Any) -> bool:
    return bool(ts.dtype.kind == "b" or xs.dtype.kind != "f")


#: The same -> whether a call is of a kind that the book alone has an answer for.
OTHER_KINDS: dict[str, Question] = {
    "MatMul": _other_product,
    "Affine": _other_product,
    "TimeAffine": _other_weights,
    "TimeRNN": _spread_bias,
    "TimeLSTM": _spread_bias,
    "Embedding": _no_array,
    "UnigramSampler.__init__": _no_corpus,
    "UnigramSampler.get_negative_sample": _other_draws,
    "TimeAttention": _no_floats_of_one_kind,
    "TimeSigmoidWithLoss": _truths,
    "Decoder": _wider_state,
    "PeekyDecoder": _wider_state,
    "AttentionDecoder": _wider_state,
}


#: Work from which on loading kernels is worth its 0.13 seconds where ``auto`` may choose them: work that was done,
#: where nobody knows what will come (some 0.15 seconds of the book's code), and work to come. Counted in
#: multiplications of forwards, and not in time: a run computes the same bits every time.
_WORTH, _WORTH_TO_COME = 1.5e9, 3e9
#: What a call costs beside its multiplications, as so many of them; what an update costs for an array, and a number.
_CALL, _ARRAY, _NUMBER = 1e6, 2e5, 10
_done = 0.0


def is_early() -> bool:
    """Return whether the book's code runs on: a script that did so little may be over before kernels are loaded."""
    if _done >= _WORTH or settings.backend is not None or settings.all_sizes or settings.verify:
        return False
    return auto_is_open()


def _work(args: tuple[Any, ...]) -> float:
    """Return roughly what the book's code does in a call of a layer's forward, of an update, of generate."""
    weights = getattr(args[0], "params", None)
    given: Any = args[1] if len(args) > 1 else None
    if isinstance(given, list):
        return float(sum(_ARRAY + _NUMBER * getattr(a, "size", 0) for a in given))
    if not weights or not hasattr(given, "size"):
        return _CALL
    return float(_CALL + given.size / weights[0].shape[0] * sum(w.size for w in weights))


def _waits(args: tuple[Any, ...], ready: Callable[[Any], str] | None) -> bool:
    """As :func:`is_early`, asked by a call, whose work is counted: what is said before the first one is said.

    What ours could not run does not count: it is no reason to load kernels.
    """
    global _done  # noqa: PLW0603
    if not is_early():
        return False
    if ready is None or not ready(args[0]):
        _done += _work(args)
    while before_first_call:
        before_first_call.pop()()
    return True


def foresee(work: float) -> None:
    """Be told of work that is certain to come: where it is worth loading Numba, it is worth it at once."""
    global _done  # noqa: PLW0603
    if work >= _WORTH_TO_COME:
        _done = max(_done, _WORTH)


def _never(*args: Any) -> bool:
    return False


def left_to_the_book(name: str, *, needs_kernels: bool = True, ready: Callable[[Any], str] | None = None) -> Question:
    """Return a function of the arguments of a call of forward, update, generate: whether the book's code runs.

    Small calls have gone before, see :mod:`fasts2s.dropin.replace.quick`.

    ``ready`` tells of an object why ours cannot run on it, or "".
    """
    other: Question = OTHER_KINDS.get(name) or _never

    def left(*args: Any) -> bool:
        try:
            if other(*args):
                return True
        except Exception:  # arguments that the book's code will refuse, or has its own answer for
            return False
        return needs_kernels and _waits(args, ready)

    return left

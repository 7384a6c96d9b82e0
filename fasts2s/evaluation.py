"""Measuring models: perplexity, exact answers. As in the book's ``common.util``, and for whole batches.

Models are used by their methods alone (``forward``, ``generate``, ``generate_batch``); this file knows no class.
"""

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import flag, integer
from fasts2s_kernels.checks.arguments import as_text, called, listed, mapping, with_methods
from fasts2s_kernels.checks.either import as_integers, is_cupy


def perplexity(
    model: Any,
    corpus: AnyArray,
    batch_size: int = 10,
    time_size: int = 35,
    progress: Callable[[int, int], None] | None = None,
) -> float:
    """Return exp of the mean loss of a language model over a corpus, without dropout.

    Parameters
    ----------
    model
        Its ``forward(xs, ts)`` returns a mean loss in nats; ``train_flg=False`` is passed if it takes that.
    corpus : (L,) integers
        Read as batch_size parallel streams of time_size steps at a time, as in the book.
    progress : callable or None
        Called with (iteration, number of iterations).

    Raises
    ------
    ValueError
        The corpus is shorter than one batch.
    """
    with_methods("model", model, "forward")
    if progress is not None:
        called("progress", progress)
    corpus = as_integers("corpus", corpus, "(L,)", 1)
    batch_size, time_size = integer("batch_size", batch_size, 1), integer("time_size", time_size, 1)
    jump, iterations = (corpus.size - 1) // batch_size, (corpus.size - 1) // (batch_size * time_size)
    if iterations < 1:
        need = batch_size * time_size + 1
        raise ValueError(f"corpus has {corpus.size} ids, expected at least batch_size * time_size + 1 = {need}")
    # Asked for, not tried out: a TypeError caught here could come from anywhere, after the state has changed.
    takes_flag = "train_flg" in inspect.signature(model.forward).parameters
    options = {"train_flg": False} if takes_flag else {}
    starts = jump * np.arange(batch_size)[:, None] + np.arange(time_size)
    total: Any = 0.0
    for k in range(iterations):
        where = starts + k * time_size
        xs, ts = corpus[where % corpus.size], corpus[(where + 1) % corpus.size]
        loss = model.forward(xs, ts, **options)
        # What lies on a device is added there: nobody waits for it before the end.
        total = total + (loss if is_cupy(loss) else float(loss))
        if progress is not None:
            progress(k, iterations)
    with np.errstate(over="ignore"):
        return float(np.exp(float(to_cpu(total)) / iterations))  # infinite beyond a mean loss of 709


def eval_perplexity(model: Any, corpus: AnyArray, batch_size: int = 10, time_size: int = 35) -> float:
    """Return :func:`perplexity`, printing what the book's function prints."""
    print("evaluating perplexity ...")  # noqa: T201 - the book's output

    def show(k: int, iterations: int) -> None:
        sys.stdout.write(f"\r{k} / {iterations}")
        sys.stdout.flush()

    result = perplexity(model, corpus, batch_size, time_size, show)
    print()  # noqa: T201
    return result


def decode_ids(ids: Any, id_to_char: Mapping[int, str]) -> str:
    """Return the string of a sequence of ids. Raises IndexError for an id without a character."""
    id_to_char = mapping("id_to_char", id_to_char)
    numbers = [
        integer("an element of ids", i) for i in listed("ids", to_cpu(ids) if is_cupy(ids) else ids, "integers")
    ]
    for i in numbers:
        if i not in id_to_char:
            raise IndexError(f"id {i} has no character, expected one of {len(id_to_char)} ids")
    return "".join(as_text(f"id_to_char[{i}]", id_to_char[i]) for i in numbers)


def eval_seq2seq(
    model: Any,
    question: AnyArray,
    correct: AnyArray,
    id_to_char: Mapping[int, str],
    verbose: bool = False,
    is_reverse: bool = False,
    *,
    verbos: bool | None = None,
) -> int:
    """Answer one question and compare with the correct answer, character by character.

    Parameters
    ----------
    question : (1, T_x) ids
    correct : (1, T_t) ids
        Beginning with the start mark.
    verbose : bool
        Print question, correct answer and answer as the book does (``verbos`` in the Korean edition).
    is_reverse : bool
        The question stands reversed and is turned round for printing.

    Returns
    -------
    int
        1 if the answer is right, else 0.
    """
    with_methods("model", model, "generate")
    shown = flag("verbose", verbose) if verbos is None else flag("verbos", verbos)
    turned = flag("is_reverse", is_reverse)
    question = as_integers("question", question, "(1, T)")
    correct = to_cpu(as_integers("correct", correct, "(1, T)")).ravel()
    if correct.size == 0:
        raise ValueError("correct is empty, expected (1, T) beginning with the start mark")
    answer = model.generate(question, int(correct[0]), correct.size - 1)
    asked, right = decode_ids(np.ravel(to_cpu(question)), id_to_char), decode_ids(correct[1:], id_to_char)
    guess = decode_ids(answer, id_to_char)
    if shown:
        print_answer(asked[::-1] if turned else asked, right, guess)
    return int(guess == right)


def print_answer(question: str, correct: str, guess: str) -> None:
    """Print a question, the correct answer and the model's, in the book's format (plain marks on Windows)."""
    question, correct, guess = as_text("question", question), as_text("correct", correct), as_text("guess", guess)
    good = guess == correct
    mark = ("O" if good else "X") if os.name == "nt" else ("\033[92m☑\033[0m" if good else "\033[91m☒\033[0m")
    print(f"Q {question}\nT {correct}\n{mark} {guess}\n---")  # noqa: T201 - the book's output


def exact_answers(model: Any, xs: AnyArray, ts: AnyArray, *, batch_size: int = 1000) -> Array:
    """Answer many questions at once.

    Parameters
    ----------
    model
        With ``generate_batch``, see :class:`fasts2s.models.Seq2seq`.
    xs : (N, T_x) ids
    ts : (N, T_t) ids
        Each beginning with the same start mark.
    batch_size : int
        Questions per call: bounds the memory.

    Returns
    -------
    (N,) bool
        Whether the whole answer is right.
    """
    with_methods("model", model, "generate_batch")
    xs, ts = as_integers("xs", xs, "(N, T_x)", 2), to_cpu(as_integers("ts", ts, "(N, T_t)", 2))
    if len(xs) != len(ts) or ts.shape[1] < 1:
        raise ValueError(
            f"xs and ts have shapes {xs.shape}, {ts.shape}, expected (N, T_x) and (N, T_t) with T_t >= 1"
        )
    if len(ts) and (ts[:, 0] != ts[0, 0]).any():
        raise ValueError("ts rows begin with different ids, expected the same start mark in column 0")
    batch_size = integer("batch_size", batch_size, 1)
    right = np.zeros(len(xs), dtype=bool)
    for k in range(0, len(xs), batch_size):
        part = slice(k, k + batch_size)
        answers = model.generate_batch(xs[part], int(ts[k, 0]), ts.shape[1] - 1)
        right[part] = (np.array(answers, dtype=np.int64).reshape(ts[part, 1:].shape) == ts[part, 1:]).all(axis=1)
    return right

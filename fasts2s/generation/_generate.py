"""Answers of a model, with all options."""

from typing import Any

import numpy as np

from fasts2s.backend import BackendLike, to_cpu
from fasts2s.generation._answers import Answer
from fasts2s.generation._choices import choice_of
from fasts2s.generation._constraints import Constraints
from fasts2s.generation._options import GenerationOptions, prefixes
from fasts2s.generation._search import Search
from fasts2s.generation._states import Rows
from fasts2s.generation._stepwise import Step, kernels_finder
from fasts2s_kernels.arrays import AnyArray
from fasts2s_kernels.checks.arguments import called, with_methods
from fasts2s_kernels.checks.either import as_integers


def generate(model: Any, xs: AnyArray, options: GenerationOptions) -> list[list[Answer]]:
    """Return the answers of an encoder-decoder to a batch of sources.

    Parameters
    ----------
    model
        ``start(xs)`` returns the state before the first step, ``step(ids, state)`` is as in :func:`generate_from`:
        :class:`fasts2s.models.EncoderDecoder`.
    xs : (N, S) ids
        Sources, padded on the right; or N sources of another kind for a model with ``checks_sources``, whose
        ``start`` looks at them itself.
    options : GenerationOptions
        With a start_id.

    Returns
    -------
    list of N lists of Answer
        The best first. There are fewer than ``nbest`` where there are not so many. The columns of their attention
        are those of xs, also where the model reads sources backwards.

    Raises
    ------
    ValueError, IndexError
        As :func:`generate_from`.
    FloatingPointError
        Likewise.
    """
    with_methods("model", model, "start", "step")
    chosen = _options(options)
    if chosen.start_id is None:
        raise ValueError(
            "options.start_id is None, expected the id of the start mark: GenerationOptions(start_id=...)"
        )
    sources = xs if getattr(model, "checks_sources", False) else as_integers("xs", xs, "(N, S)", 2)
    state = model.start(sources)
    starts = np.full(len(sources), chosen.start_id, np.int64)
    answers = generate_from(model.step, state, starts, chosen, backend=getattr(model, "backend", None))
    return [[_turned(a) for a in row] for row in answers] if _reads_backwards(model) else answers


def generate_from(
    step: Step, state: Any, start_ids: AnyArray, options: GenerationOptions, *, backend: BackendLike | None = None
) -> list[list[Answer]]:
    """Return the answers that a step function gives to a batch of states.

    Parameters
    ----------
    step : callable
        ``step(ids, state) -> (scores, state)``, with ids (R,) int64 and scores (R, V): ``model.step`` of a language
        model, ``model.decoder.step`` of the book's.
    state
        Of N rows. Arrays with the rows on their first axis, None, and lists, tuples and dicts of these; or an object
        with ``moved(rows)``, whose row n goes on from row rows[n] of the same source, and ``taken(sources)``, which
        has those sources alone, all their rows together. Where it has ``weights`` (R, S), they are the attention; its
        ``mask`` (N, S), if any, is False on padding. It is never written to.
    start_ids : (N,) ids
        What every answer follows; not part of it.
    options : GenerationOptions
    backend : str, Backend or None
        Of the kernels that look at scores; None: those of where they lie.

    Returns
    -------
    list of N lists of Answer
        The best first.

    Raises
    ------
    ValueError, IndexError
        Arguments of the wrong kind; ids out of range; an option that the model cannot serve.
    FloatingPointError
        Scores that are not finite.
    """
    called("step", step)
    chosen, ids = _options(options), to_cpu(as_integers("start_ids", start_ids, "(N,)", 1)).astype(np.int64)
    count = chosen.nbest if chosen.temperature else 1
    N = len(ids)
    rows = Rows(step, state, N)
    if not N:
        return []
    rows.spread(count)
    constraints = Constraints(chosen, prefixes(chosen, N).repeat(count, axis=0))
    choice = choice_of(chosen, constraints, kernels_finder(backend), N * count)
    found = Search(rows, choice, constraints, chosen, ids.repeat(count)).run()
    if count == 1:
        return found
    drawn = [[answer for group in found[n * count : (n + 1) * count] for answer in group] for n in range(N)]
    return [sorted(row, key=lambda answer: -answer.normalised) for row in drawn]


def _options(options: Any) -> GenerationOptions:
    if not isinstance(options, GenerationOptions):
        raise ValueError(f"options is a {type(options).__name__}, expected GenerationOptions")
    return options


def _reads_backwards(model: Any) -> bool:
    return bool(getattr(getattr(model, "settings", None), "reverse", False))


def _turned(answer: Answer) -> Answer:
    weights = answer.attention
    turned = None if weights is None else weights[:, ::-1]
    return Answer(answer.ids, answer.score, answer.normalised, answer.logs, answer.ended, turned)

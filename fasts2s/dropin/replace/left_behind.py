"""What the book's ``generate`` and ``forward`` leave in layers that ours go past, noted so that it can be made."""

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

import numpy as np

from fasts2s.dropin.replace import beside, originals, owed
from fasts2s_kernels.arrays import Array

_LAYERS = ("embed", "lstm", "attention", "affine")


def _parts(whole: Any) -> tuple[Any, ...]:
    """Return the layers of an encoder or decoder."""
    found = vars(whole)
    return tuple([found[name] for name in _LAYERS if name in found])


def _by_the_book(whole: Any, method: str, given: Array, then: Array, *args: Any) -> None:
    """Call the book's own method of an encoder or decoder, for what it leaves in the layers.

    ``then`` is what was given, as it was. The layers keep views of it, and in plain Python of what was given.
    """
    with originals.Suspended(), np.errstate(all="ignore"):
        getattr(whole, method)(then, *args)
    if given.shape == then.shape:
        then[...] = given


def _owe(whole: Any, make: owed.Making, *, overwritten: bool = True) -> owed.Debt:
    """Owe the state after a method of the book; ``overwritten``: what an earlier call has left is gone."""
    parts = _parts(whole)
    for obj in (whole, *parts):
        kept = beside.of(obj)
        if overwritten:
            kept.cache = kept.replay = None
        else:
            beside.settle(kept)
    return owed.owe(whole, parts, make)


def by_decoder(decoder: Any, context: Array, start: int, length: int) -> None:
    """Note a call of a decoder's ``generate``."""
    then = context.copy()

    def make(whole: Any) -> None:
        _by_the_book(whole, "generate", context, then, start, length)

    _owe(decoder, make, overwritten=length > 0)


class _Asked:
    """The last question that a model has answered, for as long as nobody has looked at what it has left."""

    def __init__(self, model: Any, encode: Callable[[Any, Array], Array], *, answered: bool) -> None:
        self._encoder, self._encode = ref(model.encoder), encode
        self.question: tuple[Array, Array, int, int]  # as given, as it was, start id, length
        self._debts = _owe(model.encoder, self._read), _owe(model.decoder, self._answer, overwritten=answered)

    def goes_on(self, *wholes: Any) -> bool:
        """Return whether the next question takes the place of this one, and changes nothing else."""
        return all(debt.goes_on(whole, _parts(whole)) for debt, whole in zip(self._debts, wholes, strict=True))

    def _read(self, encoder: Any) -> None:
        xs, then, _, _ = self.question
        _by_the_book(encoder, "forward", xs, then.copy())

    def _answer(self, decoder: Any) -> None:
        _, then, start, length = self.question
        encoder = self._encoder()
        if encoder is not None:
            context = self._encode(encoder, then)
            _by_the_book(decoder, "generate", context, context, start, length)


def by_model(model: Any, encode: Callable[[Any, Array], Array], xs: Array, start: int, length: int) -> None:
    """Note a call of a model's ``generate``. In a loop of questions this is all that is done for each."""
    kept = beside.of(model)
    if kept.asked is None or length == 0 or not kept.asked.goes_on(model.encoder, model.decoder):
        kept.asked = _Asked(model, encode, answered=length > 0)
    kept.asked.question = xs, xs.copy(), start, length


def _put_together(h: Array, hs: Array, decoder: Any) -> None:
    vars(decoder.affine)["x"] = np.concatenate((np.broadcast_to(h[:, None], hs.shape), hs), axis=2)


def by_peeky_forward(decoder: Any, h: Array, hs: Array) -> None:
    """Note what the input of a PeekyDecoder's affine layer is made of: h (N, H) and hidden states (N, T, H)."""
    owed.owe(decoder, (decoder.affine,), partial(_put_together, h, hs))

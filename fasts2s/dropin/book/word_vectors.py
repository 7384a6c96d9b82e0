"""The training loop of chapter 4: ``Trainer.fit`` with a CBOW or a SkipGram.

The book's own loop runs, or a reader's, its text as it is: it shuffles, counts, prints. What it finds under the
names of the model and of ``remove_duplicate`` is ours for the time of the call. Every layer of the book has a dense
gradient (V, H), which is zeroed, added to and summed up with the others in every step; nobody but the loop sees them
meanwhile. So there is one for each of the two matrices, of which only rows are touched that the batch names. When the
loop ends, all layers and gradients are left as the book's last step leaves them. So they are when a batch comes that
ours is not made for: from then on the model itself runs.
"""

from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

from fasts2s.dropin.book.word_layers import Gradient, Scores
from fasts2s.dropin.replace import beside
from fasts2s.dropin.replace.reliance import exchanged_in
from fasts2s.dropin.replace.sizes import foresee
from fasts2s.dropin.settings import installed
from fasts2s.optimizers import OPTIMIZERS
from fasts2s_kernels.arrays import Array

_METHODS = {"forward", "backward", "get_negative_sample"}
_OPTIMIZERS = {kind.__name__ for kind in OPTIMIZERS}
#: What a number of the two matrices costs in a step, as multiplications of the book's code: see ``sizes.foresee``.
_COST = 100.0


class WordVectors:
    """What stands for the model while the loop runs.

    Attributes
    ----------
    params, grads : list
        Those of the model.
    """

    def __init__(self, model: Any) -> None:
        self.model, self.params, self.grads = model, model.params, model.grads
        self.is_cbow = installed[type(model)] == "CBOW"
        losses = [model.ns_loss] if self.is_cbow else model.loss_layers
        self.scores = [Scores(layer) for layer in losses]
        self.words_in = list(model.in_layers) if self.is_cbow else [model.in_layer]
        self._sums = [Gradient(self.words_in[0].grads[0]), Gradient(losses[0].embed_dot_layers[0].grads[0])]
        self._left: Array | None = None
        self._is_over = False

    def forward(self, contexts: Array, target: Array) -> Any:
        """contexts : (N, L), target : (N,) ids -> the loss, as the book's; what is drawn is drawn in its order."""
        if self._is_over or not _are_ids(self, contexts, target):
            self.leave()
            self._is_over = True
            return self.model.forward(contexts, target)
        (W,) = self.words_in[0].params
        if self.is_cbow:
            self._left, rights = contexts.T, [target]
            h = W[self._left].sum(axis=0)
            h *= 1 / len(self.words_in)
        else:
            self._left, rights = target[None], list(contexts.T)
            h = W[target]
        loss = 0
        for scores, right in zip(self.scores, rights, strict=True):
            loss += scores.forward(h, right)
        return loss

    def backward(self) -> None:
        """Put the sums of the gradients of all layers into the first gradient of each matrix."""
        if self._is_over:
            self.model.backward()
            return
        ids, rows = zip(*(scores.rows() for scores in self.scores), strict=True)
        self._sums[1].set(np.concatenate(ids), np.concatenate(rows))
        left, dh = self._left, self._dh()
        assert left is not None  # for the type checker: forward has been here
        self._sums[0].set(left.reshape(-1), dh, np.tile(np.arange(len(dh)), len(left)))

    def _dh(self) -> Array:
        """Return the gradient (N, H) that every layer of words gets."""
        dh = sum(scores.dh() for scores in self.scores)
        return dh * np.float32(1 / len(self.words_in))

    def gathered(self, book: Any, params: Any, grads: Any) -> Any:
        """Return what ``remove_duplicate`` makes of the model's lists: each matrix once, its gradients summed up."""
        return book(params, grads) if self._is_over else self.matrices()

    def matrices(self) -> tuple[list[Array], list[Array]]:
        """Return each matrix once, and the sums of its gradients."""
        return [self.words_in[0].params[0], self.scores[0].W], [total.table for total in self._sums]

    def leave(self) -> None:
        """Leave layers and gradients as the book's last step leaves them."""
        if self._is_over or self._left is None or not self._sums[0].is_set():
            return
        dh = self._dh()
        for k, (layer, ids) in enumerate(zip(self.words_in, self._left, strict=True)):
            beside.forget_forward(layer)
            layer.idx = ids
            if k:
                Gradient(layer.grads[0]).set(ids, dh)
        for k, scores in enumerate(self.scores):
            scores.leave(first=not k)


def prepare(trainer: Any, x: Any, t: Any, max_epoch: Any = 10, batch_size: Any = 32, *more: Any) -> Any:
    """Return what stands for the trainer's model in ``fit``; None: the loop is no such one; a text: why not."""
    model = trainer.model
    optimizer = trainer.optimizer
    if installed.get(type(model)) not in {"CBOW", "SkipGram"} or installed.get(type(optimizer)) not in _OPTIMIZERS:
        return None
    if "update" in vars(optimizer):  # it may write to gradients, of which ours takes most rows for zero
        return None
    reason = exchanged_in(type(model), type(optimizer))
    if reason:
        return reason
    made = WordVectors(model)
    if not _is_the_books(made) or not _are_ids(made, x, t):
        return None
    foresee(_COST * sum(W.size for W in made.matrices()[0]) * max_epoch * (len(x) // batch_size))
    return made


def run(made: WordVectors, book: FunctionType, trainer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the book's ``fit``."""
    space = {**book.__globals__}
    space["remove_duplicate"] = partial(made.gathered, space["remove_duplicate"])
    loop = FunctionType(book.__code__, space, book.__name__, book.__defaults__, book.__closure__)
    trainer.model = made
    try:
        return loop(trainer, *args, **kwargs)
    finally:
        trainer.model = made.model
        made.leave()


def _is_the_books(made: WordVectors) -> bool:
    """Return whether a model is made as the book makes it: its layers, and who shares what with whom."""
    model, losses = made.model, [scores.layer for scores in made.scores]
    dots = [dot for layer in losses for dot in layer.embed_dot_layers]
    words = [*made.words_in, *(dot.embed for dot in dots)]
    parts = {
        "Embedding": words, "EmbeddingDot": dots, "NegativeSamplingLoss": losses,
        "SigmoidWithLoss": [loss for layer in losses for loss in layer.loss_layers],
        "UnigramSampler": [layer.sampler for layer in losses],
    }  # fmt: skip
    if not all(_are_plain(name, layers) for name, layers in parts.items()) or vars(model).keys() & _METHODS:
        return False
    if len({id(loss) for loss in parts["SigmoidWithLoss"]}) != len(dots):
        return False
    kinds = {type(part) for layers in parts.values() for part in layers}
    left, right = made.matrices()[0]
    shared = [left] * len(made.words_in) + [right] * len(dots)
    return (
        not exchanged_in(*sorted(kinds, key=id))
        and all(map(_holds_lists, [model, *losses]))
        and all(_is_table(W) for W in (left, right))
        and left.shape[0] != left.shape[1]  # the book may take a square one for the transpose of the other
        and left.shape[1] == right.shape[1]
        and left is not right
        and not np.shares_memory(left, right)
        and [id(W) for W in model.params] == [id(W) for W in shared] == [id(layer.params[0]) for layer in words]
        and [id(dW) for dW in model.grads] == [id(layer.grads[0]) for layer in words]
        and len({id(dW) for dW in model.grads}) == len(words)
        and all(_is_table(layer.grads[0]) and layer.grads[0].shape == layer.params[0].shape for layer in words)
        and all(scores.is_whole() for scores in made.scores)
    )


def _are_plain(name: str, layers: list[Any]) -> bool:
    return all(installed.get(type(layer)) == name and not vars(layer).keys() & _METHODS for layer in layers)


def _holds_lists(layer: Any) -> bool:
    """Return whether what holds layers is a list: anything else may count them in a way of its own."""
    names = {"in_layers", "loss_layers", "embed_dot_layers", "params", "grads"} & vars(layer).keys()
    return all(type(vars(layer)[name]) is list for name in names)


def _is_table(a: Any) -> bool:
    return type(a) is np.ndarray and a.dtype == np.float32 and a.ndim == 2 and a.flags.carray


def _are_ids(made: WordVectors, x: Any, t: Any) -> bool:
    """Return whether contexts x (n, L) and targets t (n,) are ids of words that both matrices have."""
    L = len(made.words_in) if made.is_cbow else len(made.scores)
    if not all(type(a) is np.ndarray and a.dtype.kind in "iu" and a.size for a in (x, t)):
        return False
    left, right = (x, t) if made.is_cbow else (t, x)
    V, words = made.words_in[0].params[0].shape[0], min(scores.words() for scores in made.scores)
    return bool(
        x.shape == (len(t), L) and left.min() >= 0 and right.min() >= 0 and left.max() < V and right.max() < words
    )

"""An error in the middle of a forward leaves every layer as it was, wherever it comes from."""

import numpy as np
import pytest

from fasts2s import layers, models
from fasts2s.layers._transaction import all_or_nothing
from tests.side_effects import changed, everything_in

V, D, H, N, T = 11, 8, 8, 3, 5
KINDS = ("Rnnlm", "BetterRnnlm", "Seq2seq", "PeekySeq2seq", "AttentionSeq2seq")


def made(kind):
    np.random.seed(3)
    return getattr(models, kind)(V, D, H, backend="numpy")


def ids(rng, T=T):
    return rng.integers(0, V, (N, T))


def parts_of(obj, path=""):
    """Everything with a forward inside of a model, by its path."""
    found = {}
    for name, value in vars(obj).items():
        for k, part in enumerate(value if isinstance(value, list) else [value]):
            if hasattr(part, "forward"):
                here = f"{path}.{name}[{k}]" if isinstance(value, list) else f"{path}.{name}"
                found |= {here: part} | parts_of(part, here)
    return found


def counted(real, path, went):
    def forward(*args, **options):
        went.append(path)
        return real(*args, **options)

    return forward


def reached_by_forward(kind):
    """The paths of the parts whose forward a forward of the model calls; some run as one with others."""
    model, went = made(kind), []
    for path, part in parts_of(model).items():
        part.forward = counted(part.forward, path, went)
    model.forward(np.ones((N, T), int), np.ones((N, T), int))
    return sorted(set(went))


CASES = [(kind, path) for kind in KINDS for path in reached_by_forward(kind)]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize(("kind", "path"), CASES)
def test_an_error_in_the_middle_leaves_every_layer_as_it_was(kind, path, error, rng):
    model = made(kind)
    model.forward(ids(rng), ids(rng))
    model.backward()
    part = parts_of(model)[path]
    real = part.forward

    def forward(*args, **options):
        real(*args, **options)  # its own work is done, and that of all before it
        raise error("planted")

    part.forward = forward
    before = everything_in(model)
    with pytest.raises(error, match="planted"):
        model.forward(ids(rng), ids(rng))
    assert changed(before, everything_in(model)) == []


def test_what_a_block_set_added_and_deleted_is_undone():
    class Part:
        def __init__(self):
            self.kept, self.gone = [1], 2

    first, second = Part(), Part()
    kept = first.kept
    with pytest.raises(ZeroDivisionError), all_or_nothing([first, second]):
        first.kept, first.new = [3], 4
        del second.gone
        raise ZeroDivisionError
    assert vars(first) == {"kept": [1], "gone": 2}
    assert first.kept is kept
    assert vars(second) == {"kept": [1], "gone": 2}
    with all_or_nothing([first]):
        first.kept = 5
    assert first.kept == 5


def test_a_layer_made_of_two_is_put_back_too(rng):
    f = lambda *shape: rng.standard_normal(shape).astype("f")
    weights = f(D, 4 * H), f(H, 4 * H), f(4 * H)
    layer = layers.TimeBiLSTM(*weights, *weights, backend="numpy")
    layer.forward(f(N, T, D))
    held = layer.forward_lstm.h
    layer.backward_lstm.params[1] = f(H, 3)
    with pytest.raises(ValueError, match="Wh has shape"):
        layer.forward(f(N, T, D))
    assert layer.forward_lstm.h is held

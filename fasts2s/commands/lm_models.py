"""The models of ``fasts2s train lm``: two of the book, and one of layers as they are asked for."""

from typing import Any

from fasts2s.backend import Backend
from fasts2s.commands.errors import CommandError
from fasts2s.commands.sizes import require_memory
from fasts2s.initial_weights import GATES
from fasts2s.models import BetterRnnlm, Rnnlm, StackedRnnlm

_OWN = ("cell", "layers", "dropout", "tied", "wordvec")
#: Learning rates: 20 is the book's. At 20 an RNN learns nothing, and a GRU less than at 5.
RATES = {"lstm": 20.0, "gru": 5.0, "rnn": 2.0}


def describe(options: Any) -> str:
    """Return what the model is, in words. Raises CommandError for options that do not go together."""
    asked = [name for name in _OWN if getattr(options, name) not in (None, False)]
    if options.model and asked:
        raise CommandError(
            f"--model {options.model} is the book's, --{asked[0]} is for a model of your own: leave one of them out"
        )
    if not asked:
        return options.model or "rnnlm"
    return f"{options.layers or 1} x {(options.cell or 'lstm').upper()}" + (", tied" if options.tied else "")


def make_model(o: Any, vocab_size: int, backend: Backend) -> Any:
    """Return the model that options ask for. Raises CommandError where the machine has no memory for it."""
    V, H = vocab_size, o.hidden
    if any(getattr(o, name) not in (None, False) for name in _OWN):
        D, cell, layers = o.wordvec or H, o.cell or "lstm", o.layers or 1
        if o.tied and D != H:
            raise CommandError(f"--wordvec is {D}, expected --hidden = {H} with --tied: leave --wordvec out")
        _require_memory(V, D, H, layers, GATES[cell])
        dropout = o.dropout or 0.0
        return StackedRnnlm(V, D, H, cell=cell, layers=layers, dropout_ratio=dropout, tied=o.tied, backend=backend)
    kind: Any = BetterRnnlm if o.model == "better" else Rnnlm
    _require_memory(V, H, H, 2 if o.model == "better" else 1, 4)
    return kind(V, H, H, backend=backend)


def _require_memory(V: int, D: int, H: int, layers: int, gates: int) -> None:
    """Word vectors and recurrent weights at least, with their gradients."""
    require_memory(V * D + gates * H * (D + H + (layers - 1) * 2 * H), copies=2)

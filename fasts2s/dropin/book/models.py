"""The book's models on our kernels: when their parts allow it, and how they generate."""

from contextlib import nullcontext
from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s.dropin.book import lookahead
from fasts2s.dropin.replace import left_behind
from fasts2s.dropin.replace.reliance import exchanged_in, known
from fasts2s.dropin.settings import active_backend, every_size, installed
from fasts2s.generation import not_finite
from fasts2s.models._words import Stack, generate_words
from fasts2s.models.attention_seq2seq import AttentionDecoder, AttentionEncoder
from fasts2s.models.peeky_seq2seq import PeekyDecoder
from fasts2s.models.seq2seq import Decoder, Encoder
from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import integer, is_cupy

_LAYERS = {"embed": "TimeEmbedding", "lstm": "TimeLSTM", "affine": "TimeAffine", "attention": "TimeAttention"}
_PAIRS = {("Encoder", "Decoder"), ("Encoder", "PeekyDecoder"), ("AttentionEncoder", "AttentionDecoder")}
_ENCODERS = {kind.__name__: kind for kind in (Encoder, AttentionEncoder)}
_DECODERS: dict[str, Any] = {kind.__name__: kind for kind in (Decoder, PeekyDecoder, AttentionDecoder)}


def _part_ready(name: str, part: Any, wanted: str) -> str:
    """Return why a part is not the book's, replaced, and without methods of its own; or ""."""
    if installed.get(type(part)) != wanted:
        return f"its {name} is a {type(part).__name__} that was left as it is"
    ready = known[type(part)].ready
    unready = ready(part) if ready is not None else ""
    if unready:
        return f"of its {name}, {unready}"
    own = vars(part).keys() & {"forward", "backward", "generate", "set_state", "reset_state"}
    return f"its {name} has a {min(own)} of its own" if own else ""


def _layers_ready(obj: Any, *names: str, stateful: bool) -> str:
    for name in names:
        reason = _part_ready(name, getattr(obj, name), _LAYERS[name])
        if reason:
            return reason
    wide = next((p.dtype for name in names for p in getattr(obj, name).params if p.dtype != np.float32), None)
    if wide is not None:
        return f"it has weights of {wide}"
    if obj.lstm.stateful is not stateful:
        return f"its lstm has stateful={obj.lstm.stateful}"
    return exchanged_in(*[type(getattr(obj, name)) for name in names])


def encoder_ready(obj: Any) -> str:
    """Return why an encoder cannot run ours, or ""."""
    return _layers_ready(obj, "embed", "lstm", stateful=False)


def decoder_ready(obj: Any) -> str:
    """Return why a decoder cannot run ours, or ""."""
    more = ("attention",) if installed.get(type(obj)) == "AttentionDecoder" else ()
    return _layers_ready(obj, "embed", "lstm", "affine", *more, stateful=True)


def seq2seq_ready(obj: Any) -> str:
    """Return why a model cannot generate with ours, or ""."""
    encoder, decoder = obj.encoder, obj.decoder
    names = (installed.get(type(encoder), ""), installed.get(type(decoder), ""))
    if names not in _PAIRS:
        return f"it is made of {type(encoder).__name__} and {type(decoder).__name__}"
    own = _part_ready("encoder", encoder, names[0]) or _part_ready("decoder", decoder, names[1])
    own = own or encoder_ready(encoder) or decoder_ready(decoder)
    return own or exchanged_in(type(encoder), type(decoder))


def _answers(decoder: Any, context: Array, start_id: int, length: int) -> Array:
    """Return the best ids (R, length) after encoded sources (R, ...), on the host.

    Raises FloatingPointError where scores are not finite: what the book makes of them, it decides.
    """
    answer = _DECODERS[installed[type(decoder)]].answer
    ids: Array = to_cpu(answer(decoder, context, np.full(context.shape[0], start_id), length))
    if (ids < 0).any():
        raise not_finite("a row", decoder)
    return ids


def _id(start_id: Any) -> int:
    """Return the id that an answer starts from, which may be an element of an array on the device."""
    return integer("start_id", to_cpu(start_id) if is_cupy(start_id) else start_id)


def _as_book(decoder: Any, ids: Array) -> list[Any]:
    """Return ids of the host as the decoder's own code does: of the book's, Python's integers from Decoder alone."""
    return ids.tolist() if decoder._plain_ids else list(ids)


def decoder_generate(self: Any, h: Array, start_id: Any, sample_size: int) -> list[Any]:
    """As the book's ``generate`` of all decoders; the state that it leaves in layers is made when it is wanted."""
    if h.shape[0] != 1:
        raise ValueError(f"the encoded source has shape {h.shape}, expected one row")
    if h.dtype != np.float32:
        raise ValueError(f"the encoded source is {h.dtype}, expected float32")
    start, length = _id(start_id), integer("sample_size", sample_size, 0)
    ids = _answers(self, h, start, length)[0]
    left_behind.by_decoder(self, h, start, length)
    return _as_book(self, ids)


def peeky_forward(self: Any, xs: Array, h: Array) -> Array:
    """As the book's ``PeekyDecoder.forward``; the input of its affine layer is put together when it is wanted."""
    out = PeekyDecoder.forward(self, xs, h)
    left_behind.by_peeky_forward(self, *self._cache)
    return out


def seq2seq_generate(self: Any, xs: Array, start_id: Any, sample_size: int) -> list[Any]:
    """As the book's ``Seq2seq.generate``; the state that it leaves in the layers is made when it is wanted."""
    ahead, encoder, decoder = lookahead.taken(), self.encoder, self.decoder
    encode = _ENCODERS[installed[type(encoder)]].encode
    start, length = _id(start_id), integer("sample_size", sample_size, 0)

    def answers(rows: Array, longest: int) -> Array:
        return _answers(decoder, encode(encoder, rows), start, longest)

    if xs.shape[0] != 1:
        raise ValueError(f"xs has shape {xs.shape}, expected one row")
    ids = lookahead.answer(ahead, self, xs, start, length, answers)
    ids = answers(xs, length)[0] if ids is None else ids
    left_behind.by_model(self, encode, xs, start, length)
    return _as_book(decoder, ids)


#: Names in the code of ``predict`` of the book's language models.
_PREDICT = {"layers", "forward", "drop_layers", "train_flg"}


def _stack(model: Any) -> Stack | None:
    """Return what makes the words of a text beside the layers of a model; None: they have to."""
    layers, code = model.layers, getattr(type(model).predict, "__code__", None)
    if code is None or "predict" in vars(model) or not _PREDICT.issuperset(code.co_names):
        return None
    names = [installed.get(type(layer)) or type(layer).__name__ for layer in layers]
    replaced = [(layer, name) for layer, name in zip(layers, names, strict=True) if name != "TimeDropout"]
    if any(_part_ready(name, layer, name) for layer, name in replaced):
        return None
    if exchanged_in(*[type(layer) for layer, _ in replaced]) or not Stack.fits(layers, names):
        return None
    return Stack(active_backend().kernels(), layers, names)


def rnnlm_generate(self: Any, start_id: Any, skip_ids: Any = None, sample_size: int = 100) -> list[int]:
    """As the book's ``generate``: the same draws, and words as plain integers on every NumPy."""
    stack = _stack(self)
    # The first and the last scores come from the layers. Threads of a BLAS would go on spinning on the cores of ours.
    with every_size() if stack else nullcontext():
        return generate_words(self, _id(start_id), skip_ids, sample_size, stack=stack)

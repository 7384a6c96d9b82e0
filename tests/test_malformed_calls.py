"""Malformed calls of every layer and model: each succeeds as documented, or is refused with a clear message.

Refused means ValueError or IndexError that names the argument or says what was expected: no other exception, no
warning. A refused call leaves its object as it was. Everything is seeded. The kernels: test_malformed_kernels.py.
"""

from typing import Any

import pytest

import fasts2s
from fasts2s import layers, models
from tests.malformed.ledger import Ledger
from tests.malformed.objects import RECORDS, Fuzz, generator, malformed
from tests.records import HOST, classes, valid

#: Malformed calls per class and backend, at least; every backend gets others.
CALLS = 200

OBJECTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in RECORDS),
    *((name, {"stateful": True}) for name in ("TimeRNN", "TimeGRU", "TimeLSTM", "TimeBiLSTM")),
    *((name, {"pad_id": 0, "reverse": True}) for name in ("Seq2seq", "PeekySeq2seq", "AttentionSeq2seq")),
]

_STEPS = {"start_id": "id", "sample_size": "size"}
_GENERATORS = ("RnnlmGen", "BetterRnnlmGen")
_DROPPING = ("BetterRnnlm", "BetterRnnlmGen", "StackedRnnlm")
_TRANSLATORS = ("Seq2seq", "PeekySeq2seq", "AttentionSeq2seq")
#: Methods beside forward and backward, with their arguments.
METHODS: dict[tuple[str, str], dict[str, str]] = {
    **{(name, "predict"): {"xs": "ids N T"} for name in ("SimpleRnnlm", "Rnnlm", "RnnlmGen")},
    **{(name, "predict"): {"xs": "ids N T", "train_flg": "flag"} for name in _DROPPING},
    **{(name, "generate"): {**_STEPS, "skip_ids": "ids 2", "stop_id": "none"} for name in _GENERATORS},
    **{(name, "generate"): {"xs": "ids 1 T", **_STEPS} for name in _TRANSLATORS},
    **{(name, "generate_batch"): {"xs": "ids N T", **_STEPS, "stop_id": "none"} for name in _TRANSLATORS},
    ("Decoder", "generate"): {"h": "1 H", **_STEPS},
    ("PeekyDecoder", "generate"): {"h": "1 H", **_STEPS},
    ("AttentionDecoder", "generate"): {"enc_hs": "1 S H", **_STEPS},
}
#: The functions that check their arguments; sigmoid and relu take whatever NumPy takes.
FUNCTIONS = {"softmax": {"x": "N V"}, "cross_entropy_error": {"y": "N V", "t": "ids N"}}
STATES: list[tuple[str, dict[str, Any]]] = [
    *((name, {"stateful": True}) for name in ("TimeRNN", "TimeGRU", "TimeLSTM")),
    *((name, {}) for name in _GENERATORS),
]


def _id(value: Any) -> str:
    return value if isinstance(value, str) else " ".join(value) or "default"


def test_every_public_class_is_here() -> None:
    missing = (
        classes(layers) | classes(models) - {"BaseModel", "EncoderDecoderSettings", "Frames", "Watched"}
    ) - set(RECORDS)
    assert not missing, f"{sorted(missing)} have no record in tests/records.py: add one, and they are fuzzed too"


def test_every_generating_method_is_here() -> None:
    names = ("predict", "generate", "generate_batch")
    found = {(c, m) for c in classes(models) - {"BaseModel"} for m in names if hasattr(getattr(models, c), m)}
    assert found == set(METHODS)


def test_there_are_ten_thousand_calls() -> None:
    assert CALLS * (len(OBJECTS) + len(METHODS) + len(STATES)) >= 10_000


@pytest.mark.parametrize("backend", HOST)
@pytest.mark.parametrize(("name", "options"), OBJECTS, ids=_id)
def test_forward_and_backward(name: str, options: dict[str, Any], backend: str) -> None:
    with fasts2s.use_backend(backend):
        ledger = Fuzz(name, options, backend).run(CALLS)
    ledger.settle()


@pytest.mark.parametrize("backend", HOST)
@pytest.mark.parametrize(("name", "method"), METHODS)
def test_other_methods(name: str, method: str, backend: str) -> None:
    with fasts2s.use_backend(backend):
        fuzz = Fuzz(name, {}, backend)
        for _ in range(CALLS):
            fuzz.method(method, METHODS[name, method])
    fuzz.ledger.settle()


@pytest.mark.parametrize("backend", HOST)
@pytest.mark.parametrize(("name", "options"), STATES, ids=_id)
def test_states(name: str, options: dict[str, Any], backend: str) -> None:
    with fasts2s.use_backend(backend):
        fuzz = Fuzz(name, options, backend)
        while sum(fuzz.ledger.outcomes.values()) < CALLS:
            fuzz.state()
    fuzz.ledger.settle()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    rng, ledger = generator(name), Ledger()
    for _ in range(CALLS):
        ledger.call(getattr(layers, name), malformed(valid(FUNCTIONS[name]), rng), name)
    ledger.settle()

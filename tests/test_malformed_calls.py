"""Malformed calls of everything public: each succeeds as documented, or is refused with a clear message.

Refused means ValueError or IndexError that names the argument or says what was expected. No other exception, no
warning, no write into an argument. A refused call leaves its object as it was.
"""

import copy
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import fasts2s
from fasts2s import layers, models, optimizers
from fasts2s_kernels import MODULES, load
from fasts2s_kernels.contract import Kernels
from tests.malformed import EDGES, Ledger, described, finite, leaves, malform
from tests.records import LAYERS, MODELS, SCALARS, SIZES, Record, classes, draw, size, valid

#: Arrays of the host go to every backend but cupy, which wants its own.
HOST = sorted(set(MODULES) - {"cupy"})
CALLS = 250

RECORDS: dict[str, Record] = {**LAYERS, **MODELS}
_VARIANTS: dict[str, dict[str, Any]] = {
    **{name: {"stateful": True} for name in ("TimeRNN", "TimeGRU", "TimeLSTM", "TimeBiLSTM")},
    **{name: {"pad_id": 0, "reverse": True} for name in ("Seq2seq", "PeekySeq2seq", "AttentionSeq2seq")},
}
OBJECTS = [(name, {}) for name in RECORDS] + list(_VARIANTS.items())

#: Methods beside forward and backward: (class, method) -> arguments, and whether it is called after a forward.
METHODS: dict[tuple[str, str], dict[str, str]] = {
    **{(name, "predict"): {"xs": "ids N T"} for name in ("SimpleRnnlm", "Rnnlm", "RnnlmGen")},
    **{(name, "predict"): {"xs": "ids N T", "train_flg": "flag"} for name in ("BetterRnnlm", "BetterRnnlmGen")},
    **{
        (name, "generate"): {"start_id": "id", "skip_ids": "ids S", "sample_size": "size", "stop_id": "id"}
        for name in ("RnnlmGen", "BetterRnnlmGen")
    },
    ("Decoder", "generate"): {"h": "1 H", "start_id": "id", "sample_size": "size"},
    ("PeekyDecoder", "generate"): {"h": "1 H", "start_id": "id", "sample_size": "size"},
    ("AttentionDecoder", "generate"): {"enc_hs": "1 S H", "start_id": "id", "sample_size": "size"},
    **{
        (name, method): {
            "xs": "ids 1 T" if method == "generate" else "ids N T",
            "start_id": "id",
            "sample_size": "size",
            **({"stop_id": "none"} if method == "generate_batch" else {}),
        }
        for name in ("Seq2seq", "PeekySeq2seq", "AttentionSeq2seq")
        for method in ("generate", "generate_batch")
    },
}

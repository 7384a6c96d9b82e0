"""Malformed calls of every kernel, optimiser and of clip_grads. The rules: test_malformed_calls.py.

A kernel that refuses has written nothing; one that succeeds writes to its gradient buffers and slots only.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fasts2s
from fasts2s import optimizers
from fasts2s_kernels import load
from fasts2s_kernels.contract import Kernels
from tests import contract
from tests.malformed.ledger import Ledger, described, finite, leaves
from tests.malformed.objects import bind, equal, generator, malformed, shapes
from tests.records import HOST, SIZES, valid

CALLS = 300


def _recurrent(cell: str, gates: int, states: str) -> dict[str, tuple[dict[str, str], str]]:
    weights = {"Wx": f"D {gates}H", "Wh": f"H {gates}H", "b": f"{gates}H"}
    first = {f"{s}0": "N H" for s in states}
    extra, last = {"row_bias": f"N {gates}H"}, {f"d{s}_last": "N H" for s in states}
    buffers = {f"d{name}": spec for name, spec in weights.items()}
    held = "; N H" * len(states)
    return {
        f"{cell}_forward": ({"xs": "N T D", **weights, **first, **extra, "mask": "mask N T"}, f"N T H{held}"),
        f"{cell}_backward": (
            {"dhs": "N T H", "Wx": weights["Wx"], "Wh": weights["Wh"], "cache": f"{cell}_forward", **last, **buffers},
            f"N T D{held}; N {gates}H",
        ),
        f"{cell}_step": ({"x": "N D", **weights, **dict.fromkeys(states, "N H"), **extra}, held[2:]),
    }


def _update(slots: str, **numbers: float) -> tuple[dict[str, Any], str]:
    return {**dict.fromkeys(("params", "grads", *slots.split()), "list"), "lr": 0.1, "scale": 0.5, **numbers}, "none"


#: Kernel -> its arguments as specs, and the shapes of its results. The name of a kernel is a cache that it returned.
KERNELS: dict[str, tuple[dict[str, Any], str]] = {
    **_recurrent("lstm", 4, "hc"),
    **_recurrent("gru", 3, "h"),
    **_recurrent("rnn", 1, "h"),
    "lstm_ids_forward": (
        {
            "table": "V 4H",
            "ids": "ids N T",
            "Wh": "H 4H",
            "h0": "N H",
            "c0": "N H",
            "row_bias": "N 4H",
            "mask": "mask N T",
        },
        "N T H; N H; N H",
    ),
    "lstm_ids_backward": (
        {
            "dhs": "N T H",
            "Wh": "H 4H",
            "cache": "lstm_ids_forward",
            "dh_last": "N H",
            "dc_last": "N H",
            "dtable": "V 4H",
            "dWh": "H 4H",
        },
        "N H; N H; N 4H",
    ),
    "lstm_encode": (
        {"W": "V D", "ids": "ids N T", "Wx": "D 4H", "Wh": "H 4H", "b": "4H", "mask": "mask N T"},
        "N H",
    ),
    "lstm_greedy": (
        {
            "W": "V D",
            "start_ids": "ids N",
            "length": SIZES["T"],
            "Wx": "D 4H",
            "Wh": "H 4H",
            "b": "4H",
            "W_out": "H V",
            "b_out": "V",
            "h": "N H",
            "c": "N H",
            "row_bias": "N 4H",
            "score_bias": "N V",
        },
        "none",  # as many ids as length says, which is varied
    ),
    "affine_forward": ({"x": "R D", "W": "D M", "b": "M"}, "R M"),
    "affine_backward": ({"dout": "R M", "x": "R D", "W": "D M", "dW": "D M", "db": "M"}, "R D"),
    "embedding_forward": ({"ids": "ids *", "W": "V D"}, "* D"),
    "embedding_backward": ({"dout": "* D", "ids": "ids *", "dW": "V D"}, "none"),
    "softmax_loss_forward": ({"xs": "R V", "ts": "ids R", "ignore_label": "id"}, ""),
    "softmax_loss_backward": ({"dout": "number", "cache": "softmax_loss_forward"}, "R V"),
    "attention_forward": ({"hs_enc": "N S H", "hs_dec": "N T H", "mask": "mask N S"}, "N T H; N T S"),
    "attention_backward": ({"dout": "N T H", "cache": "attention_forward"}, "N S H; N T H"),
    "argmax": ({"scores": "R V"}, "R"),
    "sample": ({"scores": "R V", "uniforms": "R"}, "R"),
    "clip_grads": ({"grads": "list", "max_norm": 0.5}, ""),
    "clip_rate": ({"norm": 3.0, "max_norm": 0.5}, ""),
    "sgd_update": _update(""),
    "momentum_update": _update("v", momentum=0.9),
    "nesterov_update": _update("v", momentum=0.9),
    "adagrad_update": _update("h"),
    "rmsprop_update": _update("h", decay_rate=0.9),
    "adam_update": _update("m v", beta1=0.9, beta2=0.99, step=1),
}

OPTIMIZERS = {n: c for n, c in vars(optimizers).items() if isinstance(c, type) and hasattr(c, "update")}


def arrays(kernels: Kernels, name: str, **sizes: int) -> dict[str, Any]:
    """Return valid arguments of a kernel, always the same ones; sizes replace those of SIZES."""
    specs = KERNELS[name][0]
    plain = {k: s for k, s in specs.items() if isinstance(s, str) and s not in KERNELS and s != "list"}
    given = valid(plain, **sizes)
    rng = np.random.default_rng(8)
    for key, spec in specs.items():
        if spec == "list":
            given[key] = [rng.random(shape, dtype=np.float32) for shape in ((5, 7), (7,))]
        elif spec in KERNELS:
            given[key] = getattr(kernels, spec)(**arrays(kernels, spec))[-1]
        elif not isinstance(spec, str):
            given[key] = spec
    return {key: given[key] for key in specs}


def writes(name: str) -> set[str]:
    """Return the arguments a kernel writes to: gradient buffers, parameters, slots."""
    lists = {key for key, spec in KERNELS[name][0].items() if spec == "list"}
    return {"dWx", "dWh", "db", "dW", "dtable"} | (lists if name == "clip_grads" else lists - {"grads"})


def fuzz_kernel(kernels: Kernels, name: str, calls: int) -> Ledger:
    rng, ledger = generator(name), Ledger()
    for _ in range(calls):
        # A cache is opaque: only that of another call, or none, may come in its place.
        given = arrays(kernels, name)
        cache = {"cache": given.pop("cache")} if "cache" in given else {}
        arguments = {**malformed(given, rng), **({"cache": None} if cache and rng.random() < 0.1 else cache)}
        sound = finite(leaves([v for k, v in arguments.items() if k != "cache"]))
        done, result = ledger.call(getattr(kernels, name), arguments, name, writes(name))
        if done:
            judge(ledger, name, arguments, result, sound)
    return ledger


def judge(ledger: Ledger, name: str, arguments: dict[str, Any], result: Any, sound: bool) -> None:
    specs, out = KERNELS[name]
    known = {k: s for k, s in specs.items() if isinstance(s, str) and s not in (*KERNELS, "list", "number", "id")}
    sizes, misfits = bind(known, arguments, {**SIZES} if arguments.get("cache") is not None else {})
    if misfits:
        ledger.note((name, "misfit"), f"{name}({described(arguments)}) took {misfits}, which does not fit the rest")
    expected = [] if out == "none" else shapes(out, {**SIZES, **sizes})
    results = (result if isinstance(result, tuple) else (result,))[: len(expected)]
    came = [np.shape(r) for r in results if r is not None]
    if came != expected[: len(came)]:
        ledger.note((name, "shape"), f"{name}({described(arguments)}): shapes {came}, documented are {expected}")
    if sound and not finite(leaves(list(results))):
        ledger.note((name, "finite"), f"{name}({described(arguments)}) is not finite")


def fuzz_optimizer(make: Callable[[], Any], calls: int) -> Ledger:
    """Malformed updates, and hyper-parameters, that must not spoil the optimiser for the next valid update."""
    rng, ledger = generator(make.__name__), Ledger()

    def lists() -> dict[str, Any]:
        return {k: v for k, v in arrays(load("numpy"), "sgd_update").items() if k != "lr"}

    wanted = lists()
    make().update(**wanted)
    while sum(ledger.outcomes.values()) < calls:
        optimizer, given = make(), malformed(lists(), rng)
        names = [k for k, v in vars(optimizer).items() if isinstance(v, float)]
        if rng.random() < 0.3:
            name = str(rng.choice(names))
            kept, spoiled = getattr(optimizer, name), malformed({name: getattr(optimizer, name)}, rng)
            setattr(optimizer, name, spoiled[name])
            update = lambda optimizer=optimizer, **_: optimizer.update(**lists())
            done, _ = ledger.call(update, spoiled, type(optimizer).__name__)
            setattr(optimizer, name, kept)
        else:
            done, _ = ledger.call(optimizer.update, given, type(optimizer).__name__, ("params",))
        if not done:
            then = f"{type(optimizer).__name__}.update({described(given)}), then a valid update"
            after = lists()
            if ledger.call(optimizer.update, after, then, ("params",))[0] and not equal(
                leaves(after["params"]), leaves(wanted["params"])
            ):
                ledger.note("spoiled", f"{then}: differs from the first update of a new optimiser")
    return ledger


def test_every_kernel_is_here() -> None:
    # asarray and to_numpy take whatever NumPy can convert, and raise its errors.
    entries = set(contract.functions()) - {"asarray", "to_numpy"}
    missing = entries - set(KERNELS)
    assert not missing, f"{sorted(missing)} have no row in KERNELS: add one, and they are fuzzed too"


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("backend", HOST)
def test_kernel(backend: str, name: str) -> None:
    fuzz_kernel(load(backend), name, CALLS).settle()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("backend", HOST)
def test_optimizer(backend: str, name: str) -> None:
    with fasts2s.use_backend(backend):
        fuzz_optimizer(OPTIMIZERS[name], CALLS).settle()


@pytest.mark.parametrize("backend", HOST)
def test_clip_grads(backend: str) -> None:
    rng, ledger = generator("clip_grads"), Ledger()
    with fasts2s.use_backend(backend):
        for _ in range(CALLS):
            given = malformed(arrays(load(backend), "clip_grads"), rng)
            ledger.call(optimizers.clip_grads, given, "clip_grads", ("grads",))
    ledger.settle()


@pytest.mark.parametrize("backend", HOST)
@pytest.mark.parametrize("name", ["lstm_backward", "gru_backward", "rnn_backward", "attention_backward"])
def test_a_cache_of_other_sizes(name: str, backend: str) -> None:
    kernels, forward = load(backend), KERNELS[name][0]["cache"]
    for letter in "NTDH" if name != "attention_backward" else "NTH":
        given = arrays(kernels, name)
        given["cache"] = getattr(kernels, forward)(**arrays(kernels, forward, **{letter: SIZES[letter] + 1}))[-1]
        with pytest.raises(ValueError, match="expected"):
            getattr(kernels, name)(**given)


@pytest.mark.parametrize("backend", HOST)
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_bias_buffer_without_a_bias_and_a_bias_without_a_buffer(cell: str, backend: str) -> None:
    kernels, forward = load(backend), arrays(load(backend), f"{cell}_forward")
    backward = arrays(kernels, f"{cell}_backward")
    with pytest.raises(ValueError, match=r"db is .*, expected"):
        getattr(kernels, f"{cell}_backward")(**{**backward, "db": None})
    backward["cache"] = getattr(kernels, f"{cell}_forward")(**{**forward, "b": None})[-1]
    kept = backward["db"].copy()
    with pytest.raises(ValueError, match=r"db is .*, expected"):
        getattr(kernels, f"{cell}_backward")(**backward)
    assert np.array_equal(backward["db"], kept)

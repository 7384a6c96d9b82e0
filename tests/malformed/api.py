"""Every public callable of the package with valid arguments, made from a table by the names of the arguments.

Methods that test_malformed_calls.py fuzzes are left to it.
"""

import importlib.util
import inspect
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import fasts2s
from fasts2s import (
    checkpoint,
    corpus,
    evaluation,
    exchange,
    generation,
    layers,
    metrics,
    models,
    optimizers,
    schedules,
    sequence,
    testing,
    text,
    trainer,
)
from tests.records import LAYERS, MODELS, SIZES

MODULES = (
    fasts2s,
    checkpoint,
    corpus,
    evaluation,
    exchange,
    generation,
    layers,
    metrics,
    models,
    optimizers,
    schedules,
    sequence,
    testing,
    text,
    trainer,
)
#: What test_malformed_calls.py calls, and what takes no argument.
ELSEWHERE = {"forward", "backward", "predict", "generate", "generate_batch", "set_state"}
#: Plain records of results, which take what they are given; exceptions; and what only subclasses have.
LEFT_OUT = {"rows_until", "not_finite", "weights_at_fault", "sample_row"}  # between modules
LEFT_OUT |= {f"{t}.{m}" for t in ("Trainer", "RnnlmTrainer") for m in ("take_state", "give_state")}  # the same
LEFT_OUT |= {"TimeBiLSTM.step"}  # refuses whatever it is given
LEFT_OUT |= {"Pairs.count", "Pairs.index", "Texts.count", "Texts.index"}  # of every sequence
if importlib.util.find_spec("sacrebleu") is None or importlib.util.find_spec("rouge_score") is None:
    LEFT_OUT |= {"bleu", "chrf", "rouge_l"}
#: Of fasts2s.exchange, by the library that they need.
_EXCHANGED = {
    "torch": {"to_torch", "from_torch", "save_torch", "load_torch"},
    "safetensors": {"save_safetensors", "load_safetensors"},
    "onnx": {"to_onnx"},
}
for _library, _functions in _EXCHANGED.items():
    LEFT_OUT |= set() if importlib.util.find_spec(_library) else _functions
RECORDS_OF_RESULTS = {
    "Batch",
    "EncodedPairs",
    "Ragged",
    "Side",
    "Statistics",
    "Tokenizer",
    "SubwordTokenizer",  # reads what its library wrote; tests/text/test_subwords.py
    "Model",
    "Optimizer",
    "Schedule",
    "Corpus",
    "SequenceData",
    "BackendStatus",
    "Answer",
    "CheckpointError",
    "Watched",
    "CheckpointWarning",
    "BaseModel",
}
V, H = SIZES["V"], SIZES["H"]
IDS = np.array([[1, 2, 3, 4], [2, 3, 4, 5]])


class Call(NamedTuple):
    """make() returns the callable, of a fresh object; names are those of its arguments."""

    name: str
    make: Callable[[], Callable[..., Any]]
    names: list[str]


class Model:
    """A reader's model: the least that trainers and evaluation want."""

    def __init__(self) -> None:
        self.params, self.grads = [np.zeros(3, "f")], [np.zeros(3, "f")]

    def forward(self, xs: Any, ts: Any) -> float:
        return 1.0

    def backward(self) -> None:
        self.grads[0][...] = 0

    def generate(self, xs: Any, start_id: int, sample_size: int) -> list[int]:
        return [1] * sample_size

    def generate_batch(self, xs: Any, start_id: int, sample_size: int) -> list[list[int]]:
        return [[1] * sample_size for _ in xs]


def _step(ids: Any, state: Any) -> tuple[Any, Any]:
    return np.zeros((len(ids), V), "f"), state


def _affine() -> Any:
    return layers.Affine(np.ones((2, 3)), np.ones(3))


def _tokenizer() -> Any:
    return text.tokenizer_for("char", ["ab"])


def _pairs() -> Any:
    return text.Pairs(["a", "b"], ["b", "a"])


def _encoded() -> Any:
    return text.encode_pairs(_pairs(), _tokenizer(), _tokenizer())


def _weights(*names: str) -> dict[str, Callable[[], Any]]:
    return {name: lambda: np.ones((3, 4), "f") for name in names}


def _of_first_model() -> Any:
    """The parameters that the first model takes, with which the methods that all share are called."""
    return MODELS["AttentionSeq2seq"].build().params


def _torch_module() -> Any:
    return exchange.to_torch(layers.TimeAffine(np.ones((2, 3), "f"), np.ones(3, "f")))


def _state(name: str) -> Callable[[], Any]:
    return lambda: MODELS[name].build().start(np.ones((2, 5, H) if name.startswith("Att") else (2, H), "f"))


def prepare(folder: Path) -> None:
    """Write the files that the valid arguments name into a folder."""
    checkpoint.save_arrays(folder / "arrays.npz", {"a": np.ones(3, "f")})
    checkpoint.save_book_pickle(folder / "book.pkl", _of_first_model())
    models.save_model(folder / "model.npz", models.Rnnlm(V, H, H))
    if "save_safetensors" not in LEFT_OUT:
        exchange.save_safetensors(folder / "model.safetensors", models.Rnnlm(V, H, H))
    if "save_torch" not in LEFT_OUT:
        import torch  # noqa: PLC0415 # pyright: ignore[reportMissingImports]

        # As a module of one's own writes it: what it holds must be said.
        module = exchange.to_torch(MODELS["AttentionSeq2seq"].build())
        torch.save(dict(module.state_dict()), folder / "model.pt")
    (folder / "sums.txt").write_text("1+1_2\n2+2_4\n" * 10, encoding="utf-8")
    (folder / "text.txt").write_text("a b c\n" * 30, encoding="utf-8")
    (folder / "pairs.tsv").write_text("a\tb\nc\td\n", encoding="utf-8")
    _tokenizer().save(folder, "source")
    for part in ("train", "valid", "test"):
        (folder / f"ptb.{part}.txt").write_text("a b c\n", encoding="utf-8")


_SETTINGS = models.EncoderDecoderSettings(V, V, H, H)

_OPTIONS = generation.GenerationOptions(start_id=1, max_length=3)
_ANSWER = generation.Answer([1], -0.1, -0.1, np.full(1, -0.1), False, np.ones((1, 2)))

VALUES: dict[str, Callable[[], Any]] = {
    "options": lambda: _OPTIONS, "answer": lambda: _ANSWER, "unk_id": lambda: 1,
    "source_words": lambda: ["a", "b"],
    **{name: (lambda value=value: value) for name, value in _SETTINGS.as_dict().items()},
    "settings": lambda: _SETTINGS,
    **_weights("W", "Wx", "Wh", "Wx1", "Wh1", "Wx2", "Wh2"), **_weights("b", "b1", "b2"),
    "a": lambda: np.ones(3, "f"), "actual": lambda: np.ones(3), "align": lambda: "left",
    "analytic": lambda: np.ones(3), "arrays": lambda: {"a": np.zeros(3)}, "backend": lambda: "numpy",
    "base_url": lambda: "file:///nowhere", "batch": lambda: IDS, "batch_size": lambda: 1, "beta1": lambda: 0.9,
    "beta2": lambda: 0.9, "char_to_id": lambda: {"a": 0, "b": 1, " ": 2}, "correct": lambda: IDS[:1],
    "corpus": lambda: np.arange(20) % V, "count": lambda: 3, "data_type": lambda: "train", "decay_rate": lambda: 0.9,
    "desired": lambda: np.ones(3), "directory": Path, "dout": lambda: np.ones((2, 3)), "dropout_ratio": lambda: 0.5,
    "dtype": lambda: "float32", "enc_hs": lambda: np.ones((2, 5, H), "f"), "eps": lambda: 1e-5,
    "eval_interval": lambda: 1, "extra": dict, "file": io.StringIO, "file_name": lambda: "book.pkl",
    "function": lambda: lambda: 0.0, "gradients": lambda: {"a": np.zeros(3)}, "grads": lambda: [np.ones(3, "f")],
    "guess": lambda: "a", "h": lambda: np.ones((2, H), "f"), "hidden_size": lambda: H,
    "id_to_char": lambda: dict(enumerate("abcdefghijklmnopq")), "ids": lambda: np.array([1, 2]),
    "inputs": lambda: [np.ones((2, 2))], "is_reverse": lambda: False, "keep_previous": lambda: True,
    "layer": _affine, "length": lambda: 4, "level": lambda: "word", "locales": lambda: ("en",), "lr": lambda: 0.1,
    "mark": lambda: "_", "mask": lambda: None, "max_bytes": lambda: 10**6, "max_epoch": lambda: 1,
    "max_grad": lambda: 1.0, "max_len": lambda: 3, "max_norm": lambda: 1.0, "meta": dict, "model": Model,
    "momentum": lambda: 0.9, "name": lambda: "numpy", "named": lambda: True, "names": list,
    "nonfinite": lambda: "raise", "norm": lambda: 2.0, "numeric": lambda: np.ones(3), "on_step": lambda: None,
    "opener": lambda: None, "optimizer": optimizers.SGD, "origin": lambda: "the list", "pad": lambda: " ",
    "pad_id": lambda: 0, "params": lambda: [np.ones(3, "f")], "path": lambda: "new.npz",
    "path_or_name": lambda: "sums.txt", "progress": lambda: None, "question": lambda: IDS[:1],
    "partial_batches": lambda: False,
    "reverse": lambda: True, "rng": lambda: 1, "rows": lambda: [[1, 2], [3]], "scale": lambda: 1.0,
    "scores": lambda: np.zeros((2, V), "f"), "seed": lambda: 1, "side": lambda: "left", "skip_ids": lambda: [1],
    "start_ids": lambda: np.array([1, 2]), "state": lambda: None, "stateful": lambda: False, "step": lambda: _step,
    "stop_id": lambda: 1, "t": lambda: np.zeros(2, int), "temperature": lambda: 0.5, "test_fraction": lambda: 0.1,
    "text": lambda: "ab", "time_size": lambda: 2, "tolerance": lambda: 1e-3, "ts": lambda: IDS,
    "valid_fraction": lambda: 0.1, "verbos": lambda: False, "verbose": lambda: False,
    "vocab_size": lambda: V, "word_to_id": lambda: {"a": 0, "<unk>": 1}, "wordvec_size": lambda: H,
    "x": lambda: np.ones((2, 3)), "xs": lambda: IDS, "y": lambda: np.ones((2, 3)), "ylim": lambda: (0, 1),
    "characters": lambda: ["a", "b"], "words": lambda: ["a", "b"], "column": lambda: 0, "duplicates": lambda: 1,
    "empty": lambda: 1, "encoded": _encoded, "encoding": lambda: "utf-8", "folder": lambda: ".",
    "format": lambda: "tsv", "header": lambda: ("a", "b"), "hypotheses": lambda: ["a", "b"], "jamo": lambda: False,
    "backwards": lambda: False, "target_backwards": lambda: False,
    "keep_empty": lambda: False, "kind": lambda: "char", "lower": lambda: False, "lowercase": lambda: False,
    "max_line": lambda: 100, "max_rows": lambda: 2, "max_size": lambda: 10, "max_source": lambda: 3,
    "max_target": lambda: 3, "min_count": lambda: 1, "nats": lambda: 1.0, "number": lambda: 0, "pairs": _pairs,
    "prepared": lambda: 0, "references": lambda: ["a", "b"], "shared": lambda: False,
    "source_column": lambda: 0, "source_tokenizer": _tokenizer, "sources": lambda: ["a"],
    "target_column": lambda: 1, "target_path": lambda: None, "target_tokenizer": _tokenizer,
    "targets": lambda: ["b"], "test": lambda: 0.1, "texts": lambda: ["a", "b"], "tokenize": lambda: "13a",
    "tokenizer": _tokenizer, "tokens": lambda: 20, "too_long": lambda: "cut", "unique": lambda: False,
    "unknown": lambda: "?",
    "validation": lambda: 0.1, "word_order": lambda: 0, "input_size": lambda: 3,
    "output_size": lambda: 2, "width": lambda: 3, "projected": lambda: True, "freeze": lambda: True,
    "picture": lambda: (3, 8, 8), "values": lambda: np.ones((2, 3, 1)), "lengths": lambda: np.array([1, 3]),
    **_weights("gamma", "beta"), "running_mean": lambda: None, "running_var": lambda: None, "stride": lambda: 1,
    "pool_h": lambda: 2, "pool_w": lambda: 2,
    "schedule": lambda: None, "accumulate": lambda: 2, "average": lambda: 0.9, "weight_decay": lambda: 0.1,
    "checkpoint": lambda: None, "checkpoint_every": lambda: None, "warmup": lambda: 3, "divisor": lambda: 4.0,
    "patience": lambda: 2, "larger_is_better": lambda: True, "steps": lambda: 9, "least": lambda: 0.0,
    "decay": lambda: 0.9, "value": lambda: 1.5,
}  # fmt: skip
_WRITERS = ("save_model", "save_safetensors", "save_torch", "to_onnx")
#: Where a name means something else.
OTHERWISE: dict[str, Callable[[], Any]] = {
    "FrameEncoderDecoder settings": lambda: _SETTINGS, "PictureEncoderDecoder filters": lambda: (3, V),
    "PictureEncoderDecoder.features xs": lambda: np.ones((2, 6, SIZES["D"]), "f"),
    "start xs": lambda: IDS, "Frames.of rows": lambda: [np.ones((2, 3))],
    "NeuralTuringMachine rows": lambda: 4, "NeuralTuringMachine.scores xs": lambda: np.ones((1, 2, SIZES["D"]), "f"),
    "NeuralTuringMachine.watch xs": lambda: np.ones((1, 2, SIZES["D"]), "f"),
    "make_schedule name": lambda: "cosine", "rate step": lambda: 3,
    "Convolution pad": lambda: 1, "Pooling pad": lambda: 0,
    "BatchNormalization gamma": lambda: np.ones(3, "f"), "BatchNormalization beta": lambda: np.ones(3, "f"),
    "step x": lambda: np.ones((2, SIZES["D"]), "f"),
    "load_arrays path": lambda: "arrays.npz", "load_book_pickle path": lambda: "book.pkl",
    "load_model path": lambda: "model.npz", "load_text path": lambda: "text.txt",
    "load_text tokens": lambda: "char", "load_text format": lambda: "lines",
    "load_data file_name": lambda: "sums.txt", "save_params file_name": lambda: "new.pkl",
    "load_torch path": lambda: "model.pt", "load_torch name": lambda: None,
    "load_safetensors path": lambda: "model.safetensors", "to_onnx path": lambda: "new.onnx",
    "model_of_params params": _of_first_model, "model_of_params name": lambda: "attention-seq2seq",
    "to_torch what": MODELS["AttentionSeq2seq"].build, "from_torch module": _torch_module,
    **{f"{name} model": lambda: models.Rnnlm(V, H, H) for name in _WRITERS},
    "set_params arrays": _of_first_model,
    "RnnlmTrainer.fit xs": IDS.ravel, "RnnlmTrainer.fit ts": IDS.ravel,
    "get_batch x": IDS.ravel, "get_batch t": IDS.ravel, "question": lambda: "a",
    "print_answer question": lambda: "a", "print_answer correct": lambda: "b", "encode xs": lambda: IDS,
    "eval_perplexity corpus": lambda: np.arange(20) % V, "unpad pad_id": lambda: 0,
    **{f"{name}.step state": _state(name) for name in ("Decoder", "PeekyDecoder", "AttentionDecoder")},
    "EncoderDecoder.step state": lambda: MODELS["EncoderDecoder"].build().start(IDS),
    "read_pairs path": lambda: "pairs.tsv",
    "read_texts path": lambda: "text.txt", "read_texts format": lambda: "lines",
    "statistics rows": _pairs, "Pairs.select rows": lambda: [0], "Texts.select rows": lambda: [0],
    "load_tokenizer name": lambda: "source", "save name": lambda: "new",
    "Pairs origin": lambda: "", "Texts origin": lambda: "",
    "replace_unknown words": lambda: ["?"], "generate model": MODELS["EncoderDecoder"].build,
    **{f"GenerationOptions {name}": (lambda value=value: value) for name, value in vars(_OPTIONS).items()},
    "exact_answers ts": lambda: IDS[:, :1].repeat(4, 1) * 0 + 1,
}  # fmt: skip


TEXTS: dict[str, Callable[[], Any]] = {
    "Pairs": _pairs,
    "Texts": lambda: text.Texts(["a", "b"]),
    "Batches": lambda: text.Batches(_encoded(), prepared=0),
    "CharacterTokenizer": _tokenizer,
    "WordTokenizer": lambda: text.tokenizer_for("word", ["a b"]),
}


SCHEDULES: dict[str, Callable[[], Any]] = {
    "Constant": lambda: schedules.Constant(0.1), "Plateau": lambda: schedules.Plateau(0.1),
    "InverseRoot": lambda: schedules.InverseRoot(0.1), "Cosine": lambda: schedules.Cosine(0.1, 9),
    "OneCycle": lambda: schedules.OneCycle(0.1, 9), "EarlyStopping": lambda: schedules.EarlyStopping(2),
    "WeightAverage": schedules.WeightAverage,
}  # fmt: skip


def value(call: str, argument: str) -> Any:
    """Return a fresh valid value."""
    keys = (f"{call} {argument}", f"{call.rpartition('.')[2]} {argument}")
    for key in keys:
        if key in OTHERWISE:
            return OTHERWISE[key]()
    return VALUES[argument]()


def _names(function: Any) -> list[str]:
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [p.name for p in inspect.signature(function).parameters.values() if p.kind not in kinds]


def _public(module: Any) -> list[str]:
    home = "fasts2s.backend" if module is fasts2s else module.__name__  # the drop-in has tests of its own
    found = {n: v for n, v in vars(module).items() if getattr(v, "__module__", "").startswith(home) and callable(v)}
    return [name for name in getattr(module, "__all__", found) if name in found and not name.startswith("_")]


def _built(name: str) -> Callable[[], Any]:
    record = LAYERS.get(name) or MODELS.get(name)
    if record is not None:
        return record.build
    if name in TEXTS:
        return TEXTS[name]
    if name in ("Trainer", "RnnlmTrainer"):
        return lambda: getattr(trainer, name)(Model(), optimizers.SGD())
    if name == "Backend":
        return lambda: fasts2s.Backend("numpy")
    if name in SCHEDULES:
        return SCHEDULES[name]
    return getattr(optimizers, name)


def _of_class(name: str, cls: type) -> Iterator[Call]:
    extra = ["nonfinite", "on_step", "schedule", "accumulate", "average"] if name.endswith("Trainer") else []
    yield Call(name, lambda: cls, _names(cls) + extra)
    for method in sorted(set(dir(cls)) - ELSEWHERE) if name != "Backend" else ():  # layers call those
        if not method.startswith("_") and inspect.isfunction(inspect.getattr_static(cls, method)):
            function = getattr(cls, method)
            names = _names(function)[1:]
            if (
                names and function not in _seen and f"{name}.{method}" not in LEFT_OUT
            ):  # what all models share is called once
                _seen.add(function)
                yield Call(f"{name}.{method}", lambda m=method: getattr(_built(name)(), m), names)


_seen: set[Any] = set()


def _calls() -> Iterator[Call]:
    """Every public function, constructor and method that takes an argument."""
    for module in MODULES:
        for name in _public(module):
            found = getattr(module, name)
            if inspect.isclass(found) and name not in RECORDS_OF_RESULTS:
                yield from _of_class(name, found)
            elif inspect.isfunction(found) and _names(found) and name not in LEFT_OUT:
                yield Call(name, lambda f=found: f, _names(found))


CALLS = list(_calls())

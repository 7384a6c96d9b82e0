"""What is replaced by what: every class and function of the book that has a faster one here.

The methods of our layers are written so that they work on the book's objects: they touch only attributes that the
book's class has, beside ``backend`` and what :mod:`fasts2s.dropin.replace.beside` keeps.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from fasts2s import layers, optimizers
from fasts2s._text_batches import next_batch
from fasts2s.dropin.book import functions as book_functions
from fasts2s.dropin.book import layers as book_layers
from fasts2s.dropin.book import texts as book_texts
from fasts2s.dropin.book import word_layers, word_vectors

Method = Callable[..., Any]


@dataclass(frozen=True)
class Target:
    """One class of the book.

    Attributes
    ----------
    name : str
        Of the class.
    home : str
        Last part of the name of its module: a chapter's file may be loaded as ``seq2seq`` and as ``ch07.seq2seq``.
    methods : dict of str to function
        What is put in the place of its methods.
    state : tuple of str
        Attributes that a forward changes.
    made_on_read : tuple of str
        Attributes that the book's forward sets and ours does not.
    owed : tuple of str
        Attributes that the book's generate sets and ours does not, see :mod:`fasts2s.dropin.replace.owed`.
    copies : bool
        Whether ours copies what the book keeps by reference.
    read_back : tuple of str
        Attributes with arrays of the last step, which the book's backward reads.
    keeps_weights : tuple of str
        Parts ("" for itself) whose layers of single steps keep the weights that they were made with.
    after_backward : function or None
        obj, what ours kept, names in made_on_read -> None: what the book's backward changes of what its forward left.
    made_of : tuple of str
        Layers that forward runs as one.
    layers : tuple of str
        Where its layers are, and those of its parts: where one is nothing of ours, its own code runs.
    state_of_parts : tuple of str
        Their attributes that it changes.
    ready : function or None
        obj -> why this object cannot run ours, or "".
    parts : tuple
        What makes the object that the attribute ``_reader`` stands for, and the names of what it is made of.
    needs_no_kernels : bool
        Whether ours calls none.
    aside : tuple of (str, value)
        Attributes of ours that a reader's class has not, and what they are at first: they lie beside the object.
    loops : dict of str to (prepare, run)
        Methods that run a loop of the script's whole work, see :func:`fasts2s.dropin.replace.wrappers.loop`.
    plain_ids : bool
        Of a decoder, whether its answers are lists of Python's integers, as those of NumPy print otherwise.
    on_host : bool
        Whether ours is for arrays of the host alone: in the book's GPU mode it is not looked at.
    any_gradient : bool
        Whether ours answers as the book does where the gradient has another dtype than what forward returned.
    widened : tuple of str
        Attributes that have the dtype of the gradient where that is wider.
    passed : tuple of str
        Methods that a loop goes past: they must be the book's, though nothing stands in their place. The constructor
        is none of them: the loop looks at what it has made.
    """

    name: str
    home: str
    methods: dict[str, Method]
    state: tuple[str, ...] = ()
    made_on_read: tuple[str, ...] = ()
    owed: tuple[str, ...] = ()
    copies: bool = False
    read_back: tuple[str, ...] = ()
    keeps_weights: tuple[str, ...] = ()
    after_backward: Callable[[Any, Any, tuple[str, ...]], None] | None = None
    made_of: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    state_of_parts: tuple[str, ...] = ()
    ready: Callable[[Any], str] | None = None
    parts: tuple[Any, ...] = ()
    needs_no_kernels: bool = False
    aside: tuple[tuple[str, Any], ...] = ()
    loops: dict[str, tuple[Method, Method]] = field(default_factory=dict)
    plain_ids: bool = False
    on_host: bool = False
    any_gradient: bool = False
    widened: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()

    @property
    def members(self) -> tuple[str, ...]:
        """Names of all methods that are replaced; of a class that others go past, none."""
        return (*self.methods, *self.loops)

    @property
    def known_by(self) -> tuple[str, ...]:
        """Names of the methods that must be the book's."""
        return self.members or self.passed


@dataclass(frozen=True)
class FunctionTarget:
    """One function of the book.

    Attributes
    ----------
    ours : function or None
        None, without a loop: it stays, and who calls it is answered in batches, see
        :mod:`fasts2s.dropin.book.lookahead`.
    in_module : bool
        Ours takes the names of the book's module before the arguments, and its errors are the answer.
    loop : (prepare, run) or None
        In the place of ours, of a function that prints: see :func:`fasts2s.dropin.replace.wrappers.loop`.
    """

    name: str
    home: str
    ours: Method | None
    in_module: bool = False
    loop: tuple[Method, Method] | None = None

    @property
    def is_watched(self) -> bool:
        """Whether it stays, and the loop that calls it is what is faster."""
        return self.ours is None and self.loop is None


def methods_of(ours: type, *names: str) -> dict[str, Method]:
    """Return methods of a class of ours by their names."""
    return {name: vars(ours)[name] for name in names}


def _layer(ours: type, home: str, *state: str, **more: Any) -> Target:
    return Target(ours.__name__, home, methods_of(ours, "forward", "backward"), state, **more)


def _plain(name: str, home: str, **methods: Method) -> Target:
    return Target(name, home, methods)


def _passed(name: str, home: str) -> Target:
    return Target(name, home, {}, passed=("forward", "backward"), on_host=True)


_STEPS = ("layers",)
LAYERS = (
    _layer(layers.MatMul, "layers", "x"),
    _layer(layers.Affine, "layers", "x"),
    _layer(layers.Embedding, "layers", "idx", any_gradient=True),
    Target(
        "TimeRNN",
        "time_layers",
        book_layers.TIME_RNN,
        ("h",),
        _STEPS,
        copies=True,
        read_back=("h",),
        keeps_weights=("",),
        any_gradient=True,
    ),
    Target(
        "TimeLSTM",
        "time_layers",
        book_layers.TIME_LSTM,
        ("h", "c"),
        _STEPS,
        owed=("h", "c"),
        copies=True,
        read_back=("c",),
        keeps_weights=("",),
        any_gradient=True,
    ),
    Target(
        "TimeGRU",
        "time_layers",
        book_layers.TIME_GRU,
        ("h",),
        _STEPS,
        copies=True,
        keeps_weights=("",),
        any_gradient=True,
    ),
    Target("TimeEmbedding", "time_layers", book_layers.TIME_EMBEDDING, made_on_read=_STEPS, any_gradient=True),
    _layer(layers.TimeAffine, "time_layers", "x", owed=("x",)),
    Target(
        "TimeSoftmaxWithLoss",
        "time_layers",
        book_layers.TIME_SOFTMAX_WITH_LOSS,
        made_on_read=("cache",),
        after_backward=book_layers.loss_after_backward,
    ),
    Target(
        "TimeSigmoidWithLoss",
        "time_layers",
        book_layers.TIME_SIGMOID_WITH_LOSS,
        ("xs_shape",),
        _STEPS,
        copies=True,
    ),
)
TIME_ATTENTION = Target(
    "TimeAttention",
    "attention_layer",
    book_layers.TIME_ATTENTION,
    ("attention_weights",),
    _STEPS,
    ("attention_weights",),
    read_back=("attention_weights",),
)
#: Models, and the last parts of the names of their modules: see :mod:`fasts2s.dropin.replace.model_targets`.
_MODELS = {
    "Encoder": "seq2seq", "Decoder": "seq2seq", "Seq2seq": "seq2seq", "PeekyDecoder": "peeky_seq2seq",
    "AttentionEncoder": "attention_seq2seq", "AttentionDecoder": "attention_seq2seq", "RnnlmGen": "rnnlm_gen",
    "BetterRnnlmGen": "rnnlm_gen",
}  # fmt: skip
#: Chapter 4. Of most of them nothing is replaced: the loop goes past them.
WORDS = (
    _passed("SigmoidWithLoss", "layers"),
    Target(
        "UnigramSampler",
        "negative_sampling_layer",
        {"__init__": word_layers.sampler_init, "get_negative_sample": word_layers.get_negative_sample},
        needs_no_kernels=True,
        on_host=True,
    ),
    _passed("EmbeddingDot", "negative_sampling_layer"),
    _passed("NegativeSamplingLoss", "negative_sampling_layer"),
    _passed("CBOW", "cbow"),
    _passed("SkipGram", "skip_gram"),
)
OTHERS = (
    *(_plain(ours.__name__, "optimizer", **methods_of(ours, "update")) for ours in optimizers.OPTIMIZERS),
    Target("Trainer", "trainer", {}, loops={"fit": (word_vectors.prepare, word_vectors.run)}, on_host=True),
    Target("RnnlmTrainer", "trainer", {"get_batch": next_batch}, needs_no_kernels=True),
)
FUNCTIONS = (
    FunctionTarget("clip_grads", "util", book_functions.clip_grads),
    FunctionTarget("eval_seq2seq", "util", None),
    FunctionTarget("remove_duplicate", "trainer", optimizers.remove_duplicate),
    FunctionTarget("create_contexts_target", "util", book_texts.create_contexts_target),
    FunctionTarget("convert_one_hot", "util", book_texts.convert_one_hot),
    FunctionTarget("create_co_matrix", "util", book_texts.create_co_matrix),
    FunctionTarget("ppmi", "util", None, loop=(book_texts.ppmi_of, book_texts.say_progress)),
    FunctionTarget("most_similar", "util", None, loop=(book_texts.cosines_of, book_texts.say_most_similar)),
    FunctionTarget("_download", "ptb", book_functions.download, in_module=True),
)
#: Name of a class -> what is put in its place; without the models.
_TARGETS = {target.name: target for target in (*LAYERS, TIME_ATTENTION, *WORDS, *OTHERS)}
NAMES = (*_TARGETS, *_MODELS)
#: Last parts of the names of modules that hold something to replace.
HOMES = {*(t.home for t in _TARGETS.values()), *_MODELS.values(), *(t.home for t in FUNCTIONS)}
#: Those that are files of chapters; the others lie in the packages common and dataset.
CHAPTER_HOMES = {TIME_ATTENTION.home, *_MODELS.values(), *(t.home for t in WORDS)} - {"layers"}


def named(name: str) -> Target | None:
    """Return what is put in the place of a class of this name; None: nothing.

    Our models, which most scripts of the first chapters never need, are imported when one is asked for.
    """
    if name in _MODELS:
        found: Target = import_module("fasts2s.dropin.replace.model_targets").MODELS[name]
        return found
    return _TARGETS.get(name)


def every() -> Iterator[Target]:
    """Yield all targets."""
    for name in NAMES:
        target = named(name)
        assert target is not None  # for the type checker
        yield target

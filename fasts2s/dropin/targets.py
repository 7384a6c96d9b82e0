"""What is replaced by what: every class and function of the book that has a faster one here.

The methods of our layers are written so that they work on the book's objects: they touch only attributes that the
book's class has, beside ``backend`` and what :mod:`fasts2s.dropin.beside` keeps.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from fasts2s import layers, optimizers, trainer
from fasts2s.dropin import book_functions, book_layers, book_texts, word_layers, word_vectors
from fasts2s.dropin import book_models as book
from fasts2s.layers._embedded_lstm import EmbeddedLSTM
from fasts2s.models.attention_seq2seq import AttentionDecoder, AttentionEncoder
from fasts2s.models.peeky_seq2seq import PeekyDecoder
from fasts2s.models.seq2seq import Decoder, Encoder

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
        Attributes that the book's generate sets and ours does not, see :mod:`fasts2s.dropin.owed`.
    copies : bool
        Whether ours copies what the book keeps by reference.
    read_back : tuple of str
        Attributes with arrays of the last step, which the book's backward reads.
    after_backward : function or None
        obj, what ours kept, names in made_on_read -> None: what the book's backward changes of what its forward left.
    made_of : tuple of str
        Layers that forward runs as one.
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
        Methods that run a loop of the script's whole work, see :func:`fasts2s.dropin.wrappers.loop`.
    plain_ids : bool
        Of a decoder, whether its answers are lists of Python's integers, as those of NumPy print otherwise.
    on_host : bool
        Whether ours is for arrays of the host alone: in the book's GPU mode it is not looked at.
    """

    name: str
    home: str
    methods: dict[str, Method]
    state: tuple[str, ...] = ()
    made_on_read: tuple[str, ...] = ()
    owed: tuple[str, ...] = ()
    copies: bool = False
    read_back: tuple[str, ...] = ()
    after_backward: Callable[[Any, Any, tuple[str, ...]], None] | None = None
    made_of: tuple[str, ...] = ()
    state_of_parts: tuple[str, ...] = ()
    ready: Callable[[Any], str] | None = None
    parts: tuple[Any, ...] = ()
    needs_no_kernels: bool = False
    aside: tuple[tuple[str, Any], ...] = ()
    loops: dict[str, tuple[Method, Method]] = field(default_factory=dict)
    plain_ids: bool = False
    on_host: bool = False

    @property
    def members(self) -> tuple[str, ...]:
        """Names of all methods that are replaced; of a class that others go past, none."""
        return (*self.methods, *self.loops)


@dataclass(frozen=True)
class FunctionTarget:
    """One function of the book.

    Attributes
    ----------
    ours : function or None
        None: it stays, and the loop that calls it is answered in batches, see :mod:`fasts2s.dropin.lookahead`.
    in_module : bool
        Ours takes the names of the book's module before the arguments, and its errors are the answer.
    loop : (prepare, run) or None
        In the place of ours, of a function that prints: see :func:`fasts2s.dropin.wrappers.loop`.
    """

    name: str
    home: str
    ours: Method | None
    in_module: bool = False
    loop: tuple[Method, Method] | None = None


def _methods(ours: type, *names: str) -> dict[str, Method]:
    return {name: vars(ours)[name] for name in names}


def _layer(ours: type, home: str, *state: str, **more: Any) -> Target:
    return Target(ours.__name__, home, _methods(ours, "forward", "backward"), state, **more)


def _model(ours: type, home: str, ready: Callable[[Any], str], *made_of: str, **more: Method) -> Target:
    more_left = ("attention.attention_weights",) if "attention" in made_of else ()
    methods = _methods(ours, "forward", "backward") | more
    owed = ("hs",) if ours is Encoder else ()
    return Target(
        ours.__name__, home, methods, ready=ready, parts=(EmbeddedLSTM, "embed", "lstm"), copies=True, owed=owed,
        read_back=("lstm.c", *more_left), made_of=("embed", "lstm", *made_of),
        state_of_parts=("lstm.h", "lstm.c", *more_left),
    )  # fmt: skip


def _plain(name: str, home: str, ready: Callable[[Any], str] | None = None, **methods: Method) -> Target:
    return Target(name, home, methods, ready=ready)


_STEPS = ("layers",)
LAYERS = (
    _layer(layers.MatMul, "layers", "x"),
    _layer(layers.Affine, "layers", "x"),
    _layer(layers.Embedding, "layers", "idx"),
    _layer(layers.TimeRNN, "time_layers", "h", made_on_read=_STEPS, copies=True, read_back=("h",)),
    _layer(
        layers.TimeLSTM, "time_layers", "h", "c", made_on_read=_STEPS, owed=("h", "c"), copies=True, read_back=("c",)
    ),
    Target("TimeGRU", "time_layers", book_layers.TIME_GRU, ("h",), _STEPS, copies=True),
    Target("TimeEmbedding", "time_layers", book_layers.TIME_EMBEDDING, made_on_read=_STEPS),
    _layer(layers.TimeAffine, "time_layers", "x", owed=("x",)),
    Target(
        "TimeSoftmaxWithLoss",
        "time_layers",
        book_layers.TIME_SOFTMAX_WITH_LOSS,
        made_on_read=("cache",),
        after_backward=book_layers.loss_after_backward,
    ),
    _layer(layers.TimeSigmoidWithLoss, "time_layers", "xs_shape", made_on_read=_STEPS, copies=True),
)
CHAPTERS = (
    Target(
        "TimeAttention",
        "attention_layer",
        book_layers.TIME_ATTENTION,
        ("attention_weights",),
        _STEPS,
        ("attention_weights",),
        read_back=("attention_weights",),
    ),
    _model(Encoder, "seq2seq", book.encoder_ready),
    replace(_model(Decoder, "seq2seq", book.decoder_ready, "affine", generate=book.decoder_generate), plain_ids=True),
    _model(
        PeekyDecoder,
        "peeky_seq2seq",
        book.decoder_ready,
        "affine",
        forward=book.peeky_forward,
        generate=book.decoder_generate,
    ),
    _model(AttentionEncoder, "attention_seq2seq", book.encoder_ready),
    _model(
        AttentionDecoder,
        "attention_seq2seq",
        book.decoder_ready,
        "attention",
        "affine",
        generate=book.decoder_generate,
    ),
    _plain("Seq2seq", "seq2seq", book.seq2seq_ready, generate=book.seq2seq_generate),
    *(
        Target(name, "rnnlm_gen", {"generate": book.rnnlm_generate}, needs_no_kernels=True)
        for name in ("RnnlmGen", "BetterRnnlmGen")
    ),
)
#: Chapter 4. Of most of them nothing is replaced: the loop goes past them.
WORDS = (
    Target("SigmoidWithLoss", "layers", {}, on_host=True),
    Target(
        "UnigramSampler",
        "negative_sampling_layer",
        {"__init__": word_layers.sampler_init, "get_negative_sample": word_layers.get_negative_sample},
        needs_no_kernels=True,
        on_host=True,
    ),
    Target("EmbeddingDot", "negative_sampling_layer", {}, on_host=True),
    Target("NegativeSamplingLoss", "negative_sampling_layer", {}, on_host=True),
    Target("CBOW", "cbow", {}, on_host=True),
    Target("SkipGram", "skip_gram", {}, on_host=True),
)
OTHERS = (
    *(_plain(ours.__name__, "optimizer", **_methods(ours, "update")) for ours in optimizers.OPTIMIZERS),
    Target("Trainer", "trainer", {}, loops={"fit": (word_vectors.prepare, word_vectors.run)}, on_host=True),
    Target("RnnlmTrainer", "trainer", _methods(trainer.RnnlmTrainer, "get_batch"), needs_no_kernels=True),
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
#: Last part of a module's name -> what it may hold.
CLASSES: dict[str, list[Target]] = {}
for _target in (*LAYERS, *CHAPTERS, *WORDS, *OTHERS):
    CLASSES.setdefault(_target.home, []).append(_target)
#: Name of a class -> what is put in its place.
TARGETS = {target.name: target for home in CLASSES.values() for target in home}
HOMES = {*CLASSES, *(t.home for t in FUNCTIONS)}
#: Those that are files of chapters; the others lie in the packages common and dataset.
CHAPTER_HOMES = {t.home for t in (*CHAPTERS, *WORDS)} - {"layers"}

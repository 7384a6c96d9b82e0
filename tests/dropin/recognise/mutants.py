"""Mutants of the plain layers, made in the syntax tree; and a judge that runs classes and compares numbers.

The judge shares nothing with the product: it runs calls on a class, and what two classes leave is the same or not.
"""

import ast
import copy
import linecache
import sys
from itertools import count
from types import ModuleType

import numpy as np

from tests.dropin.recognise import word_judge

#: Class of the plain layers -> what its mutants are made in.
PARTS = {
    "TimeRNN": ("TimeRNN", "RNN"),
    "TimeLSTM": ("TimeLSTM", "LSTM", "sigmoid"),
    "TimeEmbedding": ("TimeEmbedding", "Embedding"),
    "TimeAffine": ("TimeAffine",),
    "TimeSoftmaxWithLoss": ("TimeSoftmaxWithLoss", "softmax"),
    "TimeAttention": ("TimeAttention", "Attention", "Softmax", "softmax"),
    "Encoder": ("Encoder",),
    "Decoder": ("Decoder",),
    "Seq2seq": ("Seq2seq",),
    "AttentionEncoder": ("AttentionEncoder",),
    "AttentionDecoder": ("AttentionDecoder",),
    "SigmoidWithLoss": ("SigmoidWithLoss", "cross_entropy", "sigmoid"),
    "EmbeddingDot": ("EmbeddingDot",),
    "UnigramSampler": ("UnigramSampler",),
    "NegativeSamplingLoss": ("NegativeSamplingLoss",),
    "CBOW": ("CBOW",),
    "SkipGram": ("SkipGram",),
    "Trainer": ("Trainer",),
    "ppmi": ("ppmi",),
}
MODELS = ("Encoder", "Decoder", "Seq2seq", "AttentionEncoder", "AttentionDecoder")
#: Of ``plain_words.py``.
WORDS = ("SigmoidWithLoss", "EmbeddingDot", "UnigramSampler", "NegativeSamplingLoss", "CBOW", "SkipGram", "Trainer")
WORDS += ("ppmi",)
_OTHER = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add,), ast.Mult: (ast.Add, ast.Div), ast.Div: (ast.Mult,),
    ast.Or: (ast.And,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.NotEq: (ast.Eq,), ast.Eq: (ast.NotEq,),
}  # fmt: skip
_numbers = count()


def mutants(text, name):
    """Return (what, text) of all mutants of a class, in a fixed order."""
    tree = ast.parse(text)
    found = []
    for part in PARTS[name]:
        where = next(k for k, node in enumerate(tree.body) if getattr(node, "name", "") == part)
        for k, node in enumerate(ast.walk(tree.body[where])):
            for number, (what, change) in enumerate(_changes(node, tree.body[where])):
                del change
                found.append((f"{part}, line {getattr(node, 'lineno', '?')}: {what}", (where, k, number)))
    return [(what, _made(text, *place)) for what, place in found]


def twice(text, name, rng, number):
    """Return (what, text) of so many mutants with two changes."""
    once, found = mutants(text, name), {}
    while len(found) < number:
        what, first = rng.choice(once)
        try:
            also, second = rng.choice(mutants(first, name))
        except (SyntaxError, IndexError):  # a body without a statement is none
            continue
        found[second] = f"{what}; {also}"
    return [(what, second) for second, what in found.items()]


def _made(text, where, k, number):
    tree = ast.parse(text)
    node = list(ast.walk(tree.body[where]))[k]
    _, change = list(_changes(node, tree.body[where]))[number]
    change()
    return ast.unparse(ast.fix_missing_locations(tree))


def _changes(node, inside):
    """Yield (what, function that makes it) of all changes of one node."""
    for kind in _OTHER.get(type(getattr(node, "op", None)), ()):
        if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp):
            yield f"{type(node.op).__name__} becomes {kind.__name__}", lambda kind=kind: setattr(node, "op", kind())
    if isinstance(node, ast.Compare):
        for kind in _OTHER.get(type(node.ops[0]), ()):
            yield f"becomes {kind.__name__}", lambda kind=kind: node.ops.__setitem__(0, kind())
    if isinstance(node, ast.BinOp):
        yield "sides exchanged", lambda: _exchange(node)
    if isinstance(node, ast.Constant) and type(node.value) is int:
        for other in (node.value + 1, node.value - 1):
            yield f"{node.value} becomes {other}", lambda other=other: setattr(node, "value", other)
    if isinstance(node, ast.Constant) and type(node.value) in (float, bool):
        other = not node.value if type(node.value) is bool else 2 * node.value
        yield f"{node.value} becomes {other}", lambda: setattr(node, "value", other)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name):
        yield "the one before", lambda: setattr(node, "slice", ast.BinOp(node.slice, ast.Sub(), ast.Constant(1)))
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Name | ast.BinOp | ast.Call):
        yield "twice of it", lambda: setattr(node, "value", ast.BinOp(ast.Constant(2), ast.Mult(), node.value))
        yield "a copy of it", lambda: setattr(node, "value", _copied(node.value))
        yield "once of it", lambda: setattr(node, "value", ast.BinOp(node.value, ast.Mult(), ast.Constant(1)))
    if isinstance(node, ast.UnaryOp):
        yield "a sign dropped", lambda: _become(node, node.operand)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield "not transposed", lambda: _become(node, node.value)
    if isinstance(node, ast.Attribute) and node.attr in {"h", "c", "dh"}:
        yield (
            f"{node.attr} becomes {'c' if node.attr == 'h' else 'h'}",
            lambda: setattr(node, "attr", "c" if node.attr == "h" else "h"),
        )
    if isinstance(node, ast.Call):
        yield from _calls(node)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and not isinstance(inside, ast.FunctionDef):
        yield from _names(node, inside)
    if isinstance(node, ast.FunctionDef | ast.For | ast.If):
        yield from _statements(node)
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.Subscript | ast.Attribute):
        yield "a copy", lambda: setattr(node, "value", _copied(node.value))
    if isinstance(node, ast.AugAssign):
        yield (
            "not in place",
            lambda: _become(node, ast.Assign([node.target], ast.BinOp(_loaded(node.target), node.op, node.value))),
        )
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and isinstance(node.targets[0], ast.Name):
        yield "times one", lambda: setattr(node, "value", ast.BinOp(node.value, ast.Mult(), ast.Constant(1)))
    if isinstance(node, ast.Assign) and _fills(node.targets[0]):
        yield "a new array", lambda: node.targets.__setitem__(0, node.targets[0].value)
        yield "added up", lambda: _become(node, ast.AugAssign(node.targets[0].value, ast.Add(), node.value))


def _fills(target):
    whole = isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant) and target.slice.value is ...
    if whole:
        target.value.ctx = ast.Store()
    return whole


def _exchange(node):
    node.left, node.right = node.right, node.left


def _become(node, other):
    fields = {name: getattr(other, name) for name in other._fields}
    node.__class__ = type(other)
    vars(node).update(fields)


def _copied(value):
    return ast.Call(ast.Attribute(ast.Name("np", ast.Load()), "copy", ast.Load()), [value], [])


def _loaded(target):
    found = copy.deepcopy(target)
    found.ctx = ast.Load()
    return found


def _calls(node):
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if len(node.args) > 1:
        yield "arguments exchanged", lambda: node.args.__setitem__(slice(0, 2), node.args[1::-1])
    if name == "reversed":
        yield "not reversed", lambda: _become(node, node.args[0])
    other = {"tanh": "sin", "exp": "expm1", "sum": "mean", "sigmoid": "tanh", "zeros": "ones", "zeros_like": "copy"}
    if name in other and isinstance(node.func, ast.Attribute):
        yield f"{name} becomes {other[name]}", lambda: setattr(node.func, "attr", other[name])
    for keyword in list(node.keywords):
        if keyword.arg in {"dtype", "keepdims", "axis", "replace", "size", "p", "power"}:
            yield f"without {keyword.arg}", lambda keyword=keyword: node.keywords.remove(keyword)


def _names(node, inside):
    function = next((f for f in ast.walk(inside) if isinstance(f, ast.FunctionDef) and node in ast.walk(f)), None)
    if function is None:
        return
    bound = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    if node.id in bound:
        names = sorted(bound - {node.id})
        for other in names[:: max(1, len(names) // 2)]:
            yield f"{node.id} becomes {other}", lambda other=other: setattr(node, "id", other)


def _statements(node):
    for k in range(len(node.body)):
        if len(node.body) > 1:
            yield f"statement {k} left out", lambda k=k: node.body.pop(k)
        if k + 1 < len(node.body):
            yield (
                f"statements {k} exchanged",
                lambda k=k: node.body.__setitem__(slice(k, k + 2), node.body[k : k + 2][::-1]),
            )


# ---- the judge ----------------------------------------------------------------------------------------------------


def module_of(text):
    """Return a module with a text, as if it had been imported from a file of its own."""
    number = next(_numbers)
    name = f"mutant_{number}"
    file = f"/nowhere/{name}.py"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    module = ModuleType(name)
    module.__file__ = file
    sys.modules[name] = module
    exec(compile(text, file, "exec"), vars(module))
    return module


def forget(module):
    """Forget a module of :func:`module_of`."""
    linecache.cache.pop(module.__file__, None)
    del sys.modules[module.__name__]


def behaviour(kind, name):
    """Return what a sequence of calls on a class leaves: values, dtypes, errors."""
    if name in WORDS:
        return word_judge.behaviour(kind, name)
    found = []
    with np.errstate(all="ignore"):
        for seed, (N, T, D, H) in enumerate(((4, 6, 5, 3), (1, 2, 7, 9), (5, 1, 4, 2), (3, 9, 2, 8))):
            for dtype in ("f", "d"):
                for way in range(4):
                    try:
                        (_model_sequence if name in MODELS else _sequence)(
                            kind, name, np.random.default_rng(100 + seed), (N, T, D, H), dtype, way, found
                        )
                    except Exception as error:
                        found.append((type(error).__name__, None))
    return found


def _sequence(kind, name, rng, sizes, dtype, way, found):
    N, T, D, H = sizes
    blocks = {"TimeRNN": 1, "TimeLSTM": 4}.get(name, 0)

    def draw(*shape):
        return rng.normal(size=shape).astype(dtype)

    weights = {
        "TimeEmbedding": [draw(H + 3, D)], "TimeAffine": [draw(D, H), draw(H)], "TimeSoftmaxWithLoss": [],
        "TimeAttention": [],
    }.get(name) or ([draw(D, blocks * H), draw(H, blocks * H), draw(blocks * H)] if blocks else [])  # fmt: skip
    layer = kind(*weights, *([way > 0] if blocks else []))

    def inputs(n):
        if name == "TimeEmbedding":
            return [rng.integers(0, H + 3, (n, T))]
        if name == "TimeSoftmaxWithLoss":
            labels = rng.integers(0, H, (n, T))
            labels[rng.random((n, T)) < 0.3] = -1
            labels[0, 0] = 0
            return [draw(n, T, H), labels]
        return [draw(n, T + 2, H), draw(n, T, H)] if name == "TimeAttention" else [draw(n, T, D)]

    def note(*values):
        for value in values:
            if isinstance(value, list | tuple):
                note(*value)
            elif isinstance(value, np.ndarray):
                found.append((f"{value.dtype}{value.shape}", value.copy()))
            else:
                found.append(
                    (
                        type(value).__name__ if value is None else "a number",
                        None if value is None else np.array(value, "f"),
                    )
                )

    def forward(n=N):
        given = inputs(n)
        note(layer.forward(*given), given)
        note(*[getattr(layer, a) for a in ("h", "c", "x", "attention_weights") if a in vars(layer)])
        return given

    def backward():
        out = {"TimeEmbedding": (N, T, D), "TimeSoftmaxWithLoss": ()}.get(name, (N, T, H))
        dout = draw(*out) if out else 0.7
        note(layer.backward(dout), dout, layer.grads, layer.params)
        note(*[getattr(layer, a) for a in ("dh",) if a in vars(layer)])

    lists = layer.params, layer.grads, *layer.grads
    given = forward()
    if way == 2:  # changed in place before backward
        for a in given:
            a[...] = a[::-1].copy()
    backward()
    if way == 3:
        backward()
        for p in weights:
            p += 0.05
    if blocks and way > 0:
        layer.set_state(*[draw(N, H) for _ in range(1 + (way > 1 and blocks == 4))])
        note(layer.h, getattr(layer, "c", None))
    forward()
    backward()
    if blocks:
        layer.reset_state()
        note(layer.h, getattr(layer, "c", None))
    kept = [a is b for a, b in zip(lists, (layer.params, layer.grads, *layer.grads), strict=True)]
    found.append((f"the same objects: {kept}", None))


def _model_sequence(kind, name, rng, sizes, dtype, way, found):
    N, T, D, H = sizes
    V = H + 4
    np.random.seed(1)
    model = kind(V, D, H)
    for p in model.params:
        p[...] = rng.normal(0, 0.7, p.shape)

    def note(value):
        if isinstance(value, list | tuple):
            for part in value:
                note(part)
        else:
            found.append(("None", None) if value is None else (f"array {np.shape(value)}", np.array(value, "f")))

    def ids(n, t):
        return rng.integers(0, V, (n, t))

    def context(n):
        shape = (n, T + 1, H) if name == "AttentionDecoder" else (n, H)
        return rng.normal(0, 0.7, shape).astype("f")

    def generate():
        if name == "Seq2seq":
            note([int(i) for i in model.generate(ids(1, T), 1, T + 2)])
        elif "Decoder" in name:
            note([int(i) for i in model.generate(context(1), 1, T + 2)])
            note(model.lstm.h)

    if way % 2:
        generate()
    for turn in range(2):
        encoder = "Encoder" in name
        given = [ids(N, T)] if encoder else [ids(N, T), ids(N, T + 1) if name == "Seq2seq" else context(N)]
        note(model.forward(*given))
        if way == 2 and turn == 0:
            for a in given:
                a[...] = a[::-1].copy()
        tail = {"Encoder": (N, H), "AttentionEncoder": (N, T, H), "Seq2seq": ()}.get(name, (N, T, V))
        note(model.backward(*([rng.normal(size=tail).astype("f")] if tail else [])))
        note(model.grads)
        if turn == 0 and way == 3:
            generate()
            for p in model.params:
                p += 0.05
    for part in ("lstm", "encoder", "decoder"):
        held = getattr(model, part, None)
        if held is not None:
            note(getattr(held, "h", None))
    generate()


def alike(one, other, loss=False):
    """Return whether two behaviours are the same; a loss that is not finite, and what follows it, does not count."""
    if len(one) != len(other):
        return False
    for (kind, a), (same, b) in zip(one, other, strict=True):
        if kind != same:
            return False
        if a is None or (loss and not np.isfinite(a).all()):
            continue
        if a.dtype.kind == "f":
            most = 1e-4 if a.dtype == "f" else 1e-9
            largest = np.abs(a[np.isfinite(a)]).max(initial=0) + 1e-30
            if not np.allclose(a, b, rtol=most, atol=most * largest, equal_nan=True):
                return False
        elif not np.array_equal(a, b):
            return False
    return True

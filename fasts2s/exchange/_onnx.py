"""Models as graphs in ONNX: the encoder, and one step of the decoder; of a language model one step."""

from pathlib import Path
from typing import Any

import numpy as np

from fasts2s.backend import to_cpu
from fasts2s.exchange._files import write_octets
from fasts2s.exchange._form import Form, form_of
from fasts2s.exchange._onnx_graph import Graph
from fasts2s_kernels.checks.arguments import as_path


def to_onnx(model: Any, path: str | Path) -> list[Path]:
    """Write a model as graphs in ONNX, opset 17, float32; return the files.

    Parameters
    ----------
    model : a language model, Seq2seq or its kin, EncoderDecoder
        All cells and settings. Padding stands on the right, where there is any.
    path : file ending in ``.onnx``
        A language model is one graph: ``ids`` (N,) and the state ``h_0``, ``c_0``, ... (N, H), zero at first, give
        ``scores`` (N, V) and the next state, ``h_0_next``, ... Others are two files, NAME.encoder.onnx and
        NAME.step.onnx: what the encoder makes of ``xs`` (N, S), the step takes beside ``ids``.

    Raises
    ------
    ImportError
        onnx is not installed.
    ValueError
        A model of another class; another ending.
    OSError
        A file cannot be written.
    """
    file, form = as_path("path", path), form_of(model)
    if file.suffix != ".onnx":
        raise ValueError(f"path is {str(file)!r}, expected a name that ends in .onnx")
    params: list[Any] = [to_cpu(p) for p in model.params]
    if not form.source_size:
        graphs = {file: _step(form, params)}
    else:
        first = 1 + form.layers * (6 if form.bidirectional else 3)
        graphs = {file.with_suffix(".encoder.onnx"): _encoder(form, params[:first])}
        graphs[file.with_suffix(".step.onnx")] = _step(form, params[first:])
    for one, graph in graphs.items():
        write_octets(one, graph.content())
    return list(graphs)


def state_names(form: Form) -> list[str]:
    """Return the names of the state that moves: of every layer."""
    kinds = ("h", "c") if form.cell == "lstm" else ("h",)
    return [f"{kind}_{k}" for k in range(form.layers) for kind in kinds]


def _encoder(form: Form, params: list[Any]) -> Graph:
    g = Graph("encoder")
    xs = g.input("xs", ["N", "S"], "INT64")
    pad = -1 if form.pad is None else form.pad  # no id is -1
    mask = g.node("Not", g.node("Equal", xs, g.constant(pad, np.int64)))
    lengths = g.node("ReduceSum", g.node("Cast", mask, to=g.onnx.TensorProto.INT64), g.integers(1), keepdims=0)
    short = g.node("Cast", lengths, to=g.onnx.TensorProto.INT32)
    if form.reverse:
        xs = _turned(g, xs, lengths, 0)
    out = g.node("Transpose", g.node("Gather", g.constant(params[0]), xs), perm=[1, 0, 2])
    at, states = 1, []
    for k in range(form.layers):
        below = out
        out, state = g.recurrent(form.cell, below, params[at : at + 3], [], short)
        at += 3
        if form.bidirectional:
            back, other = g.recurrent(form.cell, _turned(g, below, lengths, 1), params[at : at + 3], [], short)
            out = g.node("Concat", out, _turned(g, back, lengths, 1), axis=2)
            state = [g.node("Concat", a, b, axis=1) for a, b in zip(state, other, strict=True)]
            at += 3
        out = g.node("Add", out, below) if k and form.residual else out
        states.append(state)
    H = form.hidden_size
    for name, tensor in zip(state_names(form), [s for state in states for s in state], strict=True):
        passed = form.bridge == "hc" or name[0] == "h"
        g.output(name, tensor if passed else g.node("Sub", tensor, tensor), ["N", H])
    if form.peeky:
        g.output("top", states[-1][0], ["N", H])
    if form.attention != "none":
        g.output("enc_hs", g.node("Transpose", out, perm=[1, 0, 2]), ["N", "S", H])
        g.output("mask", mask, ["N", "S"], "BOOL")
    if form.fed_size:
        g.output("fed", g.affine(states[0][0], np.zeros((H, form.fed_size))), ["N", form.fed_size])
    return g


def _turned(g: Graph, x: str, lengths: str, batch_axis: int) -> str:
    """Return x with what is no padding in the opposite order."""
    return g.node("ReverseSequence", x, lengths, batch_axis=batch_axis, time_axis=1 - batch_axis)


def _step(form: Form, params: list[Any]) -> Graph:
    g, H = Graph("step"), form.hidden_size
    ids = g.input("ids", ["N"], "INT64")
    states = {name: g.input(name, ["N", H]) for name in state_names(form)}
    top = [g.input("top", ["N", H])] if form.peeky else []
    vectors = g.constant(params[0])
    out = g.node("Gather", vectors, ids)
    enc_hs, mask = "", ""
    if form.attention != "none":
        enc_hs, mask = g.input("enc_hs", ["N", "S", H]), g.input("mask", ["N", "S"], "BOOL")
    fed = [g.input("fed", ["N", form.fed_size])] if form.fed_size else []
    if top or fed:
        out = g.node("Concat", *top, out, *fed, axis=1)
    at, moved = 1, []
    for k in range(form.layers):
        below = out
        own = [states[name] for name in states if name.endswith(f"_{k}")]
        x = g.node("Unsqueeze", below, g.integers(0))
        hs, state = g.recurrent(form.cell, x, params[at : at + 3], own)
        out, at = g.node("Squeeze", hs, g.integers(0)), at + 3
        out = g.node("Add", out, below) if k and form.residual else out
        moved += state
    if form.attention != "none":
        out, at = _attended(g, form, params, at, out, enc_hs, mask)
    scored = g.node("Concat", *top, out, axis=1) if top else out
    g.output("scores", _scores(g, form, params[at:], scored, vectors), ["N", form.target_size])
    for name, tensor in zip(states, moved, strict=True):
        g.output(f"{name}_next", tensor, ["N", H])
    if fed:
        g.output("fed_next", out, ["N", form.fed_size])
    return g


def _scores(g: Graph, form: Form, params: list[Any], out: str, vectors: str) -> str:
    """Return the scores; tied weights stand in the file once."""
    W, b = params
    if form.tied:
        product = g.node("MatMul", out, g.node("Transpose", vectors, perm=[1, 0]))
        return g.node("Add", product, g.constant(b))
    return g.affine(out, W, b)


def _attended(g: Graph, form: Form, params: list[Any], at: int, h: str, enc_hs: str, mask: str) -> tuple[str, int]:
    """h (N, H), enc_hs (N, S, H), mask (N, S) -> what scores are made from, number of the next parameter."""
    if form.attention == "additive":
        W, b, U, v = params[at : at + 4]
        asked = g.node("Unsqueeze", g.affine(h, W, b), g.integers(1))
        both = g.node("Tanh", g.node("Add", g.affine(enc_hs, U), asked))
        scores, at = g.affine(both, v[:, None]), at + 4
    else:
        asked = h
        if form.attention == "general":
            asked, at = g.affine(h, params[at]), at + 1
        scores = g.node("MatMul", enc_hs, g.node("Unsqueeze", asked, g.integers(2)))
    scores = g.node("Where", g.node("Unsqueeze", mask, g.integers(2)), scores, g.constant(-1e30))
    weights = g.node("Softmax", scores, axis=1)
    context = g.node("ReduceSum", g.node("Mul", weights, enc_hs), g.integers(1), keepdims=0)
    out = g.node("Concat", context, h, axis=1)
    if form.is_joined:
        out, at = g.node("Tanh", g.affine(out, params[at])), at + 1
    return out, at

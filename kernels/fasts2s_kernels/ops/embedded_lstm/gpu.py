"""Reading a source and choosing an answer with an LSTM: everything stays on the device until somebody fetches it."""

from typing import Any

from fasts2s_kernels.arrays import Array
from fasts2s_kernels.checks import as_integers, inference
from fasts2s_kernels.gpu import device as _device
from fasts2s_kernels.gpu import dispatch, inputs, specialisations
from fasts2s_kernels.gpu.device import xp
from fasts2s_kernels.gpu.launch import contiguous, gemm, i32, kernel, product
from fasts2s_kernels.ops.attention.gpu import attend
from fasts2s_kernels.ops.attention.reference import without_padding
from fasts2s_kernels.ops.decoding.gpu import write_best
from fasts2s_kernels.ops.embedded_lstm.plan import table_pays
from fasts2s_kernels.ops.embedding.gpu import gather
from fasts2s_kernels.ops.lstm import gpu_steps
from fasts2s_kernels.ops.lstm.gpu import lstm_ids_forward, run
from fasts2s_kernels.ops.lstm.gpu_calls import Forward
from fasts2s_kernels.ops.recurrent import gpu as recurrent

#: Vocabularies up to which a block chooses by itself; beyond, a product over the whole batch is the faster.
_MOST_CHOICES = 1024


@inputs.entry
def lstm_encode(W: Array, ids: Array, Wx: Array, Wh: Array, b: Array | None, *, mask: Array | None = None) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_encode`.

    Implementation: of a small vocabulary the products of all words, of a large one those of the batch.
    """
    inputs.on_device(W=W, Wx=Wx, Wh=Wh, b=b)
    e = inference.encoding(W, ids, Wx, Wh, b, mask, inputs.ids)
    W, ids, Wx, Wh, b, mask = e.W, e.ids, e.Wx, e.Wh, e.b, inputs.mask("mask", e.mask, e.ids.shape, "(N, T)")
    (N, T), H = ids.shape, Wh.shape[0]
    h, c = xp.zeros((N, H), Wh.dtype), xp.empty((N, H), Wh.dtype)
    hs = xp.empty((N, T, H), Wh.dtype)
    if hs.size:
        by_id = table_pays(W.shape[0], ids.size)
        xw = product(W if by_id else gather(W, ids).reshape(N * T, W.shape[1]), Wx)
        given = ids if by_id else None
        run(Forward(xw, given, contiguous(Wh), contiguous(b), None, inputs.bytes_of(mask), None, None, hs, h, c, None,
                    None, None, N, T))  # fmt: skip
    return h


@inputs.entry
def lstm_ids_step(
    table: Array, ids: Array, Wh: Array, *, h: Array, c: Array, row_bias: Array | None = None
) -> tuple[Array, Array]:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_ids_step`. Implementation: a sequence of one word."""
    places = as_integers("ids", ids, "(N,)", 1)[:, None]
    _, h, c, _ = lstm_ids_forward(table, places, Wh, h0=h, c0=c, row_bias=row_bias)
    return h, c


@inputs.entry
def lstm_greedy(
    W: Array,
    start_ids: Array,
    length: int,
    Wx: Array,
    Wh: Array,
    b: Array | None,
    W_out: Array,
    b_out: Array | None,
    *,
    h: Array,
    c: Array | None = None,
    row_bias: Array | None = None,
    score_bias: Array | None = None,
) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.lstm_greedy`.

    Implementation: for small H and V the whole answer in one launch; else a product, a pointwise kernel, a product
    and a choice per step. Nothing waits for the device.
    """
    floats = {"W": W, "Wx": Wx, "Wh": Wh, "b": b, "W_out": W_out, "b_out": b_out, "h": h, "c": c}
    inputs.on_device(**floats, row_bias=row_bias, score_bias=score_bias)
    a = inference.answering(W, start_ids, length, Wx, Wh, b, W_out, b_out, h, c, row_bias, score_bias, inputs.ids)
    ids = a.ids
    out = xp.empty((a.ids.size, a.length), xp.int64)
    if not out.size:
        return out
    table = product(a.W, a.Wx)
    H, device = a.Wh.shape[0], _device.device()
    plan = None if recurrent.is_wide(a.Wh) else dispatch.rows(ids.size, H, device, "greedy")
    if plan is not None and H and a.W.shape[0] <= _MOST_CHOICES:
        _rows(a, ids, table, out, plan)
    else:
        _steps(a, ids, table, out)
    return out


@inputs.entry
def attention_greedy(
    W: Array,
    start_ids: Array,
    length: int,
    Wx: Array,
    Wh: Array,
    b: Array | None,
    W_out: Array,
    b_out: Array | None,
    *,
    h: Array,
    c: Array | None = None,
    hs_enc: Array,
    mask: Array | None = None,
) -> Array:
    """See :meth:`fasts2s_kernels.contract.Kernels.attention_greedy`.

    Implementation: kernels of the layers and a choice per step. Nothing waits for the device.
    """
    inputs.on_device(W=W, Wx=Wx, Wh=Wh, b=b, W_out=W_out, b_out=b_out, h=h, c=c, hs_enc=hs_enc)
    a = inference.attending(W, start_ids, length, Wx, Wh, b, W_out, b_out, h, c, hs_enc, mask, inputs.ids)
    out = xp.empty((a.ids.size, a.length), xp.int64)
    if out.size:
        mask = inputs.mask("mask", a.mask, hs_enc.shape[:2], "(N, S)")
        _steps(a._replace(hs_enc=without_padding(a.hs_enc, mask), mask=mask), a.ids, product(a.W, a.Wx), out)
    return out


def _rows(a: inference.Answering, ids: Array, table: Array, out: Array, plan: dispatch.Rows) -> None:
    (N, T), H, V = out.shape, a.Wh.shape[0], a.W.shape[0]
    name = "lstm_greedy_rows"
    floats: tuple[Any, ...] = (a.Wh, a.b, a.row_bias, a.h, a.c, a.W_out, a.b_out, a.score_bias)
    args = (table, ids, *map(contiguous, floats), out, i32(N), i32(T), i32(V))
    function = kernel(name, name, specialisations.rows(H, plan.kreg), plan.shared_memory)
    function((plan.blocks,), (4 * H,), args, shared_mem=plan.shared_memory)


def _steps(a: inference.Answering, ids: Array, table: Array, out: Array) -> None:
    (N, T), H, V, dtype = out.shape, a.Wh.shape[0], a.W_out.shape[1], a.Wh.dtype
    Wh, W_out, b, row_bias = (contiguous(x) for x in (a.Wh, a.W_out, a.b, a.row_bias))
    bias = contiguous(a.score_bias)
    if a.b_out is not None:
        bias = xp.ascontiguousarray(xp.broadcast_to(a.b_out, (N, V))) if bias is None else bias + a.b_out
    h, c, scores = contiguous(a.h), contiguous(a.c), xp.empty((N, V), dtype)
    for t in range(T):
        h_next, c_next = xp.empty((N, H), dtype), xp.empty((N, H), dtype)
        call = Forward(table, ids[:, None], Wh, b, row_bias, None, h, c, None, h_next, c_next, None, None, None, N, 1)
        if H:
            gpu_steps.forward(call)
        following = xp.empty(N, xp.int32)
        gemm(h_next if a.hs_enc is None else _beside_context(a.hs_enc, h_next, a.mask), W_out, scores)
        write_best(scores, bias, out, t, following)
        h, c, ids = h_next, c_next, following


def _beside_context(hs_enc: Array, h: Array, mask: Array | None) -> Array:
    """Return (context, h), (N, 2H)."""
    return xp.concatenate((attend(hs_enc, h[:, None], mask)[0][:, 0], h), axis=1)

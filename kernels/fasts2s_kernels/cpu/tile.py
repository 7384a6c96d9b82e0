"""The register-tiled product ``C = I + A B``, the inner loop of everything that multiplies matrices.

Accumulators live in registers for the whole of K: per k one row of B is loaded (1 to 4 vectors), every element of a
column of A is broadcast once, and each of them meets each other in a fused multiply-add. At 6 rows by 4 vectors of 16
lanes this runs at the peak rate of a core, see kernels/README.md.
"""

from typing import Any, NamedTuple

from llvmlite import ir

from fasts2s_kernels.cpu.kinds import INT, NONE, floats
from fasts2s_kernels.cpu.primitive import Primitive
from fasts2s_kernels.cpu.target import LANES, TARGET
from fasts2s_kernels.cpu.vector import (
    FLOAT,
    VECTOR,
    address_of,
    fma,
    fused,
    load_vector,
    splat,
    splat_vector,
    store_vector,
)
from fasts2s_kernels.cpu.vector_memory import load, store

_float, _i64 = ir.FloatType(), ir.IntType(64)


def _const(n: int) -> Any:
    return ir.Constant(_i64, n)


def _places(builder: Any, rows: int, width: int, first: Any, row: Any) -> list[Any]:
    """Return the addresses of the vectors of a tile, row by row; rows are ``row`` bytes apart."""
    starts = [builder.add(first, builder.mul(row, _const(r))) for r in range(rows)]
    return [builder.add(start, _const(v * VECTOR)) for start in starts for v in range(width)]


def _rolled(module: Any) -> Any:
    """Return what tells LLVM to leave a loop as it is: twice its body needs more registers than there are."""
    wish = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    node = module.add_metadata([ir.MetaDataString(module, f"tile {len(module.metadata)}"), wish])
    node.operands = (node, wish)  # the first operand of such a node is the node itself
    return node


def _in_register(builder: Any, value: Any) -> Any:
    """Return a value that LLVM knows nothing of: it has a register in the loop, not a place on the stack."""
    if isinstance(value, ir.Constant):
        return value
    kind = ir.FunctionType(_i64, [_i64])
    return builder.asm(kind, "", "=r,0", [value], side_effect=True)


class _Tile(NamedTuple):
    """What all turns of a tile's loop have in common; distances are in bytes."""

    rows: int
    width: int
    a_rows: list[Any]  # from the first row of A to each
    a_k: Any
    b_k: Any
    turned: bool  # a column of A, not a row, lies together


class _State(NamedTuple):
    """What changes from turn to turn."""

    left: Any  # of K
    a: Any
    b: Any
    sums: list[Any]  # row by row


def _state(values: list[Any]) -> _State:
    left, a, b, *sums = values
    return _State(left, a, b, sums)


def _lane(builder: Any, vector: Any, lane: int) -> Any:
    """Return a vector with one lane of another in all of its own: on NEON a part of the multiply-add."""
    return builder.shuffle_vector(vector, vector, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [lane] * LANES))


def _splat_columns(builder: Any, tile: _Tile, a: Any, steps: int) -> list[list[Any]]:
    """Return, for each of so many k, the elements of a column of A from a on, each in all lanes of a vector."""
    starts = [builder.add(a, row) for row in tile.a_rows]
    if steps > 1:
        rows = [load_vector(builder, start) for start in starts]
        return [[_lane(builder, row, k) for row in rows] for k in range(steps)]
    whole = tile.rows - tile.rows % LANES if TARGET.by_lane and tile.turned else 0
    vectors = [load_vector(builder, starts[r]) for r in range(0, whole, LANES)]
    return [
        [_lane(builder, vector, lane) for vector in vectors for lane in range(LANES)]
        + [splat_vector(builder, builder.load(address_of(builder, start, _float))) for start in starts[whole:]]
    ]


def _turn(builder: Any, tile: _Tile, state: _State, steps: int) -> _State:
    """Emit one turn: so many k."""
    b, sums = state.b, state.sums
    for column in _splat_columns(builder, tile, state.a, steps):
        row_of_B = [load_vector(builder, builder.add(b, _const(v * VECTOR))) for v in range(tile.width)]
        pairs = [(x, y) for x in column for y in row_of_B]
        sums = [fused(builder, x, y, total) for (x, y), total in zip(pairs, sums, strict=True)]
        b = builder.add(b, tile.b_k)
    a = builder.add(state.a, builder.mul(tile.a_k, _const(steps)))
    return _State(builder.sub(state.left, _const(steps)), a, b, sums)


def _loop(builder: Any, tile: _Tile, before: _State, steps: int) -> _State:
    """Emit turns while there are ``steps`` k left; return what is then."""
    entry, loop, done = builder.block, builder.append_basic_block("k"), builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed(">", before.left, _const(steps - 1)), loop, done)
    builder.position_at_end(loop)
    flat = [before.left, before.a, before.b, *before.sums]
    now = [builder.phi(value.type) for value in flat]
    state = _turn(builder, tile, _state(now), steps)
    following = [state.left, state.a, state.b, *state.sums]
    again = builder.cbranch(builder.icmp_signed(">", state.left, _const(steps - 1)), loop, done)
    again.set_metadata("llvm.loop", _rolled(builder.module))
    builder.position_at_end(done)
    after = [builder.phi(value.type) for value in flat]
    for phi, end, first, last in zip(now, after, flat, following, strict=True):
        phi.add_incoming(first, entry)
        phi.add_incoming(last, loop)
        end.add_incoming(first, entry)
        end.add_incoming(last, loop)
    return _state(after)


def _distances(builder: Any, rows: int, a_row: Any) -> list[Any]:
    """Return how far rows of A are from the first.

    Left to itself LLVM computes the place of a row from that of the one before, an instruction for each. A distance
    that it knows nothing of is a part of the load.
    """
    if isinstance(a_row, ir.Constant):
        return [_const(a_row.constant * r) for r in range(rows)]
    return [_const(0), *(_in_register(builder, builder.mul(a_row, _const(r))) for r in range(1, rows))]


def _emit_tile(builder: Any, rows: int, width: int, turned: bool, args: tuple[Any, ...]) -> None:
    """Emit the code of one tile, rows by width vectors; K may be zero. Distances in args are in bytes.

    One of a_row and a_k has to be a constant: with two that are known only at run time LLVM computes the address of
    every row of A from the one before, and the tile runs at half its speed (measured on Zen 3).
    """
    C, c_row, start, start_row, A, a_row, a_k, B, b_k, K = args
    places = _places(builder, rows, width, C, c_row)
    first = [load_vector(builder, place) for place in _places(builder, rows, width, start, start_row)]
    distances = _distances(builder, rows, a_row)
    tile = _Tile(rows, width, distances, _in_register(builder, a_k), _in_register(builder, b_k), turned)
    state = _State(K, A, B, first)
    if TARGET.by_lane and not turned:
        state = _loop(builder, tile, state, LANES)
    state = _loop(builder, tile, state, 1)
    for place, total in zip(places, state.sums, strict=True):
        store_vector(builder, place, total)


@Primitive
def any_tile(width, rows, C, c_row, start, start_row, A, a_row, a_k, B, b_k, K):
    """``C = start + A B`` for 1 to ``len(tile_rows)`` vectors and 1 to ``tile_rows[width - 1]`` rows; else nothing.

    All distances are in elements: from row to row of C, start and A, from one k to the next in A and B. One of a_row
    and a_k must be 1. A ``start_row`` of 0 begins all rows alike.
    """
    for r in range(rows):
        sums = [load(start + (start_row * r + LANES * v)) for v in range(width)]
        for k in range(K):
            x = splat(A[a_row * r + a_k * k])
            sums = [fma(x, load(B + (b_k * k + LANES * v)), total) for v, total in enumerate(sums)]
        for v, total in enumerate(sums):
            store(C + (c_row * r + LANES * v), total)


@any_tile.compiled
def _any_tile(typing_context, width, rows, C, c_row, start, start_row, A, a_row, a_k, B, b_k, K):
    def generate(context, builder, signature, args):
        width, rows, C, c_row, start, start_row, A, a_row, a_k, B, b_k, K = args
        c_row, start_row, a_row, a_k, b_k = (
            builder.mul(n, _const(FLOAT)) for n in (c_row, start_row, a_row, a_k, b_k)
        )
        turned = builder.icmp_signed("!=", a_k, _const(FLOAT))
        end = builder.append_basic_block("end")
        key = builder.add(builder.mul(width, _const(64)), rows)
        choice = builder.switch(builder.add(key, builder.select(turned, _const(32), _const(0))), end)
        for v, most in enumerate(TARGET.tile_rows, start=1):
            for r in range(1, most + 1):
                for case, steps in ((0, (a_row, _const(FLOAT))), (32, (_const(FLOAT), a_k))):
                    block = builder.append_basic_block(f"tile{r}x{v}")
                    choice.add_case(_const(64 * v + r + case), block)
                    builder.position_at_end(block)
                    _emit_tile(builder, r, v, case > 0, (C, c_row, start, start_row, A, *steps, B, b_k, K))
                    builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    n = INT
    return NONE(n, n, floats, n, floats, n, floats, n, n, floats, n, n), generate

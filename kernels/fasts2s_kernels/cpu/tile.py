"""The register-tiled product ``C = I + A B``, the inner loop of everything that multiplies matrices.

Accumulators live in registers for the whole of K: per k one row of B is loaded (1 to 4 vectors), every element of a
column of A is broadcast once, and each of them meets each other in a fused multiply-add. At 6 rows by 4 vectors of 16
lanes this runs at the peak rate of a core, see kernels/README.md.
"""

from typing import Any

from llvmlite import ir

from fasts2s_kernels.cpu.numba_api import types
from fasts2s_kernels.cpu.pointer import floats
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


def _places(builder: Any, rows: int, width: int, first: Any, row: Any) -> list[list[Any]]:
    """Return the addresses of the vectors of a tile whose rows are ``row`` bytes apart."""
    starts = [builder.add(first, builder.mul(row, _const(r))) for r in range(rows)]
    return [[builder.add(start, _const(v * VECTOR)) for v in range(width)] for start in starts]


def _rolled(module: Any) -> Any:
    """Return what tells LLVM to leave a loop as it is: twice its body needs more registers than there are."""
    wish = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    node = module.add_metadata([ir.MetaDataString(module, f"tile {len(module.metadata)}"), wish])
    node.operands = (node, wish)  # the first operand of such a node is the node itself
    return node


def _in_register(builder: Any, value: Any) -> Any:
    """Return a value that is new to LLVM here: it has a register in the loop, not a place on the stack outside it."""
    kind = ir.FunctionType(_i64, [_i64])
    return builder.asm(kind, "", "=r,0", [value], side_effect=True)


def _emit_tile(builder: Any, rows: int, width: int, args: tuple[Any, ...]) -> None:
    """Emit the code of one tile, rows by width vectors; K may be zero. Strides in args are in bytes.

    One of a_row and a_k has to be a constant: with two that are known only at run time LLVM computes the address of
    every row of A from the one before, and the tile runs at half its speed (measured on Zen 3).
    """
    C, c_row, start, start_row, A, a_row, a_k, B, b_k, K = args
    places = _places(builder, rows, width, C, c_row)
    a_rows = [builder.mul(a_row, _const(r)) for r in range(rows)]
    first = [
        [load_vector(builder, place) for place in row] for row in _places(builder, rows, width, start, start_row)
    ]
    b_k = _in_register(builder, b_k)
    entry, loop, done = builder.block, builder.append_basic_block("k"), builder.append_basic_block("done")
    builder.cbranch(builder.icmp_signed(">", K, _const(0)), loop, done)

    builder.position_at_end(loop)
    left, a, b = (builder.phi(_i64) for _ in range(3))
    sums = [[builder.phi(value.type) for value in row] for row in first]
    columns = [load_vector(builder, builder.add(b, _const(v * VECTOR))) for v in range(width)]
    last = []
    for r in range(rows):
        scalar = builder.load(address_of(builder, builder.add(a, a_rows[r]), _float))
        x = splat_vector(builder, scalar)
        last.append([fused(builder, x, column, total) for column, total in zip(columns, sums[r], strict=True)])
    following = builder.sub(left, _const(1)), builder.add(a, a_k), builder.add(b, b_k)
    for phi, start, step in zip((left, a, b), (K, A, B), following, strict=True):
        phi.add_incoming(start, entry)
        phi.add_incoming(step, loop)
    for r in range(rows):
        for v in range(width):
            sums[r][v].add_incoming(first[r][v], entry)
            sums[r][v].add_incoming(last[r][v], loop)
    again = builder.cbranch(builder.icmp_signed(">", following[0], _const(0)), loop, done)
    again.set_metadata("llvm.loop", _rolled(builder.module))

    builder.position_at_end(done)
    for r in range(rows):
        for v in range(width):
            total = builder.phi(first[r][v].type)
            total.add_incoming(first[r][v], entry)
            total.add_incoming(last[r][v], loop)
            first[r][v] = total
    for r in range(rows):
        for v in range(width):
            store_vector(builder, places[r][v], first[r][v])


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
                    _emit_tile(builder, r, v, (C, c_row, start, start_row, A, *steps, B, b_k, K))
                    builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    n = types.int64
    return types.none(n, n, floats, n, floats, n, floats, n, n, floats, n, n), generate

"""Pointers that compiled kernels walk through memory with: they count elements, and know what these are.

``p + k`` is k elements further, ``p[k]`` one element, ``if p`` asks whether there is anything. To the compiler a
pointer is an address, so the code is that of integers; nothing is checked there, because the Python entries have
checked every array. In the plain twin it is a :class:`fasts2s_kernels.cpu.plain.Place`, which refuses to leave its
array.
"""

from typing import Any

from llvmlite import ir

from fasts2s_kernels.cpu import plain
from fasts2s_kernels.cpu.kinds import BOOL, INT, floats
from fasts2s_kernels.cpu.primitive import Primitive

i64 = ir.IntType(64)


def const(n: int) -> Any:
    """Return an int64 constant."""
    return ir.Constant(i64, n)


def further(builder: Any, kind: Any, place: Any, k: Any) -> Any:
    """Return the address k elements after another one; kind says how large these are."""
    return builder.add(place, k if kind.size == 1 else builder.mul(k, const(kind.size)))


@Primitive
def offset(p, k):
    """Return ``p + k``; nothing, where p is nothing."""
    return p + k if p else p


@offset.compiled
def _offset(typing_context, p, k):
    def generate(context, builder, signature, args):
        place, k = args
        moved = further(builder, signature.args[0], place, k)
        return builder.select(builder.icmp_signed("==", place, const(0)), place, moved)

    return p(p, INT), generate


@Primitive
def nothing(p):
    """Return the pointer to nothing, of the kind of p: False where it is asked for."""
    return p.nothing()


@nothing.compiled
def _nothing(typing_context, p):
    def generate(context, builder, signature, args):
        return const(0)

    return p(p), generate


@Primitive
def address(p):
    """Return the address of a place, 0 of nothing."""
    return p.elements.ctypes.data + p.elements.itemsize * p.start if p else 0


@address.compiled
def _address(typing_context, p):
    def generate(context, builder, signature, args):
        return args[0]

    return INT(p), generate


@Primitive
def floats_at(address, count):
    """Return the place of count float32 at an address; nothing where that is 0."""
    return plain.place_at(address, count)


@floats_at.compiled
def _floats_at(typing_context, address, count):
    def generate(context, builder, signature, args):
        return args[0]

    return floats(INT, INT), generate


@Primitive
def is_aligned(p, n):
    """Return whether an address is a multiple of n elements. Plain: True, for alignment changes no value."""
    return True


@is_aligned.compiled
def _is_aligned(typing_context, p, n):
    def generate(context, builder, signature, args):
        bytes_ = builder.mul(args[1], const(signature.args[0].size))
        return builder.icmp_signed("==", builder.srem(args[0], bytes_), const(0))

    return BOOL(p, INT), generate


@Primitive
def aligned(p, n):
    """Return the first place from p on whose address is a multiple of n elements. Plain: p."""
    return p


@aligned.compiled
def _aligned(typing_context, p, n):
    def generate(context, builder, signature, args):
        bytes_ = builder.mul(args[1], const(signature.args[0].size))
        end = builder.sub(builder.add(args[0], bytes_), const(1))
        return builder.sub(end, builder.srem(end, bytes_))

    return p(p, INT), generate

"""exp, tanh and sigmoid of vectors. Errors over every float32: see kernels/README.md, measured by tests/kernels."""

import numpy as np

from fasts2s_kernels.cpu.jit import inline
from fasts2s_kernels.cpu.vector import exponent_bits, fma, splat, where_greater, where_less

_f = np.float32
_ZERO, _ONE, _TWO = _f(0), _f(1), _f(2)
_LOG2E, _LN2_HIGH, _LN2_LOW = _f(1.44269504), _f(0.693359375), _f(-2.12194440e-4)
# Added to n, its last bits are n + 127, the exponent field of 2**n; adding it also rounds to a whole number.
_MAGIC = _f(1.5 * 2**23 + 127)
# Minimax fit of (exp(r) - 1 - r - r**2 / 2) / r**3 on |r| <= ln(2) / 2, relative error of exp(r) - 1 below 1.5e-8.
_HALF, _C3, _C4, _C5, _C6 = _f(0.5), _f(0.166665448), _f(0.0416667407), _f(0.00836641269), _f(0.00139087169)


@inline
def _reduced(y):
    """Return s = 2**n and p = exp(y - n ln 2) - 1, with n the whole number nearest to y / ln 2, -127 <= n <= 128.

    At the ends s is 0 and infinity.
    """
    t = fma(y, splat(_LOG2E), splat(_MAGIC))
    n = t - splat(_MAGIC)
    r = fma(n, splat(-_LN2_LOW), fma(n, splat(-_LN2_HIGH), y))
    p = fma(fma(fma(fma(splat(_C6), r, splat(_C5)), r, splat(_C4)), r, splat(_C3)), r, splat(_HALF))
    return exponent_bits(t), fma(r * r, p, r)


@inline
def exp_negative(x):
    """Return e**x for x <= 0 or NaN; exactly 0 below -87.3."""
    s, p = _reduced(where_less(x, splat(_f(-87.3)), splat(_f(-88.0)), x))
    return fma(s, p, s)


@inline
def sigmoid(x):
    """Return 1 / (1 + e**-x); exactly 0 below -88, exactly 1 above 17."""
    y = where_less(x, splat(_f(-88.0)), splat(_f(89.0)), splat(_ZERO) - x)  # at 89 the scale is infinite
    s, p = _reduced(where_less(y, splat(_f(-87.0)), splat(_f(-87.0)), y))
    return splat(_ONE) / (splat(_ONE) + fma(s, p, s))


@inline
def tanh(x):
    """Return tanh(x) = u / (u + 2) with u = e**2x - 1; exactly 1 and -1 beyond 9.1."""
    y = where_greater(x, splat(_f(9.1)), splat(_f(9.1)), x)
    y = where_less(y, splat(_f(-9.1)), splat(_f(-9.1)), y)
    s, p = _reduced(y + y)
    u = fma(s, p, s - splat(_ONE))
    return u / (u + splat(_TWO))

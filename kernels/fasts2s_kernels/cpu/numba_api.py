"""What is used of Numba, typed as Any: its own annotations describe functions as they are before decoration."""

from typing import Any

import numba
from numba.core import cgutils as _cgutils
from numba.core import config as _config
from numba.core import types as _types
from numba.core.caching import FunctionCache as _FunctionCache
from numba.core.ccallback import CFunc as _CFunc
from numba.core.registry import cpu_target as _cpu_target
from numba.core.runtime.nrt import rtsys as _rtsys
from numba.core.typing.templates import AttributeTemplate as _AttributeTemplate
from numba.extending import intrinsic as _intrinsic
from numba.extending import lower_builtin as _lower_builtin
from numba.extending import register_model as _register_model
from numba.extending import type_callable as _type_callable

AttributeTemplate: Any = _AttributeTemplate
cgutils: Any = _cgutils
cpu_target: Any = _cpu_target
types: Any = _types
rtsys: Any = _rtsys
intrinsic: Any = _intrinsic
lower_builtin: Any = _lower_builtin
register_model: Any = _register_model
type_callable: Any = _type_callable
config: Any = _config
FunctionCache: Any = _FunctionCache
CFunc: Any = _CFunc
njit: Any = numba.njit  # for _jit alone
prange: Any = numba.prange
typeof: Any = numba.typeof
threading_layer: Any = getattr(numba, "threading_layer")  # noqa: B009 - not exported to type checkers

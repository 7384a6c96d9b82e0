"""Variables of Numba's that count here too, read as Numba reads them: it is not imported for that."""

import os

#: Variables that change the code which Numba makes, with what they are set to.
SETTINGS = tuple(
    f"{name}={os.environ.get(name)}"
    for name in ("NUMBA_OPT", "NUMBA_BOUNDSCHECK", "NUMBA_DEBUGINFO", "NUMBA_ENABLE_AVX", "NUMBA_LOOP_VECTORIZE")
)
#: Whether kernels run as plain Python.
DISABLE_JIT = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
#: The processor that is compiled for instead of this one, and its features; None: this one's.
CPU_NAME = os.environ.get("NUMBA_CPU_NAME")
CPU_FEATURES = "" if (CPU_NAME or "").lower() == "generic" else None
CPU_FEATURES = os.environ.get("NUMBA_CPU_FEATURES", CPU_FEATURES)

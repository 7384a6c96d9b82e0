"""Kernels as they are compiled for another processor, which this one can run too: slower here, but as fast there."""

from importlib import import_module

#: Name -> what LLVM calls such a processor, and the instructions that are used and have to be there.
PROCESSORS = {
    "avx2": ("haswell", ("avx2", "fma", "bmi", "bmi2", "f16c", "lzcnt", "movbe", "sse4.2", "popcnt")),
    "sse2": ("x86-64", ("sse2",)),
}


def environment(name: str) -> dict[str, str]:
    """Return the variables by which Numba compiles for a processor of PROCESSORS. ValueError if this one is another.

    Kernels of different processors lie in different folders of the cache.
    """
    processor, needed = PROCESSORS[name]
    here = import_module("llvmlite.binding").get_host_cpu_features()
    missing = [feature for feature in needed if not here.get(feature)]
    if missing:
        raise ValueError(
            f"--processor {name}: this processor has no {', '.join(missing)}, expected one that runs {name} code: "
            "leave --processor out"
        )
    return {"NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": ",".join(f"+{feature}" for feature in needed)}

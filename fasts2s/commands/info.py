"""``fasts2s info``: what is installed and usable."""

from fasts2s.backend import backends, environment_setting, get_backend, limit_blas
from fasts2s.commands.run_folder import environment
from fasts2s_kernels import blas, setup_of


def info() -> int:
    """Print versions, the machine and the state of every backend."""
    try:
        chosen, complaint = get_backend().name, ""
        get_backend().kernels()  # takes over where the cache is, and the threads, as a training would
        limit_blas()
    except (ImportError, RuntimeError, ValueError) as error:
        chosen, complaint = "none", str(error)  # a wrong setting is what people look for here
    for name, value in environment(chosen).items():
        print(f"{name:<10} {value}")
    said = environment_setting()
    print(f"{'switch':<10} {'FASTS2S_BACKEND=' + said if said else 'FASTS2S_BACKEND is not set: auto'}")
    if complaint:
        print(f"{'':<10} {complaint}")
    found = backends()
    _print_setup(chosen)
    if chosen != "cupy" and found["cupy"].usable:
        _print_setup("cupy")  # what could be chosen
    print(f"{'BLAS':<10} {blas.describe()}")
    if hint := blas.crowded():
        print(f"{'':<10} {hint}")
    print("\nbackends")
    for name, status in found.items():
        state = "usable" if status.usable else f"not usable: {status.reason}"
        print(f"  {name:<8} {status.version:<14} {state}")
    return 0


def _print_setup(backend: str) -> None:
    setup = setup_of(backend) if backend != "none" else None
    for name, value in ({} if setup is None else setup.describe()).items():
        print(f"{name:<10} {value}")

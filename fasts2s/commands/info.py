"""``fasts2s info``: what is installed and usable."""

from fasts2s.backend import backends, environment_setting, get_backend
from fasts2s.commands.run_folder import environment


def info() -> int:
    """Print versions, the machine and the state of every backend."""
    chosen = get_backend()
    for name, value in environment(chosen.name).items():
        print(f"{name:<10} {value}")
    said = environment_setting()
    print(f"{'switch':<10} {'FASTS2S_BACKEND=' + said if said else 'FASTS2S_BACKEND is not set: auto'}")
    print("\nbackends")
    for name, status in backends().items():
        state = "usable" if status.usable else f"not usable: {status.reason}"
        print(f"  {name:<8} {status.version:<14} {state}")
    return 0

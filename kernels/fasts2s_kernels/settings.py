"""What a user can set for the backends that have use for it."""

from typing import NamedTuple


class Settings(NamedTuple):
    """What a user can set for the backends that have use for it.

    Attributes
    ----------
    threads : int or None
        The most threads of a CPU backend, and of the BLAS below NumPy; None is one per core that the process may
        use.
    cache_dir : str or None
        Folder for compiled kernels; None is the user's cache folder.
    check : bool
        Whether ids that lie on a device are looked at at once. It waits for the device in every call; without it an
        id out of range is an IndexError of a later call, at the latest when a result is fetched.
    blas : bool or None
        Whether large products go to the BLAS below NumPy; None is where it is clearly faster on this machine.
    """

    threads: int | None = None
    cache_dir: str | None = None
    check: bool = False
    blas: bool | None = None

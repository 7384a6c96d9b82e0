"""Libraries that come with an extra: imported where they are used; where they are absent, a command is named."""

from __future__ import annotations

import importlib
from typing import Any


def need(module: str, extra: str, what: str) -> Any:
    """Return a module of an extra.

    Parameters
    ----------
    module : its dotted name
    extra : the extra of this package that installs it
    what : is done with it, for the error

    Raises
    ------
    ImportError : it is not installed; names the command that does it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = module.partition(".")[0].replace("_", "-")
        raise ImportError(
            f"{what} by the library {library}, which cannot be imported ({error}): pip install 'fasts2s[{extra}]'",
            name=module,
        ) from None

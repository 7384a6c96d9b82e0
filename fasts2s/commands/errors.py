"""An error that a user of the console script can repair: printed as one line, without a traceback."""


class CommandError(Exception):
    """Something the user gave, or an environment, that does not work; the message says what to do."""


def explained(error: Exception) -> str:
    """Return the line that says what went wrong, also where Python and NumPy do not say it themselves."""
    if isinstance(error, MemoryError | OverflowError):
        return f"there is not enough memory ({error or type(error).__name__}): take smaller sizes"
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)

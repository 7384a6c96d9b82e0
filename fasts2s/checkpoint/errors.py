"""What the checkpoint functions raise and warn about."""


class CheckpointError(ValueError):
    """A file cannot be loaded: damaged, hostile, too large or of another kind.

    The message names the file, what is wrong with it, and what to do.
    """


class CheckpointWarning(UserWarning):
    """A file could be loaded or saved, but not as asked: the previous file was used, or not all is safe yet."""

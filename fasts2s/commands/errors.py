"""An error that a user of the console script can repair: printed as one line, without a traceback."""


class CommandError(Exception):
    """Something the user gave, or an environment, that does not work; the message says what to do."""

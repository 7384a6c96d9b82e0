"""What the drop-in raises and warns with."""


class FallbackWarning(RuntimeWarning):
    """A replaced method handed a call back to the book's own code."""


class FallbackError(RuntimeError):
    """The same, or a class left as it is, where ``--strict`` forbids it. (No TypeError: the book swallows that.)"""


class VerificationError(RuntimeError):
    """Original and replacement computed different results."""


class UnrecognisedError(Exception):
    """A definition is not the book's; the text says why."""


class LeftToTheBookError(Exception):
    """Ours is not made for this call: the book's own code runs, without a word."""

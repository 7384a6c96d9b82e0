"""What goes wrong between processes."""


class RankError(ValueError):
    """The processes of a training do not agree, or one of them cannot go on; the message names its rank."""

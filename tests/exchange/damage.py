"""Damaged files."""


def refused(load, path, contents):
    """Return how many contents of a file are refused, by its name; each other one is read."""
    count = 0
    for content in contents:
        path.write_bytes(content)
        try:
            load(path)
        except ValueError as error:
            assert str(path) in str(error), error
            count += 1
    return count

"""What an object holds, all the way down: to see that a call has changed nothing."""

from typing import Any


def everything_in(obj: Any, path: str = "") -> dict[str, Any]:
    """Return every attribute of an object, and of what it is made of, by its path."""
    found = {}
    for name, value in vars(obj).items():
        found[f"{path}.{name}"] = value
        inside = value if isinstance(value, list | tuple) else [value]
        for k, part in enumerate(inside):
            if hasattr(part, "forward"):
                found |= everything_in(part, f"{path}.{name}[{k}]")
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the paths at which another object stands than before, or none."""
    both = before.keys() & after.keys()
    return sorted((before.keys() ^ after.keys()) | {path for path in both if before[path] is not after[path]})

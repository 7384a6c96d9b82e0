"""What is put in the place of a class that leaves other attributes than the book's, and has not all of them."""

from dataclasses import replace
from typing import Any

from fasts2s.dropin.replace.beside import FIRST_WEIGHT
from fasts2s.dropin.replace.targets import Target

#: What ours read and a reader may have left out -> what it then means.
_DEFAULTS: dict[str, Any] = {"stateful": False, "ignore_label": -(2**62), "W": FIRST_WEIGHT}


def fitted(target: Target, verdict: dict[str, Any], kinds: frozenset[type] = frozenset()) -> Target:
    """Return a target for a class that leaves other attributes than the book's, and has not all of them.

    ``kinds``: the classes of what it is made of.
    """
    parts = [] if target.made_of or not kinds else verdict["parts"]
    missing, doubles = verdict["missing"], [(name, int(k)) for name, k in verdict["doubles"]]

    def there(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in missing)

    def ready(obj: Any) -> str:
        for name, k in doubles:
            if getattr(obj, name) is not obj.params[k]:
                return f"its {name} is another array than params[{k}]"
        for name in parts:
            if type(vars(obj).get(name)) not in kinds:
                return f"its {name} is another one"
        return ""

    return replace(
        target, state=there(target.state), made_on_read=tuple(verdict["hidden"]), owed=there(target.owed),
        read_back=there(target.read_back),
        copies=target.copies or bool(verdict.get("copies")), ready=ready if doubles or parts else target.ready,
        aside=tuple((name, _DEFAULTS.get(name)) for name in missing), plain_ids=verdict["plain_ids"],
    )  # fmt: skip

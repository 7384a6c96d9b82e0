"""For readers who typed the classes themselves, into a script or a notebook."""

from typing import Any

from fasts2s.dropin.replace import patching
from fasts2s.dropin.run.report import Report


def accelerate(*what: Any) -> Report:
    """Replace the slow methods of the book's classes in a namespace, or of those that a model is made of.

    Parameters
    ----------
    what : objects or dicts
        A model (its layers are looked for in its attributes, and in lists, tuples and dicts there), a class, a
        module, or a namespace such as ``globals()``. Without one: nothing is done.

    Returns
    -------
    Report
        Of all that was found, in this call and before. Classes whose code differs from the book's in more than
        comments, white space and names of local variables are left as they are, and the report says why.

    Notes
    -----
    The methods are replaced on the classes: all their objects, now and later, run them, with the arrays they have.
    ``fasts2s.unpatch()`` takes them out.
    """
    seen: set[int] = set()
    for obj in what:
        _visit(vars(obj) if isinstance(obj, type(patching)) else obj, seen)
    patching.judge_waiting()  # who asks is told
    return patching.report()


def _visit(obj: Any, seen: set[int]) -> None:
    if id(obj) in seen:
        return
    seen.add(id(obj))
    if isinstance(obj, type):
        patching.offer_class(obj)
    elif isinstance(obj, dict):
        for value in list(obj.values()):
            _visit(value, seen)
    elif isinstance(obj, list | tuple):
        for value in obj:
            _visit(value, seen)
    elif hasattr(obj, "forward") or hasattr(obj, "update"):
        for kind in type(obj).__mro__[:-1]:
            patching.offer_class(kind)
        _visit(vars(obj) if hasattr(obj, "__dict__") else {}, seen)

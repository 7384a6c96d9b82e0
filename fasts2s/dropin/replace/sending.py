"""Another code for a function, which calls something else: who has imported the function by name is reached, too."""

import warnings
from collections.abc import Callable
from inspect import Parameter, signature
from types import FunctionType
from typing import Any

#: Stands for what a function is sent to while its new code is compiled.
_CALLED = "what is called in its place"


def sent_to(function: FunctionType, call: Callable[..., Any]) -> Any:
    """Return the code of a function with the same parameters that calls something else.

    Exchanging the code reaches everybody who has imported the function by name. The parameters must be the same,
    for the defaults stay with the function; the code must have no free variables, for it can be given none, and finds
    its names in the book's module: what it calls is one of its constants.
    """
    names = list(signature(function).parameters.values())
    if any(p.kind is not Parameter.POSITIONAL_OR_KEYWORD for p in names):
        raise ValueError(f"{function.__name__} has parameters that no function of the book has")
    parameters = ", ".join(p.name for p in names)
    said = f"    {function.__doc__!r}\n" if function.__doc__ else ""
    text = f"def {function.__name__}({parameters}):\n{said}    return {_CALLED!r}({parameters})\n"
    space: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # a text is called, for now
        exec(compile(text, "<fasts2s>", "exec"), space)
    code, there = space[function.__name__].__code__, function.__code__
    constants = tuple(call if constant == _CALLED else constant for constant in code.co_consts)
    # Who asks for the source text finds the book's.
    return code.replace(co_consts=constants, co_filename=there.co_filename, co_firstlineno=there.co_firstlineno)

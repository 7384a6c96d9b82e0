"""What of Python and NumPy leaves its operands as they are, and calls nothing of a reader's."""

import ast
from typing import NamedTuple

#: More arguments than anything is given.
MANY = 99


class Given(NamedTuple):
    """What a function or method may be given: so many arguments, and these options."""

    most: int = MANY
    options: frozenset[str] = frozenset()


FUNCTIONS = dict.fromkeys(
    "abs all any bool chr float int len list max min ord range reversed set str sum tuple".split(), Given()
) | {
    "enumerate": Given(options=frozenset({"start"})),
    "print": Given(options=frozenset({"sep", "end", "flush"})),
    "round": Given(options=frozenset({"ndigits"})),
    "sorted": Given(options=frozenset({"reverse"})),
    "zip": Given(options=frozenset({"strict"})),
}
_TEXTS = (
    "format join strip lstrip rstrip replace split upper lower title capitalize zfill ljust rjust center startswith "
    "endswith isdigit isalpha isspace".split()
)
_ARRAYS = "flatten ravel reshape astype tolist item copy squeeze transpose".split()
_SUMS = "sum mean max min argmax argmin all any".split()
#: One argument more would be an array to write to.
METHODS = (
    dict.fromkeys([*_TEXTS, *_ARRAYS, *"items keys values index count".split()], Given())
    | dict.fromkeys(_SUMS, Given(1, frozenset({"axis", "keepdims"})))
    | {"get": Given(2)}
)
ATTRIBUTES = frozenset({"shape", "size", "ndim", "T"})
#: Called by their whole names.
SAYING = frozenset(f"sys.{stream}.{name}" for stream in ("stdout", "stderr") for name in ("write", "flush"))
#: Expressions, functions and methods that make something there and then, whatever it is made of.
NEW = (ast.Constant, ast.JoinedStr, ast.BinOp, ast.Compare, ast.List, ast.ListComp)
NEW_BY = frozenset({"bool", "float", "int", "len", "str"})
NEW_BY_METHOD = frozenset({*_TEXTS, "flatten", "tolist", "copy"})

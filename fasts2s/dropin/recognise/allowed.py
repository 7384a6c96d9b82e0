"""What may occur in a definition that is to be recognised by meaning: names of functions, methods and attributes.

Everything here is an analytic function of what it is given, moves numbers about, or tells a shape. What rounds, clips
or chooses by value (``clip``, ``maximum``, ``where``, ``abs``, ``sign``, ``nan_to_num``) is left out on purpose: it
can agree with the book at every number that was tried, and differ at the next.
"""

import builtins

#: Functions and constants of NumPy.
NUMPY = frozenset(
    "dot matmul einsum tensordot outer inner add subtract multiply divide true_divide negative reciprocal square "
    "power exp expm1 log log2 log1p tanh sinh cosh sin cos sqrt sum nansum cumsum prod mean "
    "concatenate hstack vstack dstack stack column_stack split hsplit vsplit array_split append reshape ravel "
    "transpose swapaxes moveaxis rollaxis repeat tile expand_dims squeeze broadcast_to flip fliplr flipud take "
    "zeros ones empty full zeros_like ones_like empty_like full_like eye identity arange array asarray "
    "ascontiguousarray asanyarray copy shape size ndim max amax argmax not_equal equal logical_not logical_and "
    "count_nonzero newaxis c_ r_ float32 float64 ndarray bool_".split()
)
#: The same that stand below another name.
NUMPY_BELOW = frozenset({"add.at", "subtract.at", "add.reduce", "linalg.norm"})
#: Types of whole numbers: for targets that have ids or labels.
INTEGERS = frozenset({"int32", "int64", "intp", "int_"})
#: What constructors draw: whether anything is drawn elsewhere is looked at when a class is tried.
RANDOM = frozenset({"random.randn", "random.normal", "random.standard_normal"})
#: What a sampler draws by: it is tried beside the book's draws, to the bit.
DRAWS = frozenset({"random.choice"})
#: Methods of arrays, of lists and of ufuncs.
METHODS = frozenset(
    "dot sum mean cumsum prod reshape ravel flatten transpose swapaxes repeat squeeze take copy astype max argmax "
    "fill item tolist append extend insert pop reverse clear items keys values get split at reduce".split()
)
#: Attributes of arrays.
ATTRIBUTES = frozenset({"shape", "T", "size", "ndim", "dtype", "real"})
BUILTINS = frozenset(
    getattr(builtins, name)
    for name in "range len enumerate zip reversed super list tuple dict slice map sum int float object".split()
)
#: Texts that name a type of numbers.
DTYPES = frozenset({"f", "f4", "f8", "d", "float", "float32", "float64", "single", "double", "bool", "?"})
INTEGER_DTYPES = frozenset({"i", "i4", "i8", "l", "int", "int32", "int64"})
#: Options of NumPy's functions with which they choose by value.
CHOOSING = frozenset({"where", "initial", "casting", "mode"})
#: Whole numbers beyond this may be compared with a size that was never tried.
LARGEST = 5
#: Methods that Python itself calls, and which a class may have.
SPECIAL = frozenset({"__init__", "__call__", "__repr__", "__str__", "__len__"})

"""Save and load arrays without losing a file, and read the book's pickles without running code.

`save_arrays` and `load_arrays` keep named arrays and a JSON description in one `.npz` file that is checksummed,
never half written, and backed by the file saved before it. `load_book_pickle` and `save_book_pickle` read and
write the book's parameter files, which are pickles of float16 arrays.
"""

from fasts2s.checkpoint.archive import JSON
from fasts2s.checkpoint.atomic import previous_path
from fasts2s.checkpoint.book_pickle import load_book_pickle, save_book_pickle
from fasts2s.checkpoint.container import load_arrays, save_arrays
from fasts2s.checkpoint.errors import CheckpointError, CheckpointWarning

__all__ = [
    "JSON",
    "CheckpointError",
    "CheckpointWarning",
    "load_arrays",
    "load_book_pickle",
    "previous_path",
    "save_arrays",
    "save_book_pickle",
]

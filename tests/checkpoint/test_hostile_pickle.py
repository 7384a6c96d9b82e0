"""Hostile and damaged pickles are refused: nothing runs, nothing crashes, nothing fills the memory."""

import builtins
import copyreg
import datetime
import functools
import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasts2s.checkpoint import CheckpointError, load_book_pickle


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "params.pkl"


class Call:
    """Pickles as a call of `function`, which a careless reader makes."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.reduced = (function, args)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.reduced


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, "system"),
        (os.mkdir, "mkdir"),
        (builtins.eval, "eval"),
        (builtins.exec, "exec"),
        (os.unlink, "unlink"),
    ],
)
def test_calls_are_refused_by_name_and_never_made(
    path: Path, protocol: int, function: Callable[..., Any], name: str
) -> None:
    mark = path.with_name("mark")
    code = {"system": f"echo > {mark}", "mkdir": str(mark), "unlink": str(path)}
    gadget = Call(function, code.get(name, f"__import__('os').mkdir({str(mark)!r})"))
    good = np.zeros(2, np.float16)
    for content in (gadget, [gadget], [good, gadget], [good, [(gadget,)]], [np.array([gadget, None])]):
        path.write_bytes(pickle.dumps(content, protocol))
        with pytest.raises(CheckpointError, match=f"refused the global .*{name}") as caught:
            load_book_pickle(path)
        assert str(path) in str(caught.value)
        assert path.exists() and not mark.exists()


class Other:
    """An instance of a class that the reader does not know."""


@pytest.mark.parametrize(
    "content",
    [
        functools.partial(print, "x"),
        [np.float32(1)],
        [np.rec.array([1.0])],
        [np.ma.zeros(2)],
        [np.random.RandomState(1)],
        [datetime.date(2020, 1, 1)],
        [Other()],
        [Other],
        [np.array([None, 1])],
        [np.zeros(2, [("a", "f4")])],
        [np.zeros(2, "c8")],
        [np.zeros(2, "U3")],
        [np.zeros(2, "S3")],
        [np.zeros(2, "V3")],
        [np.zeros(2, "M8[s]")],
        [np.zeros(2, np.dtype("f4", metadata={"a": 1}))],
        [np.dtype("f4")],
        [np.array([1e300])],
        [1.0],
        [b"abc"],
        [None],
        [[np.zeros(2)]],
        np.zeros(2),
        (np.zeros(2),),
        {"Wx": np.zeros(2)},
        {1, 2},
        None,
        "text",
    ],
    ids=lambda content: type(content[0] if type(content) is list else content).__name__,
)
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_other_content_is_refused(path: Path, protocol: int, content: Any) -> None:
    path.write_bytes(pickle.dumps(content, protocol))
    with pytest.raises(CheckpointError, match="cannot be read as a list of arrays"):
        load_book_pickle(path)


def array_pickle(
    shape: bytes = b"K\2\x85", code: bytes = b"f2", raw: bytes = b"C\4abcd", flag: bytes = b"\x89"
) -> bytes:
    """Write one array by hand, any part of it replaced by other opcodes."""
    dtype = b"cnumpy\ndtype\nX" + struct.pack("<I", len(code)) + code + b"\x89\x88\x87R"
    dtype += b"(K\3X\1\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    start = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\1b\x87R"
    return start + b"(K\1" + shape + dtype + flag + raw + b"tb"


HOSTILE = {
    "negative shape": b"\x80\4]" + array_pickle(b"J\xfe\xff\xff\xff\x85") + b"a.",
    "huge shape": b"\x80\4]" + array_pickle(b"\x8a\x08" + b"\xff" * 7 + b"\x7f\x85") + b"a.",
    "huge empty shape": b"\x80\4]" + array_pickle(b"K\0\x8a\x08" + b"\xff" * 7 + b"\x7f\x86", raw=b"C\0") + b"a.",
    "overflowing shape": b"\x80\4]" + array_pickle(b"(" + b"J\0\0\0\x40" * 4 + b"t", raw=b"C\0") + b"a.",
    "65 axes": b"\x80\4]" + array_pickle(b"(" + b"K\1" * 65 + b"t", raw=b"C\2ab") + b"a.",
    "shape of texts": b"\x80\4]" + array_pickle(b"X\1\0\0\0a\x85") + b"a.",
    "shape of booleans": b"\x80\4]" + array_pickle(b"\x88\x85", raw=b"C\2ab") + b"a.",
    "shape is a list": b"\x80\4]" + array_pickle(b"]K\2a") + b"a.",
    "shape is None": b"\x80\4]" + array_pickle(b"N") + b"a.",
    "buffer too short": b"\x80\4]" + array_pickle(raw=b"C\3abc") + b"a.",
    "buffer too long": b"\x80\4]" + array_pickle(raw=b"C\5abcde") + b"a.",
    "buffer is text": b"\x80\4]" + array_pickle(raw=b"X\4\0\0\0abcd") + b"a.",
    "buffer is a list": b"\x80\4]" + array_pickle(raw=b"]") + b"a.",
    "object dtype": b"\x80\4]" + array_pickle(code=b"O8", raw=b"C\x10" + b"a" * 16) + b"a.",
    "endless dtype": b"\x80\4]" + array_pickle(code=b"f2," * 1000) + b"a.",
    "void dtype": b"\x80\4]" + array_pickle(code=b"V2147483647") + b"a.",
    "flag is text": b"\x80\4]" + array_pickle(flag=b"X\0\0\0\0") + b"a.",
    "array without state": b"\x80\4]cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85C\1b\x87Ra.",
    "array of another class": b"\x80\4]cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\0\x85C\1b\x87Ra.",
    "frombuffer of a bad order": b"\x80\4]cnumpy.core.numeric\n_frombuffer\n(C\0NNX\1\0\0\0Xtra.",
    "global instead of array": b"\x80\4]cnumpy\nndarray\na.",
    "encode of itself": b"\x80\4]" + array_pickle(raw=b"c_codecs\nencode\nX\4\0\0\0abcdX\3\0\0\0hex\x86R") + b"a.",
    "bytes of a number": b"\x80\4]" + array_pickle(raw=b"c__builtin__\nbytes\nJ\xff\xff\xff\x7f\x85R") + b"a.",
    "call of an array": b"\x80\4]" + array_pickle() + b")R" + b"a.",
    "state of a global": b"\x80\4]cnumpy\nndarray\nK\1ba.",
    "list that holds itself": b"\x80\4]q\0h\0a.",
    "one buffer for 1000 arrays": b"\x80\4]("
    + array_pickle(b"M\x88\x13\x85", raw=b"B\x10\x27\0\0" + b"ab" * 5000 + b"q\0")
    + array_pickle(b"M\x88\x13\x85", raw=b"h\0") * 999
    + b"e.",
    "two pickles": b"\x80\4]." * 2,
    "text after the end": b"\x80\4].x",
    "memo table of 64 GiB": b"\x80\4]r\xff\xff\xff\xff.",
    "memo table by text": b"\x80\4]p4294967295\n.",
    "negative memo": b"\x80\4]p-1\n.",
    "bytearray of 1 TiB": b"\x80\5]\x96" + struct.pack("<Q", 1 << 40) + b"a.",
    "bytes of 1 TiB": b"\x80\4]\x8e" + struct.pack("<Q", 1 << 40) + b"a.",
    "text of 1 TiB": b"\x80\4]\x8d" + struct.pack("<Q", 1 << 40) + b"a.",
    "frame of 1 TiB": b"\x80\4\x95" + struct.pack("<Q", 1 << 40) + b"].",
    "text longer than signed": b"\x80\4]\x8d" + b"\xff" * 8 + b"a.",
    "deep tuple": b"\x80\4]" + b"N" + b"\x85" * 99_000 + b"a.",
    "deep list": b"\x80\4" + b"]" * 40_000 + b"a" * 39_999 + b".",
    "deep tuple as a key": b"\x80\4]}N" + b"\x85" * 90_000 + b"Nsa.",
    "deep tuple in a set": b"\x80\4]\x8f(N" + b"\x85" * 90_000 + b"\x90a.",
    "deep tuple as a shape": b"\x80\4]" + array_pickle(b"N" + b"\x85" * 90_000) + b"a.",
    "marks without end": b"\x80\4" + b"(" * 90_000 + b".",
    "too many opcodes": b"\x80\4](" + array_pickle() + b"q\0" + b"h\0" * 100_000 + b"e.",
    "persistent id": b"\x80\4]Pabc\na.",
    "persistent object": b"\x80\4]Nqa.".replace(b"q", b"Q"),
    "instance": b"(ios\nsystem\n.",
    "new object": b"\x80\2]cnumpy\nndarray\n)\x81a.",
    "new object with names": b"\x80\4]cnumpy\nndarray\n)}\x92a.",
    "extension registry": b"\x80\2]\x82\xf0a.",
    "buffer from outside": b"\x80\5]\x97a.",
    "duplicate": b"\x80\4]2a.",
    "pop": b"\x80\4]N0.",
    "old text": b"]S'abc'\na.",
    "unknown protocol": b"\x80\xff].",
    "unknown opcode": b"\x80\4]\xffa.",
    "nothing on the stack": b"\x80\4.",
    "append to nothing": b"\x80\4a.",
    "get what was never put": b"\x80\4h\7.",
    "tuple from nothing": b"\x80\4\x87.",
    "number of 10000 digits": b"]L" + b"9" * 10_000 + b"L\na.",
    "no number": b"]Iabc\na.",
    "global without module": b"\x80\4]N\x93a.",
    "global by numbers": b"\x80\4]K\1K\2\x93a.",
    "dotted global": b"\x80\4]X\5\0\0\0numpyX\x0c\0\0\0ndarray.dump\x93a.",
    "global with escapes": b"\x80\4]X\2\0\0\0o\nX\3\0\0\0\xed\xa0\x80\x93a.",
    "nothing": b"",
    "one byte": b"\x80",
    "text": b"Wx = 3\n",
}


def test_the_hand_written_array_is_good(path: Path) -> None:
    path.write_bytes(b"\x80\4]" + array_pickle() + b"a.")
    np.testing.assert_array_equal(load_book_pickle(path)[0], np.frombuffer(b"abcd", "<f2").astype("f4"))


IN_SUBPROCESS = """
import sys
from pathlib import Path
sys.path[:] = sys.argv[2:]
import numpy as np
from fasts2s.checkpoint import CheckpointError, load_book_pickle
try:
    import resource
except ImportError:
    resource = None
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if resource else 0
start, good, refused = peak(), 0, 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        result = load_book_pickle(path)
    except CheckpointError as error:
        assert str(path) in str(error) and len(str(error)) < 1000
        refused += 1
    else:
        assert type(result) is list, path
        assert all(type(a) is np.ndarray and a.dtype == np.float32 for a in result), path
        good += 1
print(good, refused, (peak() - start) / (2**20 if sys.platform == "darwin" else 2**10))
"""


def load_all(folder: Path) -> tuple[int, int, float]:
    """Load every file of a folder in another process; return how many were good and refused, and MiB it grew."""
    done = subprocess.run(
        [sys.executable, "-c", IN_SUBPROCESS, str(folder), *sys.path],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    good, refused, grown = done.stdout.split()
    return int(good), int(refused), float(grown)


def test_hostile_pickles_neither_crash_nor_fill_the_memory(tmp_path: Path) -> None:
    for name, data in HOSTILE.items():
        (tmp_path / f"{name}.pkl").write_bytes(data)
    good, refused, grown = load_all(tmp_path)
    assert (good, refused) == (0, len(HOSTILE))
    assert grown < 100


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_pickles_are_refused_with_a_reason(path: Path, case: str) -> None:
    path.write_bytes(HOSTILE[case])
    with pytest.raises(CheckpointError, match="cannot be read as a list of arrays") as caught:
        load_book_pickle(path)
    assert "MemoryError" not in str(caught.value)


def test_mutated_pickles_end_in_one_kind_of_error(tmp_path: Path) -> None:
    """Twelve thousand accidents to pickles of all protocols, in one process that must survive them."""
    rng = np.random.default_rng(8)
    array = np.arange(6, dtype=np.float16).reshape(2, 3)
    sources = [pickle.dumps([array, array.T.copy(), array], protocol) for protocol in range(6)]
    sources.append(array_pickle())
    for number in range(12_000):
        data = bytearray(sources[number % len(sources)])
        for _ in range(rng.integers(1, 4)):
            at, length = rng.integers(len(data)), rng.integers(1, 9)
            new = [rng.bytes(1), rng.bytes(length), b"", bytes(data[:length]), rng.choice(list(b"c\x93Rb)tau(h."), 1)]
            data[at : at + rng.choice([0, 1, length])] = bytes(new[rng.integers(len(new))])
            data = data or bytearray(b".")
        (tmp_path / f"{number:05}.pkl").write_bytes(data)
    good, refused, grown = load_all(tmp_path)
    assert good + refused == 12_000 and refused > 8000 and good > 100
    assert grown < 100


def test_registered_extensions_are_not_used(path: Path) -> None:
    """A code of the registry stands for a global without naming it."""
    copyreg.add_extension("os", "system", 0xF0)
    try:
        with pytest.raises(TypeError):
            pickle.loads(b"\x80\2\x82\xf0)R.")  # fills the registry's cache, which unpicklers ask first
        path.write_bytes(b"\x80\2]\x82\xf0X\4\0\0\0true\x85Ra.")
        with pytest.raises(CheckpointError, match="EXT1"):
            load_book_pickle(path)
    finally:
        copyreg.remove_extension("os", "system", 0xF0)
        copyreg._extension_cache.pop(0xF0, None)  # type: ignore[attr-defined]

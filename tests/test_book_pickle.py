"""The book's parameter files: read without running anything, written so that the book reads them."""

import base64
import builtins
import copyreg
import datetime
import functools
import hashlib
import os
import pickle
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fasts2s.checkpoint import CheckpointError, load_arrays, load_book_pickle, save_book_pickle

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "c": lambda a: a,
    "fortran": np.asfortranarray,
    "strided": lambda a: a[::2, ::-3],
    "permuted": lambda a: a[:6].reshape(2, 3, 11).transpose(2, 0, 1),
    "scalar": lambda a: a[1:2, 1].reshape(()),
    "no-rows": lambda a: a[:0],
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype),
}

# [a, Fortran-ordered big-endian float32, (0, 3) int64, 0-d bool, a again], written by NumPy 1.26, protocols 0 to 5.
NUMPY_1 = [
    "c-n1}&1!={5Xb3tp2SPTeyV}ehSH0d9D49n5Zzc2j9JWjkoM3=>4Ws$+8HMW^C7IW>-=Z<{nv>)FTnNV-cKuc80yu2>_S@(Lpeb))b7w9!!"
    "Wu4UP8n==y#m=3ZhIv@ETm<4!hbNq3&q|-awRB;4S1`8QNZgk5QPwt4}emF-n2e*fdj+Y5XSTi34_F^4LOR`}|$uMnfh9E=e*&wHE6%<PVsP"
    "VY}UC_Y&qsI5L5X3L1iV8wEZohaV0b4$mB3em}5H3JnoTLQ~X5NvO&O0h@oDN<l;PN|VN%<0}gd6C1pkctNblwMv=z5tHjHVl9YRE{U(-o6Y"
    "j{^mUdyKiw$)UY@{f$$qs$I86q$x%8_o`_(aNl9OM-esy~C+osrUz3^)U%8i`;HaC8cQT%&cQB-4#)7BRSR8y#rI5rxhfYpX{_7cd%3}om=P"
    "0B!lF)AD}v&683VHqR;#8FgNBvvm5<qjo=FU49aop;I1AfR0R0WX!z?E",
    "c-m!=%T59@7)Cpws8#WP#rw5*K|oYYj1uDpCt=YQ8#7^sF+&0a-%u7r7e0y)Vq$_1rtQE830<^J`?crv?+XaC+*Ym8PFQu%PSjdeQ7L&|sZ9"
    ";fw(4$Ecr8m%XuTM9%iV2+m`()3mSNS)w$-Gzt0oj9tf&z}OpF#Ia;%m_#Z4h1Fvc-1Fu_5Yt}#8NhXp2kx0Xe_A<s^+Vo08OO=CKrOwxQZM"
    "FpZ9GfWTrx87m4P$)eA%I0@UVa`-pM{=VwL9(RtMRMekJpFvXVcwDC1&&35CDYNE)74&fq{<4%YF}l|3FsND_vtZ?jevfS%^~`hsd9=QBi)w"
    "E5%SRakQ2XCE1ge5u&q>fICcg022}Qy$^plruR@f{QJ_-E;<&HEIO0;p87{$zUjoZ8%vMEyplcY^Yzw<daT@116F46LCKT|3BPoILfMlkS>XX"
    "tOm%*doks0D${g+%NG+e8v-Ed?DZcT^Ui9awbur2",
    "c-m#rNlyYX6bJA(;93>;ec!<a#T65y#CUQN4n1)(6FQ6;5*YXo<v{e{#f5L-2Qe|h52o#~T<D=~`r7yFYhOc;ps4Lti{)C}F8NNpSS`qW*7v"
    "hDX8Dd?@+#7=+LFO&?qXi98AZsXH-v4=F6A7%!W>Ue7<w`W5ef8W`qWs+%Dk6A-#hv_20k#z!J?*NhRpCghFU3evQ}0nhch8{;^_n<_0JDPI"
    "7XvpILLO5v2;59@TXePnIthT>TXXaqN0?f#y6$tj_!Ydo-yGnZIWY3Vp_O{8{BioRroB&TnC?bTizKKw71By)b?($+~uu^PvtFAv!zl*w~bd"
    "d2|B&f_#(op#@9I3B{n+vrpC88wlz)~-)Z6bBz83(<%lWV?Jjdq)NRWW)x7!^&$5`PNvFcFALBTXIP4g4Z5(kND<js*E)q!S>?a(j?b2Rw)@"
    "7UrPpP8@E_4Bx97%~Q;W8)w4{Zjm5C",
    "c-m#p%TB^T6b9fkR8cG5Z+O3J@zO-&f`w5cu58l9tk@7kOHE0n@Ym^r=z@&`Z{dUZZa4#_8zz~V%*@IE&1q|8kl_YVz1cF|M(COK=v~w*VOV"
    "MDuc7BQf)5c!uF%1TReDezz9MDOH?$&iFwwyzN7}HMm9n%SOvR;D(Q0}+rb{Uzdb`C;uiJsnF>6>_iOIWrWNh1h>B})#EE1S=dc_Ro>5mHZM"
    "9=+C%nK|yKJy3QqA#^2j^#vK@nhf)s|r}-SRVlo*cbz{PPdqqZ&WA{J+|epraJ!;VN+l$!L}8)!?CL{QrKRM)$-U^*a63(#QgC-j$|K%V}X+"
    "-?o`E{ah%JzTpZ-wz)(Rsj*HQ+zi>GgcO~N(!?l3v_-W7l2f03sV*",
    "c-m`VnOeoj00yyBG<rnyN^=V;^^)_8QuT66b4oH3i;5B}r}Xf|7o{fW=M|R}l_r-=nLMS36|8Vd4|`q;M9JhS-VCi%oEej*v`-0|qT$Wx&E("
    "D8HYJ0lhc%_7vLF?ti7Cx!N@oW|p1Ft7W{RJmpVxmN02AH}B~y|*op~5681^tYFgP)|{I8w@6v|-EU;~+*!GUTrFVH*_Wb^E>nAhPf0rH!J0"
    "|SG71CRz`5Pty!19r0+U}k4pAk5AX#O6}$CTM~*CmA9;tOlz`85zO)xl;82wI`LM",
    "c-m`Vof^T&00yyBG<t;cN^=V;^^)_8QuTn$)S}GfDLvfrX+`<DNu_CNsYO#JPtlmh!vF;q40{+H7@Qbf{#Q@wVFl|2(kUgC1*t%VJxpmvQ#w"
    "1^rvy#W@Mi8|w3*`P=jZhw2*89lL&=mRZzgZ%wkbV~&QnT&$}*TWrb#d$fP(`AgM9;#24N6?0RzL740fQwCddZc;W5|^ZZOPHumPDC2m>;>v"
    "1n%iY0uz;X@-Uo10z^>k|DD7HCU|IglZK?)dK)UWq>p",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "params.pkl"


def numbers(dtype: str) -> np.ndarray:
    values = np.random.default_rng(4).integers(0, 100, (7, 11))
    return (values % 2 if dtype == "?" else values).astype(dtype)


@pytest.mark.book_data
@pytest.mark.parametrize(
    ("name", "sha256", "shapes"),
    [
        (
            "Rnnlm.pkl",
            "d872e609e328834f86a0de9fea7b2968bd95a22ea748880ccaee96923e9a5903",
            [(10000, 100), (100, 400), (100, 400), (400,), (100, 10000), (10000,)],
        ),
        (
            "AttentionSeq2seq.pkl",
            "e648820a02cdaccc599ffb2aef65e785f49fb0cfc99d4c461a847fe231fedd54",
            [(59, 16), (16, 1024), (256, 1024), (1024,)] * 2 + [(512, 59), (59,)],
        ),
    ],
)
def test_files_that_come_with_the_book(
    book_data: Path, path: Path, name: str, sha256: str, shapes: list[tuple[int, ...]]
) -> None:
    params = load_book_pickle(book_data / name)
    assert [p.shape for p in params] == shapes
    assert all(p.dtype == np.float32 and p.flags.c_contiguous and p.flags.writeable for p in params)
    data = (book_data / name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == sha256
    for ours, plain in zip(params, pickle.loads(data), strict=True):
        np.testing.assert_array_equal(ours, plain)
    save_book_pickle(path, params)
    for ours, again in zip(params, load_book_pickle(path), strict=True):
        np.testing.assert_array_equal(ours, again)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["?", "i1", "i4", "u8", "f2", "f4", "f8", ">f2", ">f4"])
@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_this_numpy(path: Path, protocol: int, dtype: str, layout: str) -> None:
    array = LAYOUTS[layout](numbers(dtype))
    for fix_imports in (True, False):
        path.write_bytes(pickle.dumps([array, np.zeros_like(array), array], protocol, fix_imports=fix_imports))
        got = load_book_pickle(path)
        assert len(got) == 3 and got[0] is got[2] and got[0] is not got[1]
        assert all(a.dtype == np.float32 and a.flags.c_contiguous and a.flags.writeable for a in got)
        np.testing.assert_array_equal(got[0], array)
        np.testing.assert_array_equal(got[1], np.zeros_like(array))


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_numpy_1(path: Path, protocol: int) -> None:
    data = zlib.decompress(base64.b85decode(NUMPY_1[protocol]))
    assert b"numpy.core" in data and b"numpy._core" not in data
    path.write_bytes(data)
    a, fortran, empty, scalar, again = load_book_pickle(path)
    np.testing.assert_array_equal(a, [[0.5, -1, 2], [3, 4, 65504]])
    np.testing.assert_array_equal(fortran, [[0, 1, 2], [3, 4, 5]])
    assert empty.shape == (0, 3) and scalar.shape == () and scalar == 1 and again is a


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["?", "i4", "f2", "f4", "f8", ">f4"])
def test_the_book_reads_what_we_write(path: Path, dtype: str, layout: str) -> None:
    array = LAYOUTS[layout](numbers(dtype))
    # What the book's load_params does.
    save_book_pickle(path, [array, np.arange(3.0), array])
    params = pickle.loads(path.read_bytes())
    assert type(params) is list and all(type(p) is np.ndarray and p.dtype == np.float16 for p in params)
    for got, expected in zip(params, [array, np.arange(3.0), array], strict=True):
        assert got.shape == expected.shape
        np.testing.assert_array_equal(got, expected)
    assert params[0] is not params[2]
    np.testing.assert_array_equal(load_book_pickle(path)[0], array)


def test_written_names_are_those_of_numpy_1(path: Path) -> None:
    save_book_pickle(path, [np.zeros((300, 70_000 // 300), np.float32)])
    assert b"numpy.core.multiarray" in path.read_bytes() and b"numpy._core" not in path.read_bytes()
    save_book_pickle(path, [])
    assert pickle.loads(path.read_bytes()) == [] == load_book_pickle(path)


def test_float16_range(path: Path) -> None:
    kept = np.array([65504, 65519, -65519, 1e-8, np.inf, -np.inf, np.nan], np.float32)
    save_book_pickle(path, [kept])
    expected = np.array([65504, 65504, -65504, 0, np.inf, -np.inf, np.nan], np.float32)
    np.testing.assert_array_equal(load_book_pickle(path)[0], expected)
    before = path.read_bytes()
    for value in (65520, -7e4, 1e300):
        with pytest.raises(ValueError, match=r"params\[1\] holds .*save_arrays") as caught:
            save_book_pickle(path, [kept, np.array([1, np.inf, value])])
        assert str(float(value)) in str(caught.value)
    with pytest.raises(ValueError, match=r"params\[0\] holds 70000"):
        save_book_pickle(path, [np.array(70000)])
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "entry", [None, 1.0, [1.0], np.float32(1), np.array(["a"]), np.zeros(2, "c8"), np.ma.zeros(2), np.array([None])]
)
def test_only_numbers_are_written(path: Path, entry: Any) -> None:
    with pytest.raises(ValueError, match=r"params\[1\] is a"):
        save_book_pickle(path, [np.zeros(2), entry])
    with pytest.raises(ValueError, match="list of arrays"):
        save_book_pickle(path, np.zeros((2, 2)))  # type: ignore[arg-type]
    assert not path.exists()


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
    ids=lambda content: repr(content)[:40],
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
    "too many opcodes": b"\x80\4]" + b"Na" * 60_000 + b".",
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
        timeout=60,
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


def test_size_limit_and_missing_files(path: Path) -> None:
    save_book_pickle(path, [np.zeros(1000)])
    with pytest.raises(CheckpointError, match="max_bytes = 2000"):
        load_book_pickle(path, max_bytes=2000)
    assert load_book_pickle(path, max_bytes=3000)[0].shape == (1000,)
    with pytest.raises(FileNotFoundError):
        load_book_pickle(path.with_name("missing.pkl"))
    with pytest.raises(CheckpointError, match="load_book_pickle"):
        load_arrays(path)

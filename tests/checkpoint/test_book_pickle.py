"""The book's parameter files: read whatever NumPy wrote them, written so that the book reads them."""

import base64
import hashlib
import pickle
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


def test_size_limit_and_missing_files(path: Path) -> None:
    save_book_pickle(path, [np.zeros(1000)])
    with pytest.raises(CheckpointError, match="max_bytes = 2000"):
        load_book_pickle(path, max_bytes=2000)
    assert load_book_pickle(path, max_bytes=3000)[0].shape == (1000,)
    with pytest.raises(FileNotFoundError):
        load_book_pickle(path.with_name("missing.pkl"))
    with pytest.raises(CheckpointError, match="load_book_pickle"):
        load_arrays(path)

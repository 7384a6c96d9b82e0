"""Hundreds of damaged files: each gives pairs, or an error that names the file, the line and what was expected."""

import gzip
import json
import random
import re
from itertools import pairwise

import pytest

from fasts2s.text import Pairs, Texts, read_pairs, read_texts

PAIRS = [
    ("안녕하세요, 여러분", "Hello everybody"),
    ("잘 가", 'Good "bye"'),
    ("日本語", "Japanese\u202f:"),
    ("é", "e acute"),
]
TURNS = [text for pair in PAIRS for text in pair]


def _csv(rows):
    return "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows) + "\n"


def _squad(pairs):
    qas = [{"question": q, "answers": [{"text": a}]} for q, a in pairs]
    return json.dumps(
        {"data": [{"title": "t", "paragraphs": [{"context": "c", "qas": qas}]}]}, ensure_ascii=False, indent=0
    )


GOOD = {
    ("tsv", "a.tsv"): "".join(f"{a}\t{b}\n" for a, b in PAIRS),
    ("csv", "a.csv"): _csv(PAIRS),
    ("jsonl", "a.jsonl"): "".join(json.dumps({"q": a, "a": b}, ensure_ascii=False) + "\n" for a, b in PAIRS),
    ("parallel", "a.ko"): "".join(f"{a}\n" for a, _ in PAIRS),
    ("squad", "a.json"): _squad(PAIRS),
    ("dialogue", "a.txt"): "".join(f"{turn}\n" for turn in TURNS),
    ("dialogue", "b.tsv"): "".join(f"x\t1\t{i}\t{turn}\n" for i, turn in enumerate(TURNS)),
    ("dialogue", "b.jsonl"): json.dumps(TURNS, ensure_ascii=False) + "\n",
}


def _flipped(seed):
    def flip(data):
        draw, out = random.Random(seed), bytearray(data)
        for _ in range(1 + seed):
            out[draw.randrange(len(out))] ^= 1 << draw.randrange(8)
        return bytes(out)

    return flip


def _noise(seed, size=3000):
    return lambda data: random.Random(seed).randbytes(size)


def _recoded(encoding):
    return lambda data: data.decode().encode(encoding, "replace")


def _in_line(number, put):
    def change(data):
        lines = data.split(b"\n")
        lines[min(number, len(lines) - 1)] = put(lines[min(number, len(lines) - 1)])
        return b"\n".join(lines)

    return change


def _zipped(spoil):
    return lambda data: spoil(gzip.compress(data, mtime=0))


DAMAGES = {
    "nothing": lambda data: b"",
    "only blanks": lambda data: b"  \n\t\n \r\n",
    "only tabs": lambda data: b"\t\t\t\n" * 4,
    "only commas": lambda data: b",,,\n" * 4,
    "utf-8 mark": lambda data: b"\xef\xbb\xbf" + data,
    "utf-8 mark alone": lambda data: b"\xef\xbb\xbf",
    "utf-16": _recoded("utf-16"),
    "utf-16-be with mark": lambda data: b"\xfe\xff" + _recoded("utf-16-be")(data),
    "utf-16-le": _recoded("utf-16-le"),
    "utf-32": _recoded("utf-32"),
    "utf-16 mark alone": lambda data: b"\xff\xfe",
    "cp949": _recoded("cp949"),
    "shift_jis": _recoded("shift_jis"),
    "latin-1": _recoded("latin-1"),
    "zero byte": _in_line(1, lambda line: line[:1] + b"\0" + line[1:]),
    "zero bytes": lambda data: bytes(2000),
    "cut in a character": lambda data: data[: data.index("하".encode()) + 1],
    "half": lambda data: data[: len(data) // 2],
    "surrogates": _in_line(1, lambda line: b"\xed\xa0\x80" + line),
    "overlong": _in_line(1, lambda line: b"\xc0\xaf" + line),
    "byte in line 2": _in_line(1, lambda line: line + b"\xff"),
    "byte in the last line": lambda data: data + b"\x80",
    "CR only": lambda data: data.replace(b"\n", b"\r"),
    "CR alone": lambda data: b"\r",
    "one column": lambda data: re.sub(rb"[\t,].*", b"", data),
    "long line": lambda data: data + b"x" * 10_000_000,
    "long first line": lambda data: b"x\t" * 5_000_000 + data,
    "quote not closed": _in_line(2, lambda line: b'"' + line),
    "quote in a quote": _in_line(1, lambda line: b'"a" b,c\t"d'),
    "line without separator": _in_line(2, lambda line: b"word"),
    "gzip cut": _zipped(lambda data: data[:-9]),
    "gzip cut short": _zipped(lambda data: data[:15]),
    "gzip header": _zipped(lambda data: data[:4]),
    "gzip garbage": _zipped(lambda data: data[:30] + b"\xff" * 40 + data[70:]),
    "gzip checksum": _zipped(lambda data: data[:-8] + b"\0\0\0\0" + data[-4:]),
    "gzip and more": _zipped(lambda data: data + b"more"),
    "gzip of nothing": lambda data: gzip.compress(b""),
    "gzip of utf-16": lambda data: gzip.compress(_recoded("utf-16")(data)),
    "gzip twice": lambda data: gzip.compress(gzip.compress(data)),
    "braces": lambda data: b"{" * 100_000,
    "brackets": lambda data: b"[" * 100_000 + b"]" * 100_000,
    "numbers": lambda data: b"1\n2\n3\n",
    "null": lambda data: b"null\nnull\n",
    "empty object": lambda data: b"{}\n{}\n",
    "empty array": lambda data: b"[]\n[]\n",
    "objects": lambda data: b'{"q": {"a": 1}, "a": [2]}\n',
    "half surrogates": lambda data: b'{"q": "\\ud800", "a": "b"}\n["\\udc00", "c"]\n',
    "zero character": lambda data: b'{"q": "a\\u0000", "a": "b"}\n["\\u0000", "c"]\n',
    "long number": lambda data: b'{"q": ' + b"1" * 9000 + b', "a": NaN}\n',
    "data of another kind": lambda data: b'{"data": {"paragraphs": 1}}',
    "data of texts": lambda data: b'{"data": ["a", "b"]}',
    "paragraphs of texts": lambda data: b'{"data": [{"paragraphs": ["a"]}]}',
    "questions of texts": lambda data: b'{"data": [{"paragraphs": [{"context": "c", "qas": ["q"]}]}]}',
    "answers of texts": lambda data: b'{"data": [{"paragraphs": [{"qas": [{"question": "q", "answers": ["a"]}]}]}]}',
    "a question of a list": lambda data: (
        b'{"data": [{"paragraphs": [{"qas": [{"question": [], "answers": [{"text": "a"}]}]}]}]}'
    ),
    "turns of numbers": lambda data: b'{"turns": [1, {"text": {}}, []]}\n',
    **{f"flipped {seed}": _flipped(seed) for seed in range(8)},
    **{f"noise {seed}": _noise(seed) for seed in range(4)},
}  # fmt: skip
CASES = [(kind, name, damage) for (kind, name) in GOOD for damage in DAMAGES]

# Where something has no line: a whole file, or a place in JSON of SQuAD.
PLACE = re.compile(r"line \d+|has no (pair|text)|data\[|the file|damaged gzip data")


def outcome(read, path):
    """Return the error of a reader, or None; fail where it is neither what was to be expected nor pairs."""
    try:
        found = read()
    except (ValueError, FileNotFoundError, IsADirectoryError) as error:
        assert not isinstance(error, UnicodeError)
        assert str(path) in str(error)
        assert PLACE.search(str(error))
        assert len(str(error)) < 1000
        return error
    assert isinstance(found, Pairs | Texts)
    assert len(found) >= 1
    assert all(
        text.strip() and "\0" not in text for row in found for text in ([row] if isinstance(row, str) else row)
    )
    return None


def test_there_are_enough_of_them():
    assert len(CASES) >= 400


@pytest.mark.parametrize(("kind", "name"), GOOD)
def test_the_files_are_good_before(tmp_path, kind, name):
    path, target = tmp_path / name, tmp_path / "other"
    path.write_bytes(GOOD[kind, name].encode())
    target.write_bytes("\n".join(b for _, b in PAIRS).encode())
    pairs = read_pairs(path, format=kind, target_path=target if kind == "parallel" else None)
    assert list(pairs) == (list(pairwise(TURNS)) if kind == "dialogue" else PAIRS)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_give_pairs_or_a_clear_error(tmp_path, damage):
    good = tmp_path / "good"
    good.write_bytes("\n".join(b for _, b in PAIRS).encode())
    refused = 0
    for (kind, name), text in GOOD.items():
        path = tmp_path / name
        path.write_bytes(DAMAGES[damage](text.encode()))
        if kind == "parallel":
            errors = [
                outcome(lambda p=path: read_pairs(p, target_path=good), path),
                outcome(lambda p=path: read_pairs(good, target_path=p), path),
            ]
        else:
            errors = [
                outcome(lambda k=kind, p=path: read_pairs(p, format=k), path),
                outcome(lambda p=path: read_pairs(p), path),
                outcome(lambda p=path: read_texts(p), path),
                outcome(lambda p=path: read_pairs(p, encoding="cp949"), path),
            ]
        refused += sum(error is not None for error in errors)
    if not damage.startswith(("utf-8 mark", "CR only", "flipped")):
        assert refused


@pytest.mark.parametrize(
    ("kind", "name", "damage", "line"),
    [
        ("tsv", "a.tsv", "line without separator", 3),
        ("tsv", "a.tsv", "long line", 5),
        ("tsv", "a.tsv", "zero byte", 2),
        ("tsv", "a.tsv", "byte in line 2", 2),
        ("tsv", "a.tsv", "byte in the last line", 5),
        ("csv", "a.csv", "quote in a quote", 2),
        ("csv", "a.csv", "quote not closed", 3),
        ("jsonl", "a.jsonl", "quote not closed", 3),
        ("jsonl", "a.jsonl", "half", 2),
        ("jsonl", "a.jsonl", "half surrogates", 1),
        ("squad", "a.json", "quote not closed", 3),
        ("dialogue", "b.jsonl", "turns of numbers", 1),
        ("dialogue", "b.tsv", "line without separator", 3),
    ],
)
def test_the_right_line_is_named(tmp_path, kind, name, damage, line):
    path = tmp_path / name
    path.write_bytes(DAMAGES[damage](GOOD[kind, name].encode()))
    with pytest.raises(ValueError, match=rf"{name}, line {line}: .*(expected|mend|store|no JSON)"):
        read_pairs(path, format=kind)

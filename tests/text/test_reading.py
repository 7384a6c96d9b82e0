"""Every format of files that pairs and texts are read from."""

import gzip
import json
import os
import threading

import pytest

from fasts2s.text import read_pairs, read_texts

PAIRS = [("안녕.", "Hello."), ("日本 語", "Ja\u202f: pan"), ("caf\u00e9", "e\u0301te\u2028x")]
SQUAD = {
    "version": "1.1",
    "data": [
        {
            "title": "T",
            "paragraphs": [
                {
                    "context": "The sky is blue.",
                    "qas": [
                        {"question": "Which colour?", "id": "1", "answers": [{"text": "blue"}, {"text": "Blue"}]},
                        {"question": "Why?", "id": "2", "answers": [], "is_impossible": True},
                    ],
                }
            ],
        }
    ],
}


@pytest.fixture
def write(tmp_path):
    """Write text or bytes, or JSON, into a file of a name; return its path."""

    def write(name, content, encoding="utf-8"):
        path = tmp_path / name
        data = content if isinstance(content, bytes) else content.encode(encoding)
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write


def rows(pairs):
    return list(pairs)


# ---- tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("name", ["a.tsv", "a.txt", "a.tsv.gz", "a"])
def test_tabs(write, end, last, name):
    text = end.join("\t".join([*pair, "by whom"]) for pair in PAIRS) + end * last
    pairs = read_pairs(write(name, text))
    assert rows(pairs) == PAIRS
    assert (pairs.format, pairs.header, pairs.duplicates, pairs.empty) == ("tsv", (), 0, 0)
    assert pairs.origin.endswith(name)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949", "euc-kr", "johab"]
)
def test_encodings(write, encoding):
    pairs = [("안녕하세요", "Hello"), ("b", "가다")]
    path = write("a.tsv", "\n".join("\t".join(pair) for pair in pairs), encoding)
    assert rows(read_pairs(path, encoding=encoding)) == pairs
    if encoding == "utf-8-sig":
        assert rows(read_pairs(path)) == pairs  # a mark in front is no part of the first text


def test_japanese_encodings(write):
    for encoding in ("shift_jis", "euc_jp", "iso2022_jp", "cp932"):
        assert rows(read_pairs(write("a.tsv", "こんにちは\tカタカナ", encoding), encoding=encoding)) == [
            ("こんにちは", "カタカナ")
        ]


def test_csv_with_quotes_and_lines_in_cells(write):
    path = write("a.csv", 'id,"q, 1",answer\r\n1,"say ""hi""\r\nagain",b\r\n\r\n2,c,"d,e"\r\n')
    pairs = read_pairs(path, source_column="q, 1", target_column="answer")
    assert rows(pairs) == [('say "hi"\nagain', "b"), ("c", "d,e")]
    assert pairs.header == ("id", "q, 1", "answer")
    assert pairs.empty == 1
    assert rows(read_pairs(path, source_column=2, target_column=0)) == [("answer", "id"), ("b", "1"), ("d,e", "2")]


def test_csv_with_semicolons(write):
    assert rows(read_pairs(write("a.csv", "a;b\nc, d;e\n"))) == [("a", "b"), ("c, d", "e")]
    assert rows(read_pairs(write("a.csv", "a,b;c\nd;e,f\n"))) == [("a", "b;c"), ("d;e", "f")]


@pytest.mark.parametrize(
    ("first", "header"),
    [
        ("Q\tA", True),
        ("Source\t TARGET", True),
        ("question\tanswer\tid", True),
        ("Go.\tHi.", False),
        ("text\tHi.", False),
    ],
)
def test_a_header_is_seen_by_customary_names(write, first, header):
    pairs = read_pairs(write("a.tsv", f"{first}\na\tb\n"))
    assert len(pairs) == 1 if header else 2
    assert pairs.header == (tuple(first.split("\t")) if header else ())


def test_columns_by_number_and_by_name(write):
    path = write("a.tsv", "n\tsrc\ttrg\n1\ta\tb\n")
    assert rows(read_pairs(path, source_column="src", target_column="trg")) == [("a", "b")]
    assert rows(read_pairs(path, source_column=1, target_column=2)) == [("a", "b")]
    assert rows(read_pairs(path, source_column="trg", target_column=0)) == [("b", "1")]
    with pytest.raises(
        ValueError, match=r"a\.tsv, line 1: no column 'en' in the header, expected one of 'n', 'src', 'trg'"
    ):
        read_pairs(path, source_column="en")
    with pytest.raises(ValueError, match=r"line 1: 3 columns, expected at least 4 apart by a tab: 'n'"):
        read_pairs(path, target_column=3)


def test_duplicates_and_empty_rows_are_counted(write):
    pairs = read_pairs(write("a.tsv", "a\tb\n a \tb\n\n\tb\na\t \n \t \na\tc\n"))
    assert rows(pairs) == [("a", "b"), ("a", "c")]
    assert (pairs.duplicates, pairs.empty) == (1, 4)


# ---- JSON --------------------------------------------------------------------------------------------------------


def test_json_lines(write):
    lines = [{"q": "가", "a": "1"}, {"a": "2", "q": "나", "more": 3}, {"q": 1.50, "a": 12}, {"q": None, "a": "x"}]
    path = write("a.jsonl", "\n".join(map(json.dumps, lines)) + "\n\n")
    pairs = read_pairs(path)  # numbers count the keys of the first line
    assert rows(pairs) == [("가", "1"), ("나", "2"), ("1.5", "12")]
    assert (pairs.format, pairs.empty) == ("jsonl", 2)
    assert rows(read_pairs(path, source_column="a", target_column="q"))[0] == ("1", "가")


def test_json_lines_of_arrays_and_of_nested_objects(write):
    assert rows(read_pairs(write("a.jsonl", '["a", "b", "c"]\n["d", "e", "f"]'), target_column=2)) == [
        ("a", "c"),
        ("d", "f"),
    ]
    path = write("a.ndjson", '{"translation": {"en": "a", "ko": "가"}, "x.y": "b"}')
    assert rows(read_pairs(path, source_column="translation.en", target_column="translation.ko")) == [("a", "가")]
    assert rows(read_pairs(path, source_column="x.y", target_column="translation.ko")) == [("b", "가")]


def test_json_is_recognised_without_its_name(write):
    assert read_pairs(write("a.txt", '{"a": "b", "c": "d"}')).format == "jsonl"
    assert read_pairs(write("a.json", '{"a": "b", "c": "d"}\n{"a": "e", "c": "f"}')).format == "jsonl"
    assert read_pairs(write("a", json.dumps(SQUAD))).format == "squad"
    assert read_pairs(write("b.json.gz", json.dumps(SQUAD, indent=1))).format == "squad"


def test_squad(write):
    path = write("a.json", json.dumps(SQUAD))
    pairs = read_pairs(path)
    assert rows(pairs) == [("Which colour?", "blue")]
    assert pairs.empty == 1  # a question without an answer
    both = read_pairs(path, source_column="context+question", target_column="title")
    assert rows(both) == [("The sky is blue. Which colour?", "T")]
    assert read_texts(path, column="context").texts == ["The sky is blue."]
    with pytest.raises(ValueError, match="column is 'answers', expected one of question, answer, context, title"):
        read_pairs(path, target_column="answers")


# ---- two files, dialogues ----------------------------------------------------------------------------------------


def test_parallel_files(write):
    left, right = write("a.en", "a\n\nc d\na\n"), write("a.ko.gz", "가\r\n나\r\n다\r\n가")
    pairs = read_pairs(left, target_path=right)
    assert rows(pairs) == [("a", "가"), ("c d", "다")]
    assert (pairs.format, pairs.duplicates, pairs.empty, pairs.origin) == ("parallel", 1, 1, f"{left}, {right}")
    for a, b, longer in ((left, write("b", "1\n2\n"), left), (write("b", "1\n"), left, left)):
        with pytest.raises(
            ValueError, match=r"line [23]: .*b has no such line; it has [12] lines, .*a.en 4"
        ) as caught:
            read_pairs(a, target_path=b)
        assert str(longer) in str(caught.value)
    with pytest.raises(ValueError, match="target_path is None, expected the file of the targets"):
        read_pairs(left, format="parallel")
    with pytest.raises(ValueError, match="format is 'csv' with a target_path, expected 'parallel'"):
        read_pairs(left, format="csv", target_path=right)


def test_dialogues(write):
    expected = [("a", "b"), ("b", "c"), ("d", "e")]
    plain = write("a.txt", "a\nb\nc\n\n\nd\ne\n\nf\n")
    lines = write("a.jsonl", '["a", "b", "c"]\n{"turns": ["d", "e"]}\n["f"]')
    chats = write(
        "b.jsonl", '{"messages": [{"role": "user", "content": "a"}, {"content": "b"}, {"text": "c"}]}\n["d", "e"]'
    )
    table = write("a.tsv", "t\t1\t0\ta\nt\t1\t1\tb\nt\t1\t2\tc\nt\t2\t0\td\nt\t2\t1\te\nt\t3\t0\tf\n")
    for path in (plain, lines, chats, table):
        assert rows(read_pairs(path, format="dialogue")) == expected
    assert read_pairs(table).format == "dialogue"
    assert read_texts(plain, format="dialogue").texts == list("abcdef")
    assert read_texts(table).texts == list("abcdef")


def test_columns_where_there_are_none(write):
    table, plain = write("a.tsv", "1\t0\ta\n1\t1\tb\n"), write("a.txt", "a\nb\n")
    assert rows(read_pairs(table, source_column=2, target_column=0)) == [("a", "1"), ("b", "1")]
    assert read_texts(table, column=2).format == "tsv"
    with pytest.raises(ValueError, match="column is 1, 0 with format 'dialogue', which has none"):
        read_pairs(table, format="dialogue", source_column=1, target_column=0)
    with pytest.raises(ValueError, match="column is 'a', 1 with format 'parallel'"):
        read_pairs(plain, target_path=plain, source_column="a")
    with pytest.raises(ValueError, match="column is 1 with format 'lines'"):
        read_texts(plain, column=1)


def test_a_turn_that_is_missing_parts_a_dialogue(write):
    path = write("a.tsv", "1\t0\ta\n1\t1\tb\n1\t3\tc\n1\t4\td\n2\t5\te\n")
    assert rows(read_pairs(path, format="dialogue")) == [("a", "b"), ("c", "d")]


def test_tables_with_numbers_are_no_dialogues(write):
    assert read_pairs(write("a.tsv", "1\t0\t2\n2\t1\t3\n")).format == "tsv"
    assert read_pairs(write("a.tsv", "1\t0\tbad\n2\t0\tbad\n3\t1\tgood\n")).format == "tsv"
    assert read_pairs(write("a.tsv", "x\t5\tb\ny\t6\tc\n")).format == "tsv"


# ---- single texts ------------------------------------------------------------------------------------------------


def test_texts_of_lines(write):
    path = write("a.txt", "\ufeff a\t\n\n a\t\n\tb\u2028c")
    texts = read_texts(path)
    assert texts.texts == [" a\t", " a\t", "\tb\u2028c"]
    assert (texts.empty, texts.format) == (1, "lines")
    assert read_texts(path, keep_empty=True).texts == [" a\t", "", " a\t", "\tb\u2028c"]
    once = read_texts(path, unique=True)
    assert (once.texts, once.duplicates) == ([" a\t", "\tb\u2028c"], 1)


def test_texts_of_columns(write):
    assert read_texts(write("a.tsv", "a\tb\nc\td\n"), column=1).texts == ["b", "d"]
    assert read_texts(write("a.csv", 'text,label\n"a, b",1\n'), column="text").texts == ["a, b"]
    assert read_texts(write("a.csv", "text,label\nc,1\n")).texts == ["c"]
    assert read_texts(write("a.jsonl", '{"text": "a"}\n{"text": "b"}')).texts == ["a", "b"]
    for name, content in (("a.txt", "\n \n"), ("a.tsv", ""), ("a.csv", "\n"), ("a.txt.gz", "")):
        with pytest.raises(ValueError, match=f"{name} has no text, expected at least one"):
            read_texts(write(name, content), keep_empty=True)


# ---- limits and errors -------------------------------------------------------------------------------------------


def test_a_line_may_be_as_long_as_max_line(write):
    path = write("a.tsv", "a\tbc\nd\tef")
    assert len(read_pairs(path, max_line=4)) == 2
    with pytest.raises(ValueError, match=r"a\.tsv, line 1: more than 3 characters, expected .* max_line"):
        read_pairs(path, max_line=3)
    with pytest.raises(ValueError, match="max_line is 200000, expected at most 131072 for CSV"):
        read_pairs(write("a.csv", "a,b"), max_line=200_000)


@pytest.mark.parametrize(
    ("data", "line", "encoding"),
    [
        (b"a\tb\r\nc\td\r\n\xff\te\r\n", 3, "utf-8"),
        (b"a\tb\rc\td\r\xbe\xc8\te\r", 3, "utf-8"),
        (b"a\tb\n" * 50_000 + b"\xe2\x82", 50_001, "utf-8"),  # cut in a character, beyond the first block
        ("a\tb\n".encode("utf-16-le") * 9 + b"\x00\xd8a\x00", 10, "utf-16-le"),
        (b"\xef\xbb\xbfa\tb\n\x80", 2, "utf-8"),
        ("가\t나\n".encode("cp949") + b"\xff\xff", 2, "cp949"),
    ],
)
def test_a_wrong_byte_is_found_in_its_line(write, data, line, encoding):
    for name in ("a.tsv", "a.tsv.gz"):
        with pytest.raises(ValueError, match=rf"{name}, line {line}: byte 0x\w\w is no (UTF-8|{encoding}): "):
            read_pairs(write(name, data), encoding=encoding)


def test_errors_of_encodings_name_the_repair(write):
    path = write("a.tsv", "안녕\ta\n", "cp949")
    with pytest.raises(ValueError, match="store the file as UTF-8, or name its encoding, such as 'cp949'"):
        read_pairs(path)
    for encoding in ("utf-16", "utf-16-le"):
        data = "a\tb\n".encode(encoding)
        wanted = (
            "it begins as UTF-16 does: name encoding='utf-16'"
            if encoding == "utf-16"
            else "a zero byte, expected text"
        )
        with pytest.raises(ValueError, match=rf"line 1: .*{wanted}"):
            read_pairs(write("a.tsv", data))
    for encoding in ("latin9000", "base64", "rot13", "", "utf\0"):
        with pytest.raises(ValueError, match=r"encoding is .*, expected one that Python knows"):
            read_pairs(path, encoding=encoding)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file '.*none\.tsv'"):
        read_pairs(tmp_path / "none.tsv")
    with pytest.raises(IsADirectoryError, match="is a folder, expected a text file"):
        read_pairs(tmp_path)


def test_text_without_tabs_says_what_to_choose(write):
    with pytest.raises(
        ValueError, match=r"a\.txt, line 1: no tab between two columns, .* format='csv' or 'dialogue'"
    ):
        read_pairs(write("a.txt", "hello\nyou\n"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_read_once(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes("가\tb\nc\td\n".encode()), daemon=True)
    writer.start()
    assert rows(read_pairs(path)) == [("가", "b"), ("c", "d")]
    writer.join()


def test_files_are_closed(write, monkeypatch):
    # An open file would be a ResourceWarning, which is an error here: also where reading failed in the middle.
    for name in ("a.tsv", "a.tsv.gz"):
        read_pairs(write(name, "a\tb\n"))
        with pytest.raises(ValueError, match="line 2"):
            read_pairs(write(name, "a\tb\nc\n"))

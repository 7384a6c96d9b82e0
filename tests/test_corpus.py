"""Text corpora: splits, vocabularies, the built-in text, the Penn Treebank's loader and download."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasts2s.corpus import Corpus, fetch_ptb, load_ptb, load_text, preprocess_line, ptb, tiny_corpus

PTB_FILES = {
    "ptb.train.txt": " the <unk> of N \n the bank 's of \n",
    "ptb.valid.txt": " bank of sand \n",
    "ptb.test.txt": " of the \n N \n",
}


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


def words(ids: np.ndarray, corpus: Corpus) -> list[str]:
    return [corpus.id_to_word[int(i)] for i in ids]


def sentences(ids: np.ndarray, corpus: Corpus) -> set[str]:
    return {line.strip() for line in " ".join(words(ids, corpus)).split("<eos>") if line.strip()}


def test_load_text_splits_by_lines(tmp_path: Path) -> None:
    lines = [f"line number{i} goes" for i in range(20)]
    corpus = load_text(write(tmp_path / "own.txt", "\n".join(lines) + "\n"), test_fraction=0.2, unk_below=2)
    assert [len(part) for part in (corpus.train, corpus.valid, corpus.test)] == [14 * 4, 2 * 4, 4 * 4]
    assert {part.dtype for part in (corpus.train, corpus.valid, corpus.test)} == {np.dtype(np.int64)}
    assert corpus.word_to_id == {"line": 0, "<unk>": 1, "goes": 2, "<eos>": 3}
    assert corpus.id_to_word == {0: "line", 1: "<unk>", 2: "goes", 3: "<eos>"}
    assert corpus.train.tolist() == [0, 1, 2, 3] * 14
    assert corpus.vocab_size == 4
    assert corpus.name == "own.txt"


def test_load_text_keeps_the_order_of_lines(tmp_path: Path) -> None:
    lines = [f"w{i}" for i in range(10)]
    path = write(tmp_path / "own.txt", "\n".join(lines))
    corpus = load_text(path, valid_fraction=0, test_fraction=0)
    assert words(corpus.train, corpus) == [word for line in lines for word in (line, "<eos>")]
    assert corpus.valid.shape == corpus.test.shape == (0,)
    held_out = load_text(path)
    assert words(held_out.train, held_out)[-2:] == ["w7", "<eos>"]
    assert words(held_out.valid, held_out) == words(held_out.test, held_out) == ["<unk>", "<eos>"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The dog's bark, don\u2019t!", ["the", "dog's", "bark", ",", "don\u2019t", "!", "<eos>"]),
        ("3.11 and 1,000.", ["3.11", "and", "1,000", ".", "<eos>"]),
        ("<unk> x<eos>", ["<unk>", "x", "<eos>", "<eos>"]),
        ("오늘 날씨 좋다", ["오늘", "날씨", "좋다", "<eos>"]),
        ("a\n\nb\r\nc", ["a", "<eos>", "<eos>", "b", "<eos>", "c", "<eos>"]),
    ],
)
def test_load_text_tokens(tmp_path: Path, text: str, tokens: list[str]) -> None:
    corpus = load_text(write(tmp_path / "own.txt", text), valid_fraction=0, test_fraction=0)
    assert words(corpus.train, corpus) == tokens


def test_load_text_by_character(tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", "Ab a\nb한\nb!\n")
    corpus = load_text(path, level="char")
    assert words(corpus.train, corpus) == ["A", "b", " ", "a", "<eos>"]
    assert words(corpus.valid, corpus) == ["b", "<unk>", "<eos>"]
    assert words(corpus.test, corpus) == ["b", "<unk>", "<eos>"]
    assert corpus.word_to_id["<unk>"] == 5


def test_unk_is_only_there_if_needed(tmp_path: Path) -> None:
    corpus = load_text(write(tmp_path / "own.txt", "a b\na\nb\n"))
    assert set(corpus.word_to_id) == {"a", "b", "<eos>"}


def test_unk_below_replaces_rare_words_but_no_line_end(tmp_path: Path) -> None:
    path = write(tmp_path / "own.txt", "a a a b b c\n")
    corpus = load_text(path, unk_below=3, valid_fraction=0, test_fraction=0)
    assert words(corpus.train, corpus) == ["a", "a", "a", "<unk>", "<unk>", "<unk>", "<eos>"]


def test_load_text_reads_gzip(tmp_path: Path) -> None:
    plain = write(tmp_path / "own.txt", "a b\nc\nd e é\n")
    packed = tmp_path / "own.txt.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    one, two = load_text(plain), load_text(packed)
    assert one.word_to_id == two.word_to_id
    np.testing.assert_array_equal(one.train, two.train)


@given(
    st.lists(st.sampled_from(["a", "b b", "c, d", ""]), min_size=3, max_size=40),
    st.floats(0, 0.49),
    st.floats(0, 0.49),
)
def test_split_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], valid_fraction: float, test_fraction: float
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "split.txt", "\n".join([*lines, "a b c , d"]) + "\n")
    try:
        corpus = load_text(path, valid_fraction=valid_fraction, test_fraction=test_fraction)
    except ValueError as error:
        assert "the number held out" in str(error)
        return
    counts = [int((part == corpus.word_to_id["<eos>"]).sum()) for part in (corpus.train, corpus.valid, corpus.test)]
    assert sum(counts) == len(lines) + 1
    assert counts[0] > 0
    for count, fraction in zip(counts[1:], (valid_fraction, test_fraction), strict=True):
        assert (count == 0) == (fraction == 0)
        assert abs(count - fraction * (len(lines) + 1)) <= 1


@pytest.mark.parametrize("level", ["word", "char"])
def test_built_in_text(level: str) -> None:
    corpus = load_text(unk_below=2, level=level)
    total = len(corpus.train) + len(corpus.valid) + len(corpus.test)
    assert total > 40_000
    for part in (corpus.valid, corpus.test):
        assert 0.05 * total < len(part) < 0.15 * total
        assert part[-1] == corpus.word_to_id["<eos>"]
        assert 0 <= part.min() <= part.max() < corpus.vocab_size
    assert sorted(corpus.id_to_word) == list(range(corpus.vocab_size))
    assert corpus.name.startswith("pydoc_data.topics ")
    again = load_text(unk_below=2, level=level)
    assert again.word_to_id == corpus.word_to_id
    assert again.name == corpus.name
    np.testing.assert_array_equal(again.test, corpus.test)


def test_built_in_text_is_prose_and_does_not_leak() -> None:
    corpus = load_text()
    held_out = sentences(corpus.valid, corpus) | sentences(corpus.test, corpus)
    long = {line for line in held_out if len(line.split()) > 8 and "<unk>" not in line}
    train = sentences(corpus.train, corpus)
    assert len(long) > 100
    # The topics repeat whole paragraphs (a fifth of all); single sentences may recur.
    assert len(long & train) < 0.05 * len(long)
    assert "statement" in corpus.word_to_id
    assert not any(set(word) <= set("*=") and len(word) > 2 for word in corpus.word_to_id)


def test_built_in_text_holds_out_what_is_asked() -> None:
    only_train = load_text(valid_fraction=0, test_fraction=0)
    assert only_train.valid.shape == only_train.test.shape == (0,)
    assert "<unk>" not in only_train.word_to_id
    half = load_text(valid_fraction=0, test_fraction=0.4)
    assert 0.3 < len(half.test) / len(only_train.train) < 0.5
    assert half.valid.shape == (0,)


def test_built_in_text_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ImportError, match=r"which this Python lacks: give load_text the path of a text file"):
        load_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": "byte"}, "level is 'byte', expected 'word' or 'char'"),
        ({"unk_below": 0}, "unk_below is 0, expected 1 or more"),
        ({"valid_fraction": -0.1}, "valid_fraction is -0.1"),
        ({"valid_fraction": 0.5, "test_fraction": 0.5}, "together less than 1"),
        ({"test_fraction": float("nan")}, "test_fraction is nan"),
    ],
)
def test_load_text_refuses(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_text(**arguments)  # type: ignore[arg-type]


def test_load_text_bad_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no file '.*missing\.txt', expected UTF-8 text"):
        load_text(tmp_path / "missing.txt")
    with pytest.raises(ValueError, match=r"empty\.txt is empty"):
        load_text(write(tmp_path / "empty.txt", " \n\n"))
    with pytest.raises(ValueError, match=r"has 2 line\(s\), expected more than 2"):
        load_text(write(tmp_path / "short.txt", "a\nb\n"))
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"a\nb \xff\n")
    with pytest.raises(ValueError, match=r"bad\.txt, line 2: byte 0xff is no UTF-8"):
        load_text(bad)
    bad.write_bytes(gzip.compress(b"a\nb\nc\n")[:-9])
    with pytest.raises(ValueError, match=r"bad\.txt: damaged gzip data"):
        load_text(bad)


def test_tiny_corpus() -> None:
    corpus, word_to_id, id_to_word = tiny_corpus()
    assert corpus.dtype == np.int64
    assert corpus.tolist() == [0, 1, 2, 3, 4, 1, 5, 6]
    assert [id_to_word[int(i)] for i in corpus] == ["you", "say", "goodbye", "and", "i", "say", "hello", "<eos>"]
    assert {i: word for word, i in word_to_id.items()} == id_to_word


def test_preprocess_line() -> None:
    _, word_to_id, _ = tiny_corpus()
    assert preprocess_line("You say  HELLO", word_to_id).tolist() == [0, 1, 5]
    assert preprocess_line("say <eos>", word_to_id).tolist() == [1, 6]
    assert preprocess_line("", word_to_id).shape == (0,)
    with pytest.raises(ValueError, match="'farewell' is unknown and the vocabulary has no <unk>"):
        preprocess_line("you say farewell", word_to_id)
    ptb_like = {"the": 0, "N": 1, "n't": 2, "<unk>": 3, ".": 4}
    ids = preprocess_line("The N n't sand.", ptb_like)
    assert ids.dtype == np.int64
    assert ids.tolist() == [0, 1, 2, 3, 4]
    assert preprocess_line("Nn", {"N": 0, "<unk>": 1}, level="char").tolist() == [0, 1]
    with pytest.raises(ValueError, match="level is 'line'"):
        preprocess_line("a", word_to_id, level="line")


@pytest.fixture
def ptb_folder(tmp_path: Path) -> Path:
    for name, text in PTB_FILES.items():
        write(tmp_path / name, text)
    return tmp_path


def books_words(text: str) -> list[str]:
    return text.replace("\n", "<eos>").strip().split()


@pytest.mark.parametrize("packed", [False, True])
def test_load_ptb_gives_the_books_ids(ptb_folder: Path, packed: bool) -> None:
    if packed:
        for name in PTB_FILES:
            path = ptb_folder / name
            (ptb_folder / f"{name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    ids: dict[str, int] = {}
    for word in books_words(PTB_FILES["ptb.train.txt"]):
        ids.setdefault(word, len(ids))
    for data_type, name in (("train", "ptb.train.txt"), ("test", "ptb.test.txt")):
        corpus, word_to_id, id_to_word = load_ptb(data_type, ptb_folder)
        assert corpus.dtype == np.int64
        assert corpus.tolist() == [ids[word] for word in books_words(PTB_FILES[name])]
        assert word_to_id == ids == {"the": 0, "<unk>": 1, "of": 2, "N": 3, "<eos>": 4, "bank": 5, "'s": 6}
        assert id_to_word == {i: word for word, i in ids.items()}


@pytest.mark.parametrize("data_type", ["valid", "val"])
def test_load_ptb_unknown_words(ptb_folder: Path, data_type: str) -> None:
    corpus, word_to_id, _ = load_ptb(data_type, str(ptb_folder))
    assert corpus.tolist() == [5, 2, word_to_id["<unk>"], 4]
    write(ptb_folder / "ptb.train.txt", " bank of \n")
    with pytest.raises(ValueError, match=r"ptb\.valid\.txt: 'sand' is unknown and the vocabulary has no <unk>"):
        load_ptb(data_type, ptb_folder)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_load_ptb_without_blanks_at_line_ends(tmp_path: Path, end: str) -> None:
    write(tmp_path / "ptb.train.txt", f"one two{end}two three{end}")
    corpus, _, id_to_word = load_ptb("train", tmp_path)
    assert [id_to_word[int(i)] for i in corpus] == ["one", "two", "<eos>", "two", "three", "<eos>"]


def test_load_ptb_missing(ptb_folder: Path) -> None:
    (ptb_folder / "ptb.test.txt").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        load_ptb("test", ptb_folder)
    message = str(caught.value)
    assert message.startswith("no ptb.test.txt or ptb.test.txt.gz in ")
    assert "put your copy" in message
    assert "fetch_ptb(" in message
    assert "\n" not in message
    with pytest.raises(ValueError, match="data_type is 'dev', expected one of 'train', 'valid', 'val', 'test'"):
        load_ptb("dev", ptb_folder)


class Server:
    """An opener that serves texts and remembers the addresses asked for."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts, self.urls = texts, []

    urls: list[str]

    def __call__(self, url: str) -> io.BytesIO:
        self.urls.append(url)
        return io.BytesIO(self.texts[url.rsplit("/", 1)[1]].encode())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    hashes = {name: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for name, text in PTB_FILES.items()}
    monkeypatch.setattr(ptb, "_MD5", hashes)
    return Server(dict(PTB_FILES))


def test_checksums_are_the_published_ones() -> None:
    assert ptb._MD5 == {
        "ptb.train.txt": "f26c4b92c5fdc7b3f8c7cdcb991d8420",
        "ptb.valid.txt": "aa0affc06ff7c36e977d7cd49e3839bf",
        "ptb.test.txt": "8b80168b89c18661a38ef683c0dc3721",
    }
    assert ptb.PTB_URL.startswith("https://")


def test_fetch_ptb(tmp_path: Path, server: Server) -> None:
    folder = tmp_path / "new" / "folder"
    paths = fetch_ptb(folder, opener=server)
    assert [path.name for path in paths] == list(PTB_FILES)
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == PTB_FILES
    assert server.urls == [ptb.PTB_URL + name for name in PTB_FILES]
    assert load_ptb("test", folder)[0].tolist() == [2, 0, 4, 3, 4]
    if os.name == "posix":  # no private temporary file's permissions
        assert paths[0].stat().st_mode == write(tmp_path / "other", "").stat().st_mode


def test_fetch_ptb_keeps_what_is_there(tmp_path: Path, server: Server) -> None:
    write(tmp_path / "ptb.valid.txt", PTB_FILES["ptb.valid.txt"])
    fetch_ptb(tmp_path, opener=server)
    assert [url.rsplit("/", 1)[1] for url in server.urls] == ["ptb.train.txt", "ptb.test.txt"]
    fetch_ptb(tmp_path, opener=server)
    assert len(server.urls) == 2


def test_fetch_ptb_from_a_local_address(tmp_path: Path, server: Server) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, text in server.texts.items():
        write(source / name, text)
    paths = fetch_ptb(tmp_path / "copy", base_url=source.as_uri())
    assert [path.read_text(encoding="utf-8") for path in paths] == list(PTB_FILES.values())


def test_fetch_ptb_wrong_checksum_leaves_nothing(tmp_path: Path, server: Server) -> None:
    server.texts["ptb.test.txt"] = "something else"
    folder = tmp_path / "new"
    with pytest.raises(ValueError, match=r"ptb\.test\.txt has MD5") as caught:
        fetch_ptb(folder, opener=server)
    found = hashlib.md5(b"something else", usedforsecurity=False).hexdigest()
    assert f"MD5 {found}, expected {ptb._MD5['ptb.test.txt']}" in str(caught.value)
    assert not folder.exists()


def test_fetch_ptb_size_limit(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ptb, "_MOST_BYTES", 10)
    with pytest.raises(ValueError, match=r"ptb\.train\.txt has more than 10 bytes"):
        fetch_ptb(tmp_path, opener=server)
    assert list(tmp_path.iterdir()) == []


def test_fetch_ptb_replaces_no_other_file(tmp_path: Path, server: Server) -> None:
    other = write(tmp_path / "ptb.valid.txt", "my own")
    with pytest.raises(FileExistsError, match=r"ptb\.valid\.txt has MD5 .*: move it away"):
        fetch_ptb(tmp_path, opener=server)
    assert other.read_text(encoding="utf-8") == "my own"
    assert server.urls == []


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("Name or service\nnot known"),
        urllib.error.URLError(ssl.SSLCertVerificationError(1, "certificate verify failed")),
        TimeoutError(),
        http.client.RemoteDisconnected("closed"),
        http.client.BadStatusLine("?"),
    ],
)
def test_fetch_ptb_offline(tmp_path: Path, error: Exception) -> None:
    asked = []

    def opener(url: str) -> io.BytesIO:
        asked.append(url)
        raise error

    with pytest.raises(ConnectionError) as caught:
        fetch_ptb(tmp_path / "new", opener=opener)
    message = str(caught.value)
    assert message.startswith("ptb.train.txt could not be downloaded from https://")
    assert "put your copy of the ptb.*.txt files into" in message
    assert "\n" not in message
    assert len(asked) == 1  # no second, laxer try
    assert not (tmp_path / "new").exists()


def test_fetch_ptb_breaks_off_while_writing(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        fetch_ptb(tmp_path, opener=server)
    assert list(tmp_path.iterdir()) == []


def test_fetch_ptb_verifies_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[ssl.SSLContext] = []

    def urlopen(url: str, *, timeout: float, context: ssl.SSLContext) -> io.BytesIO:
        seen.append(context)
        return io.BytesIO(b"")

    # What the book does on failure, for the whole process, must not reach this download.
    lax: Callable[..., ssl.SSLContext] = ssl._create_unverified_context
    monkeypatch.setattr(ssl, "_create_default_https_context", lax)
    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    with pytest.raises(ValueError, match="has MD5 d41d8cd98f00b204e9800998ecf8427e"):
        fetch_ptb(tmp_path)
    assert [context.verify_mode for context in seen] == [ssl.CERT_REQUIRED]
    assert seen[0].check_hostname
    with pytest.raises(ValueError, match=r"base_url is 'http://example\.org/', expected https:// or file://"):
        fetch_ptb(tmp_path, base_url="http://example.org/")

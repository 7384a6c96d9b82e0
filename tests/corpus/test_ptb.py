"""The Penn Treebank: loader and download, without its text and without a network."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import os
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from fasts2s.corpus import fetch_ptb, load_ptb, ptb

PTB_FILES = {
    "ptb.train.txt": " the <unk> of N \n the bank 's of \n",
    "ptb.valid.txt": " bank of sand \n",
    "ptb.test.txt": " of the \n N \n",
}


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8"))
    return path


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
    with pytest.raises(ValueError, match="data_type is 'dev', expected one of train, valid, val, test"):
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
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)
    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    with pytest.raises(ValueError, match="has MD5 d41d8cd98f00b204e9800998ecf8427e"):
        fetch_ptb(tmp_path)
    assert [context.verify_mode for context in seen] == [ssl.CERT_REQUIRED]
    assert seen[0].check_hostname
    with pytest.raises(ValueError, match=r"base_url is 'http://example\.org/', expected https:// or file://"):
        fetch_ptb(tmp_path, base_url="http://example.org/")

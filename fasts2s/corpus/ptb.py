"""The Penn Treebank in the form that language models are compared on: a user's own copy, or a download on request.

Its text may not be passed on (LDC99T42, text © Dow Jones), so nothing of it comes with this package.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from fasts2s.corpus._reading import EOS, Ids, ids_of, invert, number_words, read_text
from fasts2s_kernels.checks.arguments import as_path, as_text, called, listed, one_of

PTB_URL = "https://raw.githubusercontent.com/tomsercu/lstm/master/data/"

Opener = Callable[[str], AbstractContextManager[IO[bytes]]]

# As published by torchtext. MD5 tells a damaged or another file apart, which is all it is asked for here.
_MD5 = {
    "ptb.train.txt": "f26c4b92c5fdc7b3f8c7cdcb991d8420",
    "ptb.valid.txt": "aa0affc06ff7c36e977d7cd49e3839bf",
    "ptb.test.txt": "8b80168b89c18661a38ef683c0dc3721",
}
_FILE_OF = {"train": "ptb.train.txt", "valid": "ptb.valid.txt", "val": "ptb.valid.txt", "test": "ptb.test.txt"}
_MOST_BYTES = 16 * 2**20  # three times the largest file
_TIMEOUT = 60.0  # s


def load_ptb(
    data_type: str = "train", directory: str | os.PathLike[str] = "."
) -> tuple[Ids, dict[str, int], dict[int, str]]:
    """Read one part of the Penn Treebank.

    Parameters
    ----------
    data_type : 'train', 'valid' (or 'val'), 'test'
    directory : folder with ptb.train.txt and the part asked for, plain or as `.txt.gz`

    Returns
    -------
    corpus : (T,) int64
    word_to_id, id_to_word : words of the training part, ids by first appearance, `<eos>` for every line end; the
        ids of the book's loader

    Raises
    ------
    FileNotFoundError : a file is missing.
    ValueError : unknown `data_type`; a word that the training part lacks, where that part has no `<unk>`; a file
        that is empty, no UTF-8 or damaged.

    Notes
    -----
    The book writes `<eos>` for the line end without blanks, which is right only where lines end in one. Source: the
    book, section 2.4.5.
    """
    data_type, folder = one_of("data_type", data_type, _FILE_OF), as_path("directory", directory)
    train = _words("ptb.train.txt", folder)
    word_to_id = number_words(train)
    words = train if data_type == "train" else _words(_FILE_OF[data_type], folder)
    return ids_of(words, word_to_id, _FILE_OF[data_type]), word_to_id, invert(word_to_id)


def fetch_ptb(
    directory: str | os.PathLike[str],
    *,
    names: Iterable[str] = tuple(_MD5),
    base_url: str = PTB_URL,
    opener: Opener | None = None,
) -> list[Path]:
    """Download the files of the Penn Treebank, once: files that are there already are kept.

    Checksums are compared first, and files appear under their names only when they are complete.

    Parameters
    ----------
    directory : folder to write into, made if missing
    names : of the files, by default ptb.train.txt, ptb.valid.txt, ptb.test.txt
    base_url : where the files are, https:// (or file://)
    opener : gives a binary stream for an address; None: verified TLS by the standard library

    Returns
    -------
    list of the paths of the files.

    Raises
    ------
    ConnectionError : a file could not be downloaded.
    FileExistsError : another file has one of the names.
    ValueError : a download has a wrong checksum or is too large, then nothing is written; `base_url` would be
        read without a check of the server; an unknown name.

    Notes
    -----
    Unlike the book's loader this one never goes on without verification.
    """
    folder, base_url = as_path("directory", directory), as_text("base_url", base_url)
    if opener is not None:
        called("opener", opener)
    elif not base_url.startswith(("https://", "file://")):
        raise ValueError(f"base_url is {base_url!r}, expected https:// or file://")
    names = [one_of("names", name, _MD5) for name in listed("names", names, "names of files")]
    paths = [folder / name for name in names]
    missing = [path for path in paths if not _is_there(path)]
    contents = [_download(base_url.rstrip("/"), path, opener or _open_verified) for path in missing]
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in zip(missing, contents, strict=True):
        _write_whole(path, content)
    return paths


def _words(name: str, directory: Path) -> list[str]:
    for path in (directory / name, directory / f"{name}.gz"):
        if path.exists():
            return read_text(path).replace("\n", f" {EOS} ").split()
    raise FileNotFoundError(
        f"no {name} or {name}.gz in {str(directory)!r}: put your copy of the ptb.*.txt files there, "
        f"or download them with fasts2s.corpus.fetch_ptb({str(directory)!r})"
    )


def _is_there(path: Path) -> bool:
    if not path.exists():
        return False
    found = _md5(path.read_bytes())
    if found != _MD5[path.name]:
        raise FileExistsError(f"{path} has MD5 {found}, expected {_MD5[path.name]}: move it away, then fetch again")
    return True


def _open_verified(url: str) -> AbstractContextManager[IO[bytes]]:
    import ssl  # noqa: PLC0415 - 40 ms at every start, for what few do once
    import urllib.request  # noqa: PLC0415

    # The context is given, so that no default set elsewhere in the process can switch the check off.
    context = ssl.create_default_context()
    stream: AbstractContextManager[IO[bytes]] = urllib.request.urlopen(url, timeout=_TIMEOUT, context=context)
    return stream


def _download(base_url: str, path: Path, opener: Opener) -> bytes:
    from http.client import HTTPException  # noqa: PLC0415

    url = f"{base_url}/{path.name}"
    try:
        with opener(url) as stream:
            content = stream.read(_MOST_BYTES + 1)
    except (OSError, HTTPException) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ConnectionError(
            f"{path.name} could not be downloaded from {url} ({reason}): "
            f"try again online, or put your copy of the ptb.*.txt files into {str(path.parent)!r}"
        ) from None
    if len(content) > _MOST_BYTES:
        raise ValueError(f"{url} has more than {_MOST_BYTES} bytes, expected {path.name} of the Penn Treebank")
    found = _md5(content)
    if found != _MD5[path.name]:
        raise ValueError(f"{url} has MD5 {found}, expected {_MD5[path.name]}: nothing was written")
    return content


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _write_whole(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)

"""Learn or load a tokenizer of any kind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any, get_args

from fasts2s.text.characters import CharacterTokenizer
from fasts2s.text.marks import MARKS
from fasts2s.text.pairs import Pairs, texts_of
from fasts2s.text.subwords import SubwordTokenizer
from fasts2s.text.tokenizer import FORMAT, VERSION, Kind, Tokenizer, path_of
from fasts2s.text.words import WordTokenizer
from fasts2s_kernels.checks import flag, integer
from fasts2s_kernels.checks.arguments import one_of
from fasts2s_kernels.checks.scalars import shown

_CLASSES: dict[str, type[Tokenizer]] = {c.kind: c for c in (CharacterTokenizer, WordTokenizer, SubwordTokenizer)}


def tokenizer_for(
    kind: Kind,
    texts: Iterable[str],
    *,
    max_size: int | None = None,
    min_count: int = 1,
    jamo: bool = False,
    lower: bool = False,
    backwards: bool = False,
) -> Tokenizer:
    """Learn a vocabulary from texts. Of characters and words, the same texts give the same one, in any order.

    Parameters
    ----------
    kind : 'char', characters; 'word', words and single signs; 'subword', pieces of words (extra `text`)
    texts : to learn from; of one side, or of both for one vocabulary. The training part alone
    max_size : most symbols, the four marks included; the most frequent ones are kept. None: all; for subwords 8000
    min_count : what occurs fewer times becomes `<unk>`; not for subwords
    jamo : 'char' only: Hangul syllables are two or three letters each
    lower : 'word' only: capital letters become small ones
    backwards : 'char' only: from the last character to the first

    Raises
    ------
    ImportError : 'subword' without the library sentencepiece; names the command that installs it.
    ValueError : an argument out of its range, or for another kind; texts without a character.
    """
    kind, found = one_of("kind", kind, get_args(Kind)), texts_of("texts", texts)
    jamo, lower, min_count = flag("jamo", jamo), flag("lower", lower), integer("min_count", min_count, 1)
    backwards = flag("backwards", backwards)
    size = None if max_size is None else integer("max_size", max_size, len(MARKS) + 1)
    for name, given, of in (("jamo", jamo, "char"), ("lower", lower, "word"), ("backwards", backwards, "char")):
        if given and kind != of:
            raise ValueError(f"{name} is True with kind {kind!r}, expected it with {of!r} only: leave it out")
    if kind == "subword" and min_count > 1:
        raise ValueError(f"min_count is {min_count} with kind 'subword', expected 1: choose max_size instead")
    if not any(found):
        raise ValueError("texts have no character, expected something to learn from")
    if kind == "char":
        return CharacterTokenizer.learn(found, size, min_count, jamo=jamo, backwards=backwards)
    if kind == "word":
        return WordTokenizer.learn(found, size, min_count, lower=lower)
    return SubwordTokenizer.learn(found, 8000 if size is None else size)


def tokenizers_for(
    pairs: Pairs, kind: Kind, *, shared: bool = False, target_backwards: bool = False, **options: Any
) -> tuple[Tokenizer, Tokenizer]:
    """Learn the tokenizers of source and target.

    Parameters
    ----------
    pairs : to learn from
    kind, options : as for `tokenizer_for`
    shared : one vocabulary for both; then the two are the same object
    target_backwards : 'char' only: targets are written from their last character to their first

    Raises
    ------
    see `tokenizer_for`
    """
    if not isinstance(pairs, Pairs):
        raise ValueError(f"pairs is {shown(pairs)}, expected Pairs, as read_pairs returns them")
    if flag("target_backwards", target_backwards) and shared:
        raise ValueError("target_backwards is True with shared, expected one of them: sources are read forwards")
    if flag("shared", shared):
        both = tokenizer_for(kind, [*pairs.sources, *pairs.targets], **options)
        return both, both
    source = tokenizer_for(kind, pairs.sources, **options)
    return source, tokenizer_for(kind, pairs.targets, backwards=target_backwards, **options)


def load_tokenizer(folder: str | os.PathLike[str], name: str) -> Tokenizer:
    """Read a tokenizer that `Tokenizer.save` wrote.

    Raises
    ------
    FileNotFoundError : it is not there.
    ValueError : the file is damaged, or something else.
    ImportError : it has subwords, and the library sentencepiece is not installed.
    """
    path = path_of(folder, name)
    if not path.exists():
        raise FileNotFoundError(f"no file {str(path)!r}, expected a tokenizer of that name: see Tokenizer.save")
    try:
        content = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
        if content["format"] != FORMAT or content["version"] != VERSION:
            raise ValueError(f"format {shown(content['format'])}, version {shown(content['version'])}")
        return _CLASSES[content["kind"]].from_settings(content)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged, or no tokenizer of this version ({error}): restore a copy, or train again"
        ) from None

"""What is typed, as symbols that a model knows, and its symbols as text."""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Protocol

from fasts2s.commands.errors import CommandError
from fasts2s.corpus.words import Level, tokens_of_line
from fasts2s.text import BOS, EOS, MARKS, PAD, UNK, Tokenizer

#: What a level of text counts, one and many.
SYMBOL = {"word": "word", "char": "character", "subword": "subword"}
SYMBOLS = {"word": "words", "char": "characters", "subword": "subwords"}
#: The end of a line as it may be typed.
_LINE_END = re.compile(r" *(?:<eos>|</s>) *|\n")


class Vocabulary(Protocol):
    """The symbols of a language model.

    Attributes
    ----------
    never : what no text has: `<unk>`, which stands for words that the model does not know, and marks
    """

    never: set[int]

    def __len__(self) -> int:
        """V."""
        ...

    def ids(self, option: str, text: str) -> list[int]:
        """Return the ids of a text, cut as the training text was. Raises CommandError for what is not known."""
        ...

    def all_ids(self, option: str, texts: Iterable[str]) -> set[int]:
        """Return the ids of all symbols that read as a part of one of the texts."""
        ...

    def one_id(self, option: str, text: str) -> int:
        """Return the id of a text that is one symbol."""
        ...

    def text(self, ids: Sequence[int]) -> str:
        """Return the text of ids."""
        ...


class TokenizerVocabulary:
    """The symbols of a tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer, self.never = tokenizer, {PAD, UNK, BOS}

    def __len__(self) -> int:
        """V."""
        return len(self.tokenizer)

    def ids(self, option: str, text: str) -> list[int]:
        """See :class:`Vocabulary`."""
        found: list[int] = []
        for k, line in enumerate(_LINE_END.split(text)):
            found += [EOS] if k else []
            found += self._ids_of_line(option, line)
        if not found:
            raise CommandError(f"{option} is {text!r}, expected at least one {SYMBOL[self.tokenizer.kind]}")
        return found

    def _ids_of_line(self, option: str, line: str) -> list[int]:
        if self.tokenizer.kind != "char":
            line = " ".join(line.split())  # a blank at the end would be a symbol
        ids = self.tokenizer.encode(line)
        if UNK in ids:
            token = self.tokenizer.tokens(line)[ids.index(UNK)]
            raise _unknown(token, option, self.tokenizer.kind, len(self))
        return ids

    def all_ids(self, option: str, texts: Iterable[str]) -> set[int]:
        """See :class:`Vocabulary`: a comma after a word and one after a blank are two symbols."""
        return {i for text in texts for token in self._tokens(text) for i in self._read_as(option, token)}

    def one_id(self, option: str, text: str) -> int:
        """See :class:`Vocabulary`; of several that read so, the most frequent one."""
        tokens = self._tokens(text)
        if len(tokens) != 1:
            raise _several(option, text, [token.strip() or token for token in tokens], self.tokenizer.kind)
        return min(self._read_as(option, tokens[0]))

    def _tokens(self, text: str) -> list[str]:
        if text == MARKS[UNK]:
            return [text]
        lines = _LINE_END.split(text)
        return [token for k, line in enumerate(lines) for token in ["\n"] * (k > 0) + self.tokenizer.tokens(line)]

    def _read_as(self, option: str, token: str) -> list[int]:
        found = self._ids_of_reading.get(token.strip() or token)
        if found is None:
            raise _unknown(token.strip() or token, option, self.tokenizer.kind, len(self))
        return found

    @cached_property
    def _ids_of_reading(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {"\n": [EOS], MARKS[UNK]: [UNK]}
        for i in range(len(MARKS), len(self)):
            reading = self.tokenizer.decode([i])
            found.setdefault(reading.strip() or reading, []).append(i)
        return found

    def text(self, ids: Sequence[int]) -> str:
        """See :class:`Vocabulary`."""
        lines: list[list[int]] = [[]]
        for i in ids:
            if i == EOS:
                lines.append([])
            else:
                lines[-1].append(i)
        return "\n".join(self.tokenizer.decode(line) for line in lines).removesuffix("\n")


class WordList:
    """The symbols of a model that came with a list of them, as they were trained before there were tokenizers."""

    def __init__(self, words: list[str], level: Level) -> None:
        self._words = words
        self._level: Level = level
        self._ids = {word: i for i, word in enumerate(words)}
        self.never = {i for i in (self._ids.get("<unk>"),) if i is not None}

    def __len__(self) -> int:
        """V."""
        return len(self._words)

    def ids(self, option: str, text: str) -> list[int]:
        """See :class:`Vocabulary`; a symbol may also be given as it is."""
        tokens = [text] if text in self._ids else tokens_of_line(text, self._ids, self._level)
        if not tokens:
            raise CommandError(f"{option} is {text!r}, expected at least one {SYMBOL[self._level]}")
        for token in tokens:
            if token not in self._ids:
                raise _unknown(token, option, self._level, len(self))
        return [self._ids[token] for token in tokens]

    def all_ids(self, option: str, texts: Iterable[str]) -> set[int]:
        """See :class:`Vocabulary`."""
        return {i for text in texts for i in self.ids(option, text)}

    def one_id(self, option: str, text: str) -> int:
        """See :class:`Vocabulary`."""
        ids = self.ids(option, text)
        if len(ids) > 1:
            raise _several(option, text, [self._words[i] for i in ids], self._level)
        return ids[0]

    def text(self, ids: Sequence[int]) -> str:
        """Join symbols: a line per sentence, no blank before punctuation."""
        words = ["\n" if self._words[i] == "<eos>" else self._words[i] for i in ids]
        if self._level == "char":
            return "".join(words).removesuffix("\n")
        text = " ".join(words).replace("\n ", "\n").replace(" \n", "\n").removesuffix("\n")
        for sign in ".,;:!?)":
            text = text.replace(f" {sign}", sign)
        return text.replace("( ", "(")


def _unknown(token: str, option: str, kind: str, count: int) -> CommandError:
    return CommandError(
        f"the model does not know the {SYMBOL[kind]} {token!r} of {option}, expected some of its {count} "
        f"{SYMBOLS[kind]}"
    )


def _several(option: str, text: str, tokens: list[str], kind: str) -> CommandError:
    parts = f", which is {', '.join(map(repr, tokens))}" if tokens else ""
    return CommandError(f"{option} is {text!r}{parts}, expected one {SYMBOL[kind]}")

"""Options of several commands: how a file is read, what a symbol is, how words are chosen."""

import argparse
from typing import Any

from fasts2s.commands.arguments import above_zero, from_zero, positive, seed, share_up_to_one, whole


def column(text: str) -> int | str:
    """Read the number of a column, or its name."""
    return int(text) if text.isascii() and text.isdigit() else text


def add_encoding(parser: Any) -> None:
    """Add the option that names the encoding of a file."""
    parser.add_argument("--encoding", default="utf-8", help="such as cp949, shift_jis or euc-kr (%(default)s)")


def add_tokens(parser: Any, *other_names: str, lower: bool, min_count: int | None) -> None:
    """Add the options that say what a symbol is; ``other_names`` of the first of them.

    Without a min_count it is 2, and 1 for subwords.
    """
    add = parser.add_argument
    kinds = ("char", "word", "subword")
    add("--tokens", *other_names, choices=kinds, default="word", help="what a symbol is (%(default)s)")
    usual = "yes" if lower else "no"
    action = argparse.BooleanOptionalAction
    add("--lower", action=action, default=lower, help=f"words: capital letters become small ones ({usual})")
    add("--jamo", action="store_true", help="characters: Hangul syllables are two or three letters each")
    add("--vocabulary", metavar="N", type=positive, help="most symbols of a vocabulary (all; subwords: 8000)")
    usual = "2; subwords: 1" if min_count is None else str(min_count)
    add("--min-count", metavar="N", type=positive, default=min_count, help=f"rarer ones become <unk> ({usual})")


def add_choosing(parser: Any, temperature: float | None = 0.0) -> Any:
    """Add the options that say how words are chosen; return what adds further ones."""
    add = parser.add_argument_group("how words are chosen").add_argument
    usual = "0" if temperature == 0 else "1; 0 with --beam"
    add("--beam", metavar="N", type=positive, default=1, help="unfinished answers kept (%(default)s: greedy)")
    add("--nbest", metavar="N", type=positive, default=1, help="answers to a question (%(default)s)")
    add("--temperature", metavar="X", type=from_zero, default=temperature, help=f"above 0 words are drawn ({usual})")
    add("--top-k", metavar="N", type=positive, help="draw from the N most probable words")
    add("--top-p", metavar="X", type=share_up_to_one, help="draw from those that have this probability together")
    add("--seed", metavar="N", type=seed, help="of what is drawn: the same seed, the same answers")
    add("--repetition-penalty", metavar="X", type=above_zero, default=1.0, help="for words said before (%(default)s)")
    add("--no-repeat-ngram", metavar="N", type=positive, help="say no N words twice")
    add("--ban", metavar="TEXT", nargs="*", default=[], help="words or characters that must not appear")
    add("--min-length", metavar="N", type=whole(0), default=0, help="least symbols of an answer (%(default)s)")
    add("--length-penalty", metavar="X", type=from_zero, default=0.0, help="favours long answers (%(default)s)")
    return add

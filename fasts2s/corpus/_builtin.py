"""The built-in text: what Python's own help says about the language, as sentences."""

from __future__ import annotations

import hashlib
import importlib
import re
from collections.abc import Mapping

_MODULE = "pydoc_data.topics"
_FEWEST_WORDS = 4  # shorter paragraphs are headings, signatures and list entries

# Paragraphs are wrapped text; a word broken at its hyphen is joined again.
_PARAGRAPH_END = re.compile(r"\n\s*\n")
_BROKEN_WORD = re.compile(r"(?<=\w)-\n\s*(?=\w)")
_BULLET = re.compile(r"^(?:\d+\.|\[\d+\]|•)\s+")
_EMPHASIS = re.compile(r"[*`]+")
_SENTENCE_END = re.compile(r'(?<=[.:?!])\s+(?=["“(]?[A-Z])')


def builtin_lines(valid_fraction: float, test_fraction: float) -> tuple[list[str], list[str], list[str], str]:
    """Split the built-in text by topic: train, valid and test sentences, and a name with a hash of the text.

    Topics quote each other. A paragraph that occurs in several goes to the held-out side only, else a model would
    be tested on what it has read.
    """
    topics = _topics()
    side_of = _sides({topic: len(text) for topic, text in topics.items()}, valid_fraction, test_fraction)
    lines: dict[str, list[str]] = {"test": [], "valid": [], "train": []}
    seen: set[str] = set()
    for side, found in lines.items():
        for topic in sorted(topics):
            if side_of[topic] != side:
                continue
            for paragraph in _prose(topics[topic]):
                if paragraph not in seen:
                    seen.add(paragraph)
                    found.extend(_SENTENCE_END.split(paragraph))
    everything = "\0".join(f"{topic}\0{topics[topic]}" for topic in sorted(topics))
    name = f"{_MODULE} {hashlib.sha256(everything.encode('utf-8')).hexdigest()[:12]}"
    return lines["train"], lines["valid"], lines["test"], name


def _topics() -> dict[str, str]:
    try:
        module = importlib.import_module(_MODULE)
    except ImportError:
        raise ImportError(
            f"the built-in text is {_MODULE} of the standard library, which this Python lacks: "
            "name a text file instead"
        ) from None
    topics: dict[str, str] = module.topics
    return topics


def _sides(sizes: Mapping[str, int], valid_fraction: float, test_fraction: float) -> dict[str, str]:
    """Choose topics in the order of their names: every so often one is held out, as soon as its size is due."""
    side_of = {}
    due = {"test": 0.0, "valid": 0.0}
    for topic in sorted(sizes):
        due["test"] += test_fraction * sizes[topic]
        due["valid"] += valid_fraction * sizes[topic]
        side = max(due, key=due.__getitem__)
        if due[side] >= sizes[topic]:
            due[side] -= sizes[topic]
            side_of[topic] = side
        else:
            side_of[topic] = "train"
    return side_of


def _prose(text: str) -> list[str]:
    """Paragraphs that are sentences, unwrapped: no headings, signatures, grammar, code."""
    paragraphs = []
    for block in _PARAGRAPH_END.split(text):
        if "::=" in block or ">>>" in block:
            continue
        joined = " ".join(_BROKEN_WORD.sub("-", block).split())
        paragraph = _BULLET.sub("", _EMPHASIS.sub("", joined).strip())
        if len(paragraph.split()) >= _FEWEST_WORDS and paragraph.endswith((".", ":", "?", "!")):
            paragraphs.append(paragraph)
    return paragraphs

"""README.md in Korean and in Japanese: the same blocks of code, headings, pictures and pages as in English."""

import re

import pytest

from tests.test_readme import ROOT, TEXTS, faulty_links, prose

ENGLISH = TEXTS["README.md"]
NAMES = ("README.ko.md", "README.ja.md")
#: Hangul or kana: what a text in its language has on nearly every line.
LETTERS = {"README.ko.md": "[\uac00-\ud7a3]", "README.ja.md": "[\u3040-\u30ff]"}


def _text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def _code(text):
    """Return language and content of every block of code, in order."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def _levels(text):
    return [len(found) for found in re.findall(r"^(#+) ", prose(text), re.MULTILINE)]


def _pages(text):
    """Return the files that a text leads to, and its pictures."""
    files = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", prose(text))}
    return files - {"", "README.md", *NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_blocks_of_code_are_those_of_the_english_text(name):
    assert len(_code(ENGLISH)) >= 7
    assert _code(_text(name)) == _code(ENGLISH)


@pytest.mark.parametrize("name", NAMES)
def test_headings_are_as_many_and_of_the_same_levels(name):
    assert _levels(_text(name)) == _levels(ENGLISH)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_where_those_of_the_english_text_lead(name):
    assert faulty_links(name, _text(name)) == []
    assert _pages(_text(name)) == _pages(ENGLISH)


@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_in_its_language(name):
    paragraphs = [part for part in prose(_text(name)).split("\n\n") if not re.match(r"[<|\[!]|\*\*CAUTION", part)]
    plain = [part for part in paragraphs[1:] if not re.search(LETTERS[name], part) and not part.startswith("## ")]
    assert [part for part in plain if part.strip()] == []


def test_every_language_leads_to_the_others():
    for name in ("README.md", *NAMES):
        others = {"README.md", *NAMES} - {name}
        assert others <= set(re.findall(r"\]\(([\w.]+)\)", _text(name).split("\n\n")[1]))


def test_a_changed_block_is_seen():
    assert _code(ENGLISH.replace("make demo ", "make all ", 1)) != _code(ENGLISH)

"""Verses of two lines that rhyme."""

import random

#: Words that rhyme with one another.
RHYMES = [
    line.split()
    for line in (
        "cat hat mat bat",
        "moon spoon tune balloon",
        "tree sea bee key",
        "night light kite flight",
        "day bay tray clay",
        "star car jar guitar",
        "bear pear chair stair",
        "stone bone throne phone",
        "boat goat coat note",
        "rain train lane crane",
    )
]
_FIRST = (
    "i saw a {who} beside the {a},",
    "the {who} was waiting by the {a},",
    "a {quality} {who} came with a {a},",
    "my {quality} {who} sat near the {a},",
    "who put the {who} below the {a}?",
)
# Short ones: what is to rhyme stands only a few words back.
_SECOND = (
    "beside a {b}.",
    "but not the {b}.",
    "and then a {b}.",
    "my {quality} {b}.",
    "without a {b}.",
)
_WHO = "mouse wolf baker sailor fox painter frog doctor horse singer".split()
_QUALITIES = "golden silent little clever purple sleepy hungry famous".split()


def verse(rng: random.Random) -> str:
    """Draw a verse: two lines, a stroke between them, whose last words rhyme."""
    a, b = rng.sample(rng.choice(RHYMES), 2)
    values = {"a": a, "b": b, "who": rng.choice(_WHO)}
    lines = [rng.choice(line).replace("{quality}", rng.choice(_QUALITIES)) for line in (_FIRST, _SECOND)]
    return " / ".join(lines).format(**values)


def verses(count: int, seed: int) -> str:
    """Return a text of different verses, one on each line."""
    rng, found = random.Random(seed), dict[str, None]()
    while len(found) < count:
        found[verse(rng)] = None
    return "\n".join(found) + "\n"


def rhymes(text: str) -> bool:
    """Whether a text is two lines whose last words rhyme, and differ."""
    ends = [line.split()[-1].strip(".,?!") for line in text.split("/") if line.split()]
    return len(ends) == 2 and ends[0] != ends[1] and any(set(ends) <= set(words) for words in RHYMES)

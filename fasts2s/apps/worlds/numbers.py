"""Whole numbers in words: English, French, Korean, Japanese; 0 to 999,999."""

import random

from fasts2s.apps.worlds.drawing import Drawn

#: The largest number that has words here, plus one.
END = 1_000_000

_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_ENGLISH_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
_FRENCH = (
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit "
    "dix-neuf"
).split()
_FRENCH_TENS = "- - vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt".split()
_KOREAN, _JAPANESE = "영일이삼사오육칠팔구", "零一二三四五六七八九"


def english(n: int) -> str:
    """Return a number in British English: one thousand and five."""
    if n < 20:
        return _ENGLISH[n]
    if n < 100:
        return _ENGLISH_TENS[n // 10] + (f"-{_ENGLISH[n % 10]}" if n % 10 else "")
    size, name = (1000, "thousand") if n >= 1000 else (100, "hundred")
    rest = n % size
    joined = f" and {english(rest)}" if 0 < rest < 100 else f" {english(rest)}" if rest else ""
    return f"{english(n // size)} {name}{joined}"


def french(n: int) -> str:
    """Return a number in the French of France."""
    if n >= 1000:
        thousands = "mille" if n < 2000 else f"{_french_below_1000(n // 1000, plural=False)} mille"
        return thousands + (f" {french(n % 1000)}" if n % 1000 else "")
    return _french_below_1000(n, plural=True)


def _french_below_1000(n: int, plural: bool) -> str:
    """``plural``: quatre-vingts and cents have an s where nothing follows; before mille they have none."""
    hundreds, rest = divmod(n, 100)
    if not hundreds:
        return _french_below_100(n, plural)
    ending = "s" if hundreds > 1 and not rest and plural else ""
    cent = f"cent{ending}" if hundreds == 1 else f"{_FRENCH[hundreds]} cent{ending}"
    return cent + (f" {_french_below_100(rest, plural)}" if rest else "")


def _french_below_100(n: int, plural: bool) -> str:
    if n < 20:
        return _FRENCH[n]
    tens, ones = _FRENCH_TENS[n // 10], n % 10 + (10 if n // 10 in (7, 9) else 0)
    if not ones:
        return tens + ("s" if n == 80 and plural else "")
    return tens + (" et " if ones in (1, 11) and n < 80 else "-") + _FRENCH[ones]


def korean(n: int) -> str:
    """Return a number in Sino-Korean, with a blank after 만."""
    if not n:
        return _KOREAN[0]
    high, low = divmod(n, 10_000)
    words = [("" if high == 1 else _below_10_000(high, _KOREAN, "천백십")) + "만"] if high else []
    return " ".join(words + ([_below_10_000(low, _KOREAN, "천백십")] if low else []))


def japanese(n: int) -> str:
    """Return a number in Chinese characters."""
    if not n:
        return _JAPANESE[0]
    high, low = divmod(n, 10_000)
    return (f"{_below_10_000(high, _JAPANESE, '千百十')}万" if high else "") + _below_10_000(low, _JAPANESE, "千百十")


def _below_10_000(n: int, digits: str, units: str) -> str:
    """Write 1 to 9,999: a one is said in the last place only."""
    found = ""
    for unit, size in zip((*units, ""), (1000, 100, 10, 1), strict=True):
        digit = n // size % 10
        found += ("" if digit == 1 and unit else digits[digit]) + unit if digit else ""
    return found


WORDS = {"en": english, "fr": french, "ko": korean, "ja": japanese}


def number(rng: random.Random) -> int:
    """Draw a number of one to six digits, each length as often."""
    return rng.randrange(10 ** rng.randint(1, 6))


def number_pair(rng: random.Random, source: str, target: str) -> Drawn:
    """Draw a number in two languages; the combination is that of its thousands and the rest."""
    n = number(rng)
    return Drawn(f"{n // 1000} {n % 1000}", WORDS[source](n), WORDS[target](n))

"""Number words and the small grammar: read back, or looked at, by other means than they are made."""

import random

import pytest

from fasts2s.apps.worlds import lexicon
from fasts2s.apps.worlds.grammar import LANGUAGES, NounPhrase, Sentence, english, french, japanese, korean, sentence
from fasts2s.apps.worlds.numbers import END, WORDS, number

SMALL = {
    word: n for n, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}
SMALL |= {
    f"{word}teen": n for word, n in zip("thir four fif six seven eigh nine".split(), range(13, 20), strict=True)
}
SMALL |= {
    f"{w}ty": 10 * n for w, n in zip("twen thir for fif six seven eigh nine".split(), range(2, 10), strict=True)
}
FRENCH = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize".split()
FRENCH_VALUES = {word: n for n, word in enumerate(FRENCH)} | {"vingt": 20, "trente": 30, "quarante": 40}
FRENCH_VALUES |= {"cinquante": 50, "soixante": 60}


def read_english(text):
    total = part = 0
    for word in text.replace("-", " ").replace(" and ", " ").split():
        if word == "thousand":
            total, part = part * 1000, 0
        else:
            part = part * 100 if word == "hundred" else part + SMALL[word]
    return total + part


def read_french(text):
    total = part = 0
    for word in text.replace("quatre-vingt", "80").replace("-", " ").replace(" et ", " ").split():
        if word == "mille":
            total, part = (part or 1) * 1000, 0
        elif word in ("cent", "cents"):
            part = (part or 1) * 100
        else:
            part += 80 if word in ("80", "80s") else FRENCH_VALUES[word]
    return total + part


def read_east_asian(text, digits, units):
    total = part = digit = 0
    for char in text.replace(" ", ""):
        if char in digits:
            digit = digits.index(char)
        elif units[char] == 10_000:
            total, part, digit = (part + digit or 1) * 10_000, 0, 0
        else:
            part, digit = part + (digit or 1) * units[char], 0
    return total + part + digit


def read(language, text):
    if language in ("ko", "ja"):
        names, digits = (
            ("십백천만", "영일이삼사오육칠팔구") if language == "ko" else ("十百千万", "零一二三四五六七八九")
        )
        return read_east_asian(text, digits, dict(zip(names, (10, 100, 1000, 10_000), strict=True)))
    return {"en": read_english, "fr": read_french}[language](text)


@pytest.mark.parametrize("language", WORDS)
def test_number_words_are_read_back(language):
    numbers = [*range(2100), *range(2100, END, 3779), 10_000, 100_000, 110_011, END - 1]
    assert [read(language, WORDS[language](n)) for n in numbers] == numbers


@pytest.mark.parametrize(
    ("n", "language", "words"),
    [
        (105, "en", "one hundred and five"),
        (42_017, "en", "forty-two thousand and seventeen"),
        (21, "fr", "vingt et un"),
        (71, "fr", "soixante et onze"),
        (80, "fr", "quatre-vingts"),
        (81, "fr", "quatre-vingt-un"),
        (91, "fr", "quatre-vingt-onze"),
        (200, "fr", "deux cents"),
        (280_000, "fr", "deux cent quatre-vingt mille"),
        (1111, "fr", "mille cent onze"),
        (10_000, "ko", "만"),
        (111_111, "ko", "십일만 천백십일"),
        (20_305, "ko", "이만 삼백오"),
        (10_000, "ja", "一万"),
        (111_111, "ja", "十一万千百十一"),
    ],
)
def test_spellings(n, language, words):
    assert WORDS[language](n) == words


def test_numbers_have_all_lengths():
    rng = random.Random(0)
    lengths = [len(str(number(rng))) for _ in range(600)]
    assert {lengths.count(k) > 60 for k in range(1, 7)} == {True}


def _phrase(name, determiner, adjective=None):
    nouns = {noun.en: noun for noun in (*lexicon.LIVING, *lexicon.THINGS)}
    adjectives = {one.en: one for one in lexicon.ADJECTIVES}
    return NounPhrase(nouns[name], determiner, adjective and adjectives[adjective])


SEE = next(verb for verb in lexicon.TRANSITIVE if verb.en == "see")
LIKE = next(verb for verb in lexicon.TRANSITIVE if verb.en == "like")
YESTERDAY, GARDEN = lexicon.TIMES[1][0], lexicon.PLACES[0]


def test_a_sentence_in_four_languages():
    s = Sentence(
        _phrase("queen", "these", "small"), SEE, True, True, _phrase("letter", "this", "red"), GARDEN, YESTERDAY
    )
    assert english(s) == "these small queens did not see this red letter in the garden yesterday"
    assert korean(s) == "어제 이 작은 여왕들이 정원에서 이 빨간 편지를 보지 않았다"
    assert japanese(s) == "昨日これらの小さい女王は庭でこの赤い手紙を見なかった"
    assert french(s) == "ces petites reines n'ont pas vu cette lettre rouge dans le jardin hier"


def test_agreement_and_particles():
    she, many = NounPhrase(None, "she"), _phrase("book", "many", "heavy")
    s = Sentence(she, LIKE, False, False, many, None, None)
    assert english(s) == "she likes many heavy books"
    assert korean(s) == "그녀가 많은 무거운 책을 좋아한다"
    assert french(s) == "elle aime beaucoup de livres lourds"
    denied = s._replace(negated=True)
    assert english(denied) == "she does not like many heavy books"
    assert french(denied) == "elle n'aime pas beaucoup de livres lourds"
    wolves = Sentence(_phrase("horse", "the, plural"), SEE, False, False, _phrase("horse", "the"), None, None)
    assert english(wolves) == "the horses see the horse"
    assert (korean(wolves), japanese(wolves)) == ("말들이 말을 본다", "馬たちは馬を見る")
    assert french(wolves) == "les chevaux voient le cheval"


def test_sentences_are_short_and_mean_one_thing():
    rng = random.Random(1)
    drawn = [sentence(rng) for _ in range(3000)]
    assert {len(english(s).split()) for s in drawn} == set(range(3, 9))
    for language, write in LANGUAGES.items():
        readings = {}
        for s in drawn:
            readings.setdefault(write(s), set()).add(english(s))
        assert max(map(len, readings.values())) == 1, language

"""A small grammar that writes the same sentence in four languages.

English and French: subject, verb, object, place, time. Korean and Japanese: time, subject, place, object, verb, with
particles. Verbs agree with their subjects, French articles and adjectives with their nouns.
"""

import random
from typing import NamedTuple

from fasts2s.apps.worlds import lexicon
from fasts2s.apps.worlds.drawing import Drawn
from fasts2s.apps.worlds.lexicon import Adjective, Noun, Verb

#: Words of an English sentence.
SHORTEST, LONGEST = 3, 8
#: Determiner -> English, Korean, Japanese, French masculine and feminine, and whether it is of several.
_DETERMINERS = {
    "the": ("the", "", "", "le", "la", False),
    "this": ("this", "이 ", "この", "ce", "cette", False),
    "the, plural": ("the", "", "", "les", "les", True),
    "these": ("these", "이 ", "これらの", "ces", "ces", True),
    "many": ("many", "많은 ", "多くの", "beaucoup de", "beaucoup de", True),
}
#: Of things a plural that Japanese does not show is left out: it could not be translated back.
_OF_THINGS = ("the", "this", "these", "many")
_PRONOUNS = {"she": ("she", "그녀", "彼女", "elle", False), "they": ("they", "그들", "彼ら", "ils", True)}


class NounPhrase(NamedTuple):
    """A determiner, perhaps an adjective, a noun; or a pronoun."""

    noun: Noun | None
    determiner: str
    adjective: Adjective | None = None

    @property
    def plural(self) -> bool:
        """Whether it is of several."""
        return _PRONOUNS[self.determiner][4] if self.noun is None else _DETERMINERS[self.determiner][5]


class Sentence(NamedTuple):
    """What is said, in no language; place and time are four texts each."""

    subject: NounPhrase
    verb: Verb
    past: bool
    negated: bool
    object: NounPhrase | None
    place: tuple[str, str, str, str] | None
    time: tuple[str, str, str, str] | None

    @property
    def combination(self) -> str:
        """Subject, verb, and what belongs to it: what is held out together."""
        noun = self.subject.noun
        of = self.object.noun.en if self.object and self.object.noun else (self.place or self.time or ("",))[0]
        return f"{noun.en if noun else self.subject.determiner} {self.verb.en} {of}"


def english(s: Sentence) -> str:
    """Return the sentence in English."""
    verb = s.verb.en_past if s.past else s.verb.en if s.subject.plural else s.verb.en_singular
    if s.negated:
        verb = f"{'did' if s.past else 'do' if s.subject.plural else 'does'} not {s.verb.en}"
    return _joined(_english(s.subject), verb, s.object and _english(s.object), _part(s.place, 0), _part(s.time, 0))


def french(s: Sentence) -> str:
    """Return the sentence in French."""
    singular, plural, participle = s.verb.fr
    finite = ("ont" if s.subject.plural else "a") if s.past else plural if s.subject.plural else singular
    if s.negated:
        finite = ("n'" if finite[0] in "aeiou" else "ne ") + finite + " pas"
    verb = f"{finite} {participle}" if s.past else finite
    return _joined(_french(s.subject), verb, s.object and _french(s.object), _part(s.place, 3), _part(s.time, 3))


def korean(s: Sentence) -> str:
    """Return the sentence in Korean."""
    subject = _with_particle(_korean(s.subject), "이", "가")
    thing = s.object and _with_particle(_korean(s.object), "을", "를")
    return _joined(_part(s.time, 1), subject, _part(s.place, 1), thing, s.verb.ko[s.past + 2 * s.negated])


def japanese(s: Sentence) -> str:
    """Return the sentence in Japanese, without blanks."""
    thing = f"{_japanese(s.object)}を" if s.object else ""
    parts = (_part(s.time, 2), f"{_japanese(s.subject)}は", _part(s.place, 2), thing)
    return "".join(filter(None, parts)) + s.verb.ja[s.past + 2 * s.negated]


def _joined(*parts: str | None) -> str:
    return " ".join(filter(None, parts))


def _part(texts: tuple[str, str, str, str] | None, language: int) -> str | None:
    return texts and texts[language]


def _english(np: NounPhrase) -> str:
    if np.noun is None:
        return np.determiner
    noun = np.noun.en_plural if np.plural else np.noun.en
    return _joined(_DETERMINERS[np.determiner][0], np.adjective and np.adjective.en, noun)


def _french(np: NounPhrase) -> str:
    if np.noun is None:
        return _PRONOUNS[np.determiner][3]
    feminine, adjective = np.noun.feminine, np.adjective
    article = _DETERMINERS[np.determiner][4 if feminine else 3]
    noun = np.noun.fr_plural if np.plural else np.noun.fr
    if adjective is None:
        return f"{article} {noun}"
    quality = (adjective.fr_feminine if feminine else adjective.fr) + ("s" if np.plural else "")
    return f"{article} {quality} {noun}" if adjective.fr_before else f"{article} {noun} {quality}"


def _korean(np: NounPhrase) -> str:
    if np.noun is None:
        return _PRONOUNS[np.determiner][1]
    several = "들" if np.plural and np.determiner != "many" else ""
    quality = f"{np.adjective.ko} " if np.adjective else ""
    return f"{_DETERMINERS[np.determiner][1]}{quality}{np.noun.ko}{several}"


def _japanese(np: NounPhrase) -> str:
    if np.noun is None:
        return _PRONOUNS[np.determiner][2]
    several = "たち" if np.determiner == "the, plural" else ""
    quality = np.adjective.ja if np.adjective else ""
    return f"{_DETERMINERS[np.determiner][2]}{quality}{np.noun.ja}{several}"


def _with_particle(text: str, closed: str, opened: str) -> str:
    """Add the particle that goes after a syllable with, or without, a consonant at its end."""
    return text + (closed if (ord(text[-1]) - ord("가")) % 28 else opened)


LANGUAGES = {"en": english, "fr": french, "ko": korean, "ja": japanese}


def sentence(rng: random.Random) -> Sentence:
    """Draw a sentence of 3 to 8 English words."""
    while True:
        drawn = _sentence(rng)
        if SHORTEST <= len(english(drawn).split()) <= LONGEST:
            return drawn


def _sentence(rng: random.Random) -> Sentence:
    past = rng.random() < 0.5
    place = rng.choice(lexicon.PLACES) if rng.random() < 0.4 else None
    time = rng.choice(lexicon.TIMES[past]) if rng.random() < 0.4 else None
    with_object = rng.random() < 0.7
    verb = rng.choice(lexicon.TRANSITIVE if with_object else lexicon.INTRANSITIVE)
    subject = NounPhrase(None, rng.choice(list(_PRONOUNS))) if rng.random() < 0.15 else _phrase(rng, living=True)
    thing = _phrase(rng, living=rng.random() < 0.4) if with_object else None
    return Sentence(subject, verb, past, rng.random() < 0.25, thing, place, time)


def _phrase(rng: random.Random, living: bool) -> NounPhrase:
    noun = rng.choice(lexicon.LIVING if living else lexicon.THINGS)
    determiner = rng.choice(list(_DETERMINERS) if living else _OF_THINGS)
    return NounPhrase(noun, determiner, rng.choice(lexicon.ADJECTIVES) if rng.random() < 0.4 else None)


def sentence_pair(rng: random.Random, source: str, target: str) -> Drawn:
    """Draw a sentence in two languages."""
    drawn = sentence(rng)
    return Drawn(drawn.combination, LANGUAGES[source](drawn), LANGUAGES[target](drawn))

"""A conversation: lines of our own, said in many ways."""

import random

from fasts2s.apps.worlds.drawing import Drawn
from fasts2s.apps.worlds.talk_lines import ENGLISH, KOREAN, lines_of

#: Language -> (ways to say something, answer) of every line.
LINES = {"en": lines_of(ENGLISH), "ko": lines_of(KOREAN)}
#: What is said before and after a line.
_BEFORE = {
    "en": ("", "", "well, ", "oh, ", "hey, ", "listen, ", "you know, ", "excuse me, ", "by the way, ", "so, "),
    "ko": ("", "", "저기, ", "음, ", "아, ", "있잖아요, ", "그런데, ", "실례지만, ", "참, ", "그럼, "),
}  # fmt: skip
_AFTER = {
    "en": ("", "", "!", "?", ".", "...", ", my friend", ", please", " today", " now", ", right?"),
    "ko": ("", "", "!", "?", ".", "...", ", 친구", " 지금", " 오늘", " 정말", "~"),
}  # fmt: skip


def talk_pair(rng: random.Random, language: str | None = None) -> Drawn:
    """Draw something said and the answer; what is said with what stands around it is the combination."""
    language = rng.choice(tuple(LINES)) if language is None else language
    ways, answer = rng.choice(LINES[language])
    said = rng.choice(_BEFORE[language]) + rng.choice(ways) + rng.choice(_AFTER[language])
    return Drawn(said, said, answer)

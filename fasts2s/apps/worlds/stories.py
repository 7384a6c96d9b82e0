"""Short stories of who went where, and questions about them: a simulator knows the answers."""

import random
from typing import NamedTuple

from fasts2s.apps.worlds.drawing import Drawn

#: English and Korean.
ACTORS = [
    ("cook", "요리사"),
    ("teacher", "선생님"),
    ("doctor", "의사"),
    ("farmer", "농부"),
    ("painter", "화가"),
    ("baker", "제빵사"),
    ("singer", "가수"),
    ("driver", "운전사"),
]
PLACES = [
    ("garden", "정원"),
    ("kitchen", "부엌"),
    ("library", "도서관"),
    ("station", "기차역"),
    ("market", "시장"),
    ("museum", "박물관"),
    ("office", "사무실"),
    ("cellar", "지하실"),
]
_VERBS = [("went", "갔다"), ("walked", "걸어갔다"), ("ran", "뛰어갔다"), ("hurried", "서둘러 갔다")]
#: Moves of a story.
SHORTEST, LONGEST = 2, 6


class Move(NamedTuple):
    """Somebody goes to a place; numbers of ACTORS, PLACES and verbs."""

    actor: int
    place: int
    verb: int


def whereabouts(moves: list[Move]) -> dict[int, int]:
    """Return where everybody is after all moves: actor -> place."""
    return {move.actor: move.place for move in moves}


def story(rng: random.Random, length: int | None = None) -> list[Move]:
    """Draw the moves of a story; nobody goes to the place where they are."""
    length = rng.randint(SHORTEST, LONGEST) if length is None else length
    moves: list[Move] = []
    while len(moves) < length:
        move = Move(rng.randrange(len(ACTORS)), rng.randrange(len(PLACES)), rng.randrange(len(_VERBS)))
        if whereabouts(moves).get(move.actor) != move.place:
            moves.append(move)
    return moves


def _told(move: Move, korean: bool) -> str:
    actor, place, verb = ACTORS[move.actor][korean], PLACES[move.place][korean], _VERBS[move.verb][korean]
    if not korean:
        return f"the {actor} {verb} to the {place}."
    return f"{actor}{'이' if _closed(actor) else '가'} {place}{_towards(place)} {verb}."


def _closed(word: str) -> int:
    """Return the number of the consonant that a word ends in; 0 for none."""
    return (ord(word[-1]) - ord("가")) % 28


def _towards(place: str) -> str:
    return "로" if _closed(place) in (0, 8) else "으로"  # 8 is ㄹ


def story_pair(rng: random.Random, language: str, length: int | None = None) -> Drawn:
    """Draw a story with the question where somebody in it is, and the answer.

    One move of the story, the last one of who is asked for, decides. Who is asked for and all moves are the
    combination.
    """
    korean = language == "ko"
    moves = story(rng, length)
    where = whereabouts(moves)
    actor = rng.choice(sorted(where))
    name = ACTORS[actor][korean]
    question = f"{name}{'은' if _closed(name) else '는'} 어디에 있나?" if korean else f"where is the {name}?"
    told = " ".join(_told(move, korean) for move in moves)
    combination = " ".join([name, *(f"{move.actor}-{move.place}" for move in moves)])
    return Drawn(combination, f"{told} {question}", PLACES[where[actor]][korean])

"""Mails and the replies to them: templates with slots, polite or not, in English and Korean."""

import random
import re
from typing import Any

from fasts2s.apps.worlds.drawing import Drawn
from fasts2s.apps.worlds.mail_templates import TEMPLATES, VALUES

_MONTHS = ("january february march april may june july august september october november december").split()
#: What is a value of a slot in a text.
_VALUE = re.compile(
    r"\d+|" + "|".join(sorted((*_MONTHS, *(v for two in VALUES.values() for one in two for v in one)), key=len)[::-1])
)


def slots_in(text: str) -> list[str]:
    """Return the values of slots in a text, in their order: numbers, months, places, things, roles."""
    return _VALUE.findall(text)


def all_slots_right(source: str, answer: str, target: str) -> float:
    """Return 1 where the values of an answer are those of the target, else 0, whatever is said around them."""
    return float(slots_in(answer) == slots_in(target))


def mail_pair(rng: random.Random, language: str | None = None) -> Drawn:
    """Draw a mail and the reply; the values of its slots are the combination. ``language`` None draws it."""
    language = rng.choice(("en", "ko")) if language is None else language
    kind, polite = rng.choice(("meeting", "invitation", "leave", "refund", "order")), rng.random() < 0.5
    template = TEMPLATES[kind, language, polite]
    korean = language == "ko"
    values: dict[str, Any] = {name: rng.choice(both[korean]) for name, both in VALUES.items()}
    begin, end = sorted((rng.randrange(12), rng.randint(1, 28)) for _ in range(2))
    values |= {"date": _date(*begin, korean), "end": _date(*end, korean), "time": _time(rng, korean)}
    values["number"] = "-".join(str(rng.randint(10, 49)) for _ in range(3))
    request = rng.choice(template.requests)
    used = [
        f"{name}={value}" for name, value in sorted(values.items()) if f"{{{name}}}" in request and name != "role"
    ]
    return Drawn(f"{kind} {' '.join(used)}", request.format(**values), template.reply.format(**values))


def _date(month: int, day: int, korean: bool) -> str:
    return f"{month + 1}월 {day}일" if korean else f"{day} {_MONTHS[month]}"


def _time(rng: random.Random, korean: bool) -> str:
    hour, minute = rng.randint(8, 19), rng.choice((0, 10, 15, 20, 30, 40, 45, 50))
    return f"{hour}시 {minute}분" if korean else f"{hour}:{minute:02}"

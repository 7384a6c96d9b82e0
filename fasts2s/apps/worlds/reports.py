"""Reports of weather, matches and shares, and their headlines."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from fasts2s.apps.worlds.drawing import Drawn

_VALUES: Mapping[str, Sequence[str]] = {
    "day": "monday tuesday wednesday thursday friday saturday sunday".split(),
    "place": "harbour valley island city lake mountain coast village".split(),
    "sky": "sunny cloudy rainy foggy stormy snowy".split(),
    "wind": "north east south west".split(),
    "firm": "paper mill|toy maker|shipyard|bakery chain|bank|clock factory|tea house|steel works|railway".split("|"),
    "cause": "a new factory|weak sales|a strike|a record year|a lost contract|a new machine|higher prices".split("|"),
}
_TEAMS = "bakers drivers painters farmers sailors teachers doctors singers".split()

#: Kind -> (ways to tell it, headline); values of other slots than the headline's are there to be passed over.
_KINDS: dict[str, tuple[tuple[str, ...], str]] = {
    "weather": (
        (
            "on {day} the {place} woke up to a {sky} sky. by noon it was {high} degrees, after {low} in the night. "
            "the wind came from the {wind}.",
            "the wind turned {wind} on {day}. it was {sky} at the {place} all day, with {low} degrees in "
            "the morning and {high} at the warmest.",
            "people at the {place} saw a {sky} {day}. the night had {low} degrees, the day {high}. "
            "{wind} wind is expected to stay.",
        ),
        "{sky} {day} at the {place}, {high} degrees, {wind} wind",
    ),
    "match": (
        (
            "in front of {crowd} people the {winner} played the {loser} on {day}. at half time it was 0 : 0. "
            "the {winner} won {more} : {less}.",
            "the {loser} lost on {day}. {crowd} people saw how the {winner} scored {more} goals, "
            "the {loser} only {less}.",
            "{crowd} people came on {day} to see the {loser} against the {winner}. with {more} goals to {less} "
            "the {winner} went home happy.",
        ),
        "{winner} beat {loser} {more} : {less} on {day}",
    ),
    "shares": (
        (
            "shares of the {firm} opened at {price} on {day}. after news of {cause} they {moved} by "
            "{percent} percent.",
            "{day} was a day to remember for the {firm}. {cause} was in the papers, and its shares, "
            "at {price} before, {moved} by {percent} percent.",
            "who bought the {firm} at {price} looked up on {day}: because of {cause} the shares {moved} by {percent} "
            "percent.",
        ),
        "{firm} {way} {percent} percent after {cause}",
    ),
}


def report_pair(rng: random.Random, kind: str | None = None) -> Drawn:
    """Draw a report and its headline; the values in the headline are the combination."""
    kind = rng.choice(list(_KINDS)) if kind is None else kind
    ways, headline = _KINDS[kind]
    values: dict[str, Any] = {name: rng.choice(found) for name, found in _VALUES.items()}
    low, less = rng.randint(1, 25), rng.randint(0, 5)
    values |= {"low": low, "high": low + rng.randint(2, 12), "less": less, "more": less + rng.randint(1, 4)}
    values |= {"crowd": rng.randrange(10, 90) * 100, "price": rng.randint(10, 99), "percent": rng.randint(2, 30)}
    values["winner"], values["loser"] = rng.sample(_TEAMS, 2)
    values["way"], values["moved"] = rng.choice((("up", rng.choice(("rose", "climbed"))), ("down", "fell")))
    said = headline.format(**values)
    return Drawn(said, rng.choice(ways).format(**values), said)

"""What a result says about the book's step from the plain model to the peeky one, and its numbers to quote."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from fasts2s.bench.noise import allowed, paired
from fasts2s.bench.report import units
from fasts2s.bench.report.view import Section, figure, mean_ratio, sections
from fasts2s.bench.results import Curve, Result, Row

BASELINE, PEEKY = "Seq2seq", "PeekySeq2seq"
#: Share of right answers that counts as learnt.
TARGET = 0.9
#: Whose trainings and steps are told of, where there are several.
PREFERRED = "numba"
_NAMES = {BASELINE: "Baseline", PEEKY: "Peeky"}


class Overhead(NamedTuple):
    """What a step of the peeky model takes / one of the plain model, for H = hidden.

    low, middle, high are quartiles and median over the rounds, which both took part in. noise: so far, relatively,
    may the ratio lie off for no reason. params, flops: ratio of the numbers of parameters, and of operations.
    """

    hidden: int
    contestant: str
    low: float
    middle: float
    high: float
    noise: float
    params: float | None
    flops: float | None

    @property
    def is_clear(self) -> bool:
        """Whether the ratio differs from 1 by more than the noise, and in three of four rounds the same way."""
        return beyond(self.middle, 1 + self.noise) and not self.low <= 1 <= self.high


class Learning(NamedTuple):
    """How the trainings of one model went, over the seeds.

    epochs are those of the shortest training; reached is how many came to TARGET; epoch (the first is 1) and seconds
    of training are the median at which they did, None if a seed never did. low, final, high: smallest, median and
    largest accuracy after the last epoch; best: the largest of any epoch and seed.
    """

    model: str
    reverse: bool
    seeds: int
    epochs: int
    reached: int
    epoch: float | None
    seconds: float | None
    low: float
    final: float
    high: float
    best: float


def beyond(ratio: float, factor: float) -> bool:
    """Return whether a ratio lies outside of 1 / factor to factor."""
    return max(ratio, 1 / ratio) > factor


def ratio(a: Row, b: Row) -> tuple[float, float, float]:
    """Return (low, median, high) of a / b within the rounds; the ratio of the medians where there are no pairs."""
    if a.rounds and len(a.rounds) == len(b.rounds) and 0 not in b.rounds:
        return paired(a.rounds, b.rounds)
    middle = a.value / b.value
    return middle, middle, middle


def _over(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None


def _named(contestants: Sequence[str]) -> str:
    return PREFERRED if PREFERRED in contestants or not contestants else contestants[0]


def overheads(result: Result, contestant: str = "") -> list[Overhead]:
    """Return what being peeky costs a contestant (numba, or who is there) for every H with both models."""
    found = []
    for case, rows in result.of("steps"):
        model, _, hidden = case.partition(" H=")
        both = {row.contestant: (result.find("steps", f"{PEEKY} H={hidden}", row.contestant), row) for row in rows}
        pairs = {name: (peeky, plain) for name, (peeky, plain) in both.items() if peeky is not None and plain.value}
        name = contestant or _named(list(pairs))
        if model == BASELINE and hidden.isdigit() and name in pairs:
            peeky, plain = pairs[name]
            parts = [_over(figure(peeky, key), figure(plain, key)) for key in ("params", "flops")]
            noise = allowed(plain.noise, peeky.noise) - 1
            found.append(Overhead(int(hidden), name, *ratio(peeky, plain), noise, *parts))
    return found


def chosen(result: Result) -> dict[tuple[str, bool], list[Curve]]:
    """Return (model, reverse) -> its curves, all of one backend; those without an epoch are left out."""
    curves = [curve for curve in result.curves if curve.accuracy]
    name = _named([curve.contestant for curve in curves])
    found: dict[tuple[str, bool], list[Curve]] = {}
    for curve in curves:
        if curve.contestant == name:
            found.setdefault((curve.model, curve.reverse), []).append(curve)
    return found


def learning(result: Result) -> list[Learning]:
    """Return how the trainings of each model went, in the order in which they were made."""
    found = []
    for (model, reverse), curves in chosen(result).items():
        at = [reached for curve in curves if (reached := curve.reaches(TARGET)) is not None]
        medians = map(statistics.median, zip(*at, strict=True)) if len(at) == len(curves) else (None, None)
        epoch, seconds = medians
        last = [curve.accuracy[-1] for curve in curves]
        epochs = min(len(curve.accuracy) for curve in curves)
        ends = min(last), statistics.median(last), max(last), max(max(curve.accuracy) for curve in curves)
        found.append(Learning(model, reverse, len(curves), epochs, len(at), epoch, seconds, *ends))
    return found


def headline(result: Result) -> str:
    """Return the story in one sentence, of the models that read backwards if both do; "" if it is not told."""
    costs = min(overheads(result), key=lambda one: one.hidden, default=None)
    price = "" if costs is None else _price(costs)
    found = {(one.model, one.reverse): one for one in learning(result)}
    for reverse in (True, False):
        plain, peeky = found.get((BASELINE, reverse)), found.get((PEEKY, reverse))
        if plain is not None and peeky is not None:
            gain, rest = _gain(plain, peeky, sooner_at_best(result, reverse))
            return f"Peeky {' and '.join(filter(None, (price, gain)))}{rest}"
    return f"Peeky {price}" if price else ""


def _more(ratio: float) -> str:
    return f"{units.percent(abs(ratio - 1))} {'more' if ratio >= 1 else 'less'}"


def _price(costs: Overhead) -> str:
    if costs.is_clear:
        return f"costs {_more(costs.middle)} per step"
    return f"costs, within the noise ({units.noise(costs.noise)}), as much per step as the baseline"


def sooner_at_best(result: Result, reverse: bool) -> float | None:
    """Return how much sooner, in training time, the peeky model is as good as the plain one ever gets.

    The median over the seeds that both have; None if there are none, or the peeky model of a seed never is.
    """
    found = chosen(result)
    plain = {curve.seed: curve for curve in found.get((BASELINE, reverse), [])}
    ratios = []
    for curve in found.get((PEEKY, reverse), []):
        if curve.seed in plain:
            best = max(plain[curve.seed].accuracy)
            theirs, own = plain[curve.seed].reaches(best), curve.reaches(best)
            if theirs is None or own is None or not own[1]:
                return None
            ratios.append(theirs[1] / own[1])
    return statistics.median(ratios) if ratios else None


def _gain(plain: Learning, peeky: Learning, sooner: float | None) -> tuple[str, str]:
    """Return what the peeky model does, and what has to be said of the plain one."""
    goal = units.percent(TARGET)
    never = f"does not reach {goal} within"
    if peeky.epoch is None:
        nor = f"nor does the baseline (best {units.percent(plain.best)})"
        rest = nor if plain.epoch is None else f"the baseline does after {plain.epoch:g}"
        return f"{never} {peeky.epochs} epochs (best {units.percent(peeky.best)})", f"; {rest}"
    if plain.epoch is None:
        rest = f"; the baseline {never} {plain.epochs} epochs (best {units.percent(plain.best)}"
        rest += f", where Peeky is {sooner:.1f} times sooner)" if sooner is not None and sooner > 1 else ")"
        return f"reaches {goal} after {peeky.epoch:g} epochs", rest
    ratio = _over(plain.seconds, peeky.seconds) or plain.epoch / peeky.epoch
    return f"reaches {goal} {max(ratio, 1 / ratio):.1f} times {'sooner' if ratio >= 1 else 'later'}", ""


def variant(model: str, reverse: bool) -> str:
    """Return what a model is called in charts and sentences."""
    return _NAMES.get(model, model) + (", reversed" if reverse else "")


def sentences(result: Result) -> list[str]:
    """Return the whole story of the peeky model, a sentence for each step of it."""
    found = []
    for costs in overheads(result):
        low, high = (100 * (ratio - 1) for ratio in (costs.low, costs.high))
        text = f"H={costs.hidden}: a step of {PEEKY} takes {_more(costs.middle)} time than one of {BASELINE}"
        text += "" if costs.is_clear else f", which is within the noise of {units.noise(costs.noise)}"
        text += f" ({costs.contestant}; quartiles {low:+.0f} to {high:+.0f} %)"
        known = [(costs.params, "parameters"), (costs.flops, "operations in matrix products")]
        parts = [f"{_more(ratio)} {what}" for ratio, what in known if ratio is not None]
        found.append(f"{text}; it has {' and '.join(parts)}." if parts else f"{text}.")
    return found + [_course(one) for one in learning(result)]


def _course(one: Learning) -> str:
    goal, trainings = units.percent(TARGET), f"{one.seeds} training{'s' if one.seeds > 1 else ''}"
    if one.epoch is not None and one.seconds is not None:
        way = f"{goal} right after {one.epoch:g} epochs, {units.duration(one.seconds)} of training"
    else:
        way = f"{goal} not within {one.epochs} epochs"
        way += f" in {one.seeds - one.reached} of {trainings}" if one.reached else ""
    last = f"at the end {100 * one.final:.1f} % ({100 * one.low:.1f} to {100 * one.high:.1f}, {trainings})"
    return f"{variant(one.model, one.reverse)}: {way}; {last}."


def _noise_of(section: Section, contestant: str) -> float:
    """Return the factor by which the ratios of a contestant may lie off for no reason: the median over the cases."""
    pairs = [(line.of(section.base), line.of(contestant)) for line in section.lines if line.base == section.base]
    return statistics.median(allowed(a.noise, b.noise) for a, b in pairs if a and b and b.ratio)


def numbers(result: Result) -> list[tuple[str, str]]:
    """Return (number, what it is) of what is worth quoting: means of ratios, shares of the peak.

    Training steps beside everybody, layers and answers beside the one that comes closest; no ratio within its noise.
    """
    found = []
    for group, what in (("steps", "in a training step"), ("layers", "for one layer"), ("answers", "in answering")):
        for section in sections(result, group):
            means = {name: own for name in section.others if (own := mean_ratio(section, name)) is not None}
            closest = min(means, key=lambda name: means[name][0], default=None)
            for name, (mean, count) in means.items():
                if (group == "steps" or name == closest) and beyond(mean, _noise_of(section, name)):
                    cases = f", geometric mean of {count} cases" if count > 1 else ""
                    found.append((units.times(mean), f"as fast as {name} {what} ({section.base}{cases})"))
    layers = [row for row in result.rows if row.group == "layers" and row.contestant == PREFERRED]
    shares = [share for row in layers if (share := figure(row, "peak_share"))]
    if shares:
        low, high = units.percent(min(shares)), units.percent(max(shares))
        what = f"of the processor's peak in LSTM layers ({PREFERRED})"
        found.append((low if low == high else f"{low[:-2]} to {high}", what))
    return found

"""The figure of the story: accuracy over epochs and over training time, for the plain and the peeky model."""

import statistics
import textwrap
from collections.abc import Sequence
from typing import Any

from fasts2s.bench.report import story
from fasts2s.bench.report.svg import Chart, drawing
from fasts2s.bench.results import Curve, Result

#: Model -> colour; a line is dashed where the question is read forwards.
_COLOURS = {story.BASELINE: "#d55e00", story.PEEKY: "#0072b2"}
_OTHER = "#5c5c5c"
_PANELS = {"epochs": "epoch", "seconds": "seconds of training"}

#: (model, reverse) and its curves.
Variant = tuple[tuple[str, bool], list[Curve]]


def story_charts(result: Result) -> list[Chart]:
    """Return the charts of accuracy over epochs and over seconds; none without curves."""
    variants = _variants(result)
    return [_chart(variants, what) for what in _PANELS] if variants else []


def _chart(variants: Sequence[Variant], what: str) -> Chart:
    title = f"Exactly right answers by {'epoch' if what == 'epochs' else 'training time'}"
    return Chart(title, drawing(f"story-{what}", title, (4.8, 3.7), lambda canvas: _one(canvas, variants, what)))


def story_svg(result: Result) -> str:
    """Return the whole figure as a file of its own, with a white background; "" without curves."""
    variants = _variants(result)
    if not variants:
        return ""
    head = story.headline(result) or "Learning to add"
    return drawing("story", head, (9.6, 4.7), lambda f: _both(f, variants, head), background="#ffffff") + "\n"


def _variants(result: Result) -> list[Variant]:
    """Return the variants, best first, in which order the legend has them."""
    ends = {(one.model, one.reverse): one.final for one in story.learning(result)}
    return sorted(story.chosen(result).items(), key=lambda item: -ends[item[0]])


def _one(canvas: Any, variants: Sequence[Variant], what: str) -> None:
    axes = canvas.subplots()
    _draw(axes, variants, what)
    axes.set_ylabel("exactly right answers, %")
    _legend(canvas, axes, 2)


def _both(canvas: Any, variants: Sequence[Variant], head: str) -> None:
    left, right = canvas.subplots(1, 2, sharey=True)
    _draw(left, variants, "epochs")
    _draw(right, variants, "seconds")
    left.set_ylabel("exactly right answers, %")
    canvas.suptitle("\n".join(textwrap.wrap(head, 78)), fontsize=14, fontweight="bold", x=0.01, ha="left")
    _legend(canvas, left, 4)


def _legend(canvas: Any, axes: Any, ncols: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=ncols, handlelength=2.2, columnspacing=1.2)


def extended(curves: Sequence[Curve]) -> tuple[list[float], list[list[float]], list[list[float]]]:
    """Return (epochs, accuracies in %, seconds), for each epoch those of all seeds.

    A training that ended when it came to the goal stays where it was, and its epochs go on to take as long; where
    another one ends, all end.
    """
    ends = [len(curve.accuracy) for curve in curves if story.first_epoch(curve) is None]
    length = min(ends, default=max(len(curve.accuracy) for curve in curves))
    points: list[list[float]] = []
    spent: list[list[float]] = []
    for k in range(length):
        points.append([100 * curve.accuracy[min(k, len(curve.accuracy) - 1)] for curve in curves])
        spent.append([_seconds(curve, k) for curve in curves])
    return [k + 1.0 for k in range(length)], points, spent


def _seconds(curve: Curve, k: int) -> float:
    epochs = len(curve.seconds)
    return curve.seconds[k] if k < epochs else curve.seconds[-1] * (k + 1) / epochs


def _draw(axes: Any, variants: Sequence[Variant], what: str) -> None:
    """Draw a variant as the median over its seeds, in a band from the least to the most."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - only who draws pays for it

    goal = 100 * story.TARGET
    axes.axhline(goal, color="#8a8f98", linewidth=1.2, linestyle=(0, (1, 2)))
    axes.annotate(
        f"{goal:g} %",
        (0, goal),
        (3, 3),
        textcoords="offset points",
        fontsize=10.5,
        color="#5b616b",
        xycoords=("axes fraction", "data"),
    )
    for (model, reverse), curves in variants:
        xs, points, spent = extended(curves)
        if what == "seconds":
            xs = [statistics.median(seconds) for seconds in spent]
        tone, dashes = _COLOURS.get(model, _OTHER), "-" if reverse else (0, (4, 1.6))
        sign = {"marker": "o", "markersize": 5} if len(xs) == 1 else {}
        label = story.variant(model, reverse)
        axes.plot(
            xs, [statistics.median(p) for p in points], color=tone, linestyle=dashes, label=label, zorder=3, **sign
        )
        if len(curves) > 1:
            axes.fill_between(
                xs, [min(p) for p in points], [max(p) for p in points], color=tone, alpha=0.18, linewidth=0
            )
    axes.set_ylim(-2, 103)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=what == "epochs"))
    axes.set_xlabel(_PANELS[what])
    axes.grid()

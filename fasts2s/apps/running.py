"""Runs an application over pairs of texts: trains, measures, shows, writes."""

import argparse
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from typing import Any

from fasts2s.apps.application import USUAL, Application
from fasts2s.apps.arguments import MODELS, falling, quick_enough
from fasts2s.commands.attention_map import draw_attention
from fasts2s.commands.curves import text_curve
from fasts2s.commands.output import Beside
from fasts2s.commands.train_pairs import PairOptions, PairsData, PairsRun, short, show_data
from fasts2s.commands.train_parsers import usual_options
from fasts2s.generation import GenerationOptions
from fasts2s.text import Pairs

#: The picture of what the model looked at.
ATTENTION = "attention.png"
#: Pairs that are answered after an epoch, at most.
_MEASURED = 300
_EXAMPLES = 8
#: Symbols of a source in the picture, at most.
_DRAWN = 30


def run_application(app: Application, a: argparse.Namespace) -> int:
    """Train an application as its options say; return the exit status: 0, or 130 after Ctrl-C."""
    parts = app.parts
    train = parts.train[: app.quick] if a.quick else parts.train
    options = options_of(app, a)
    test = parts.test[:_MEASURED] if a.quick else parts.test
    data = PairsData(train, parts.held_out[:_MEASURED], test, options)
    with closing(AppRun(app, options, data, a.quick)) as run:
        show_data(run)
        return run.conclude(partial(_summarise, run))


def options_of(app: Application, a: argparse.Namespace) -> PairOptions:
    """Return the options of a training of pairs: those usual, the application's, the user's."""
    own = getattr(a, "data", None)  # not every application takes some
    usual = usual_options(PairOptions, "pairs", str(own) if own else f"built in: {app.name}")
    chosen = {"out": a.out, "overwrite": a.overwrite, "seed": a.seed}
    epochs = a.epochs or (app.quick_epochs if a.quick else None)
    chosen |= {"epochs": epochs} if epochs else {}
    return PairOptions(**{**usual, **USUAL, **app.settings, **MODELS[a.model], **chosen})


class AppRun(PairsRun):
    """The training of an application: the learning rate falls to the end, its own score decides."""

    def __init__(self, app: Application, options: PairOptions, data: PairsData, quick: bool) -> None:
        self.app, self._quick = app, quick
        self._first_step_ended = 0.0
        if app.rightness is not None:
            self.measure_name, self.larger_is_better = "accuracy", True
        super().__init__(options, data)
        self.history["application"] = app.name

    def fit(self) -> None:
        steps = self.options.epochs * len(self.batches)
        for batch in islice(self.batches.epoch(len(self.epochs)), self.skipped, None):
            self.optimizer.lr = self.options.lr * falling(self.trainer.updates / steps)
            self.trainer.train_step(batch.xs, batch.ts, self.options.max_grad)
            self._first_step_ended = self._first_step_ended or time.perf_counter()

    def measure(self, losses: list[float], seconds: float) -> dict[str, Any]:
        found = super().measure(losses, seconds)
        if self.app.rightness is not None:
            found["accuracy"] = 100 * self.right(self.data.validation)[0]
        return found

    def right(self, pairs: Pairs) -> tuple[float, list[str]]:
        """Return how right answers to pairs are, from 0 to 1, and the answers."""
        said = [answers[0].text for answers in self.whole.answers(pairs.sources)]
        rightness = self.app.rightness
        if rightness is None:
            return float("nan"), said
        return sum(map(rightness, pairs.sources, said, pairs.targets)) / len(pairs), said

    def is_right(self, source: str, answer: str, target: str) -> bool:
        rightness = self.app.rightness
        return answer == target if rightness is None else rightness(source, answer, target) == 1

    def no_progress(self) -> None:
        pass

    def enough(self) -> str:
        return quick_enough(self._quick, self._first_step_ended)

    def show(self, row: dict[str, Any]) -> None:
        measured = f"perplexity {row['perplexity']:.3f}"
        if self.app.rightness is not None:
            measured += f", {self.app.label} {row['accuracy']:.1f} %"
        print(
            f"epoch {row['epoch']:>2}/{self.options.epochs}  loss {row['loss']:.4f}  held-out pairs: {measured}  "
            f"{row['tokens_per_second']:,.0f} tokens/s  ({row['seconds']:.1f} s)"
            + ("" if row["finished"] else "  interrupted")
        )
        print("   " + "\n   ".join(self.examples(2)))

    def write_beside(self) -> None:
        super().write_beside()
        (self.folder / ATTENTION).unlink(missing_ok=True)

    def titles(self) -> tuple[str, str]:
        o, app = self.options, self.app
        kind = f"attention {o.attention}" if o.attention != "none" else o.decoder
        return f"{app.title}: {kind}", app.label if app.rightness is not None else "perplexity of held-out pairs"


def _summarise(run: AppRun, finished: bool) -> None:
    app, key = run.app, run.measure_name
    unit, top = (" %", 100) if app.rightness is not None else ("", None)
    title = app.label if app.rightness is not None else "perplexity"
    print(f"\n{title} by epoch, held-out pairs\n" + text_curve(run.epochs, key, unit, top))
    if finished and len(run.data.test):
        run.use_best()
        _score(run)
    question = min(run.data.validation.sources, key=len)
    with Beside("drawing what the model looked at"):
        _draw(run)
    run.save_costs()
    run.show_files("ask", str(run.folder), question)


def _score(run: AppRun) -> None:
    """Print examples and the score of unseen pairs, and what the application reports."""
    app, test = run.app, run.data.test
    share, said = run.right(test)
    print("\nanswers to unseen pairs\n   " + "\n   ".join(run.lines(test[:_EXAMPLES], said[:_EXAMPLES])))
    scores = {"perplexity": run.whole.perplexity(run.whole.encode(test)), "pairs": float(len(test))}
    print(f"\n{len(test):,} unseen pairs: perplexity {scores['perplexity']:.3f}")
    if app.rightness is not None:
        scores["accuracy"] = 100 * share
        print(f"score: {app.label} {100 * share:.2f} %")
    run.history["test"] = scores
    if app.report is not None:
        lines, found = app.report(run.whole, test, said)
        print("\n".join(lines))
        run.history["report"] = found


def _draw(run: AppRun) -> None:
    """Draw what the model looked at in one of the held-out pairs."""
    if run.options.attention == "none":
        return
    sources: Sequence[str] = run.data.validation.sources[:_MEASURED]
    fitting = [s for s in sources if len(run.whole.source.tokens(s)) <= _DRAWN]
    source = max(fitting or sources[:1], key=lambda s: len(run.whole.source.tokens(s)))
    said = run.whole.answers([source], GenerationOptions(attention=True))[0][0]
    draw_attention(run.folder / ATTENTION, said)
    print(f"looked:  {run.folder / ATTENTION} ({short(source)})")

"""Mutants of readers' layers: is one of them replaced that must not be, and how many that mean the same are?

Usage: python benchmarks/recognition_mutants.py [LAYER ...] [--each N] [--seed S]

A mutant that is replaced runs the same sequence of calls before and after: any difference is wrong. One that does
what the plain layer does means the same. The numbers come from a judge that shares nothing with the recognition.
"""

import argparse
import contextlib
import io
import random
import sys
import tempfile
import time
from pathlib import Path
from types import FunctionType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import fasts2s
from fasts2s.backend import override_environment
from fasts2s.bench import machine
from fasts2s.dropin.recognise import book_code
from fasts2s.dropin.replace import originals, patching
from fasts2s.dropin.settings import installed, settings
from tests.dropin.recognise import mutants, word_judge

_FOLDER = Path(mutants.__file__).parent
LAYERS, MODELS, WORDS = (
    (_FOLDER / f"plain_{name}.py").read_text(encoding="utf-8") for name in ("layers", "models", "words")
)

#: Where a text has fewer places to change, some of its mutants have two changes.
_FEWEST = 120


def look_at(text: str, name: str, plain: list[object]) -> tuple[bool, bool, bool, str]:
    """Return whether a mutant means the same, is replaced, is so wrongly; and why it was left."""
    with contextlib.redirect_stdout(io.StringIO()):
        module = mutants.module_of(text)
        kind = getattr(module, name)
        before = mutants.behaviour(kind, name)
        together = name in (*mutants.MODELS, *mutants.WORDS)
        fasts2s.accelerate(vars(module) if together else kind)
        patching.offer_functions(vars(module), module.__name__)
        replaced = kind in installed or (isinstance(kind, FunctionType) and bool(originals.of(kind)))
        is_loss = name == "TimeSoftmaxWithLoss"
        wrong = replaced and not mutants.alike(before, mutants.behaviour(kind, name), is_loss)
        reason = next((e.reason for e in patching.entries if e.reason and e.name == name), "")
        fasts2s.unpatch()
        mutants.forget(module)
    return mutants.alike(before, plain), replaced, wrong, reason


def run(name: str, each: int, seed: int, verbose: bool) -> None:
    """Look at a sample of the mutants of one layer, and print what was found."""
    text = WORDS if name in mutants.WORDS else LAYERS + MODELS if name in mutants.MODELS else LAYERS
    every = mutants.mutants(text, name)
    chosen = random.Random(seed).sample(every, min(each, len(every)))
    chosen += mutants.twice(text, name, random.Random(seed), min(each, _FEWEST) - len(chosen))
    module = mutants.module_of(text)
    plain = mutants.behaviour(getattr(module, name), name)
    started, same, both, replaced, wrong = time.perf_counter(), 0, 0, 0, []
    for what, mutant in chosen:
        means_same, is_replaced, is_wrong, reason = look_at(mutant, name, plain)
        same, both, replaced = same + means_same, both + (means_same and is_replaced), replaced + is_replaced
        if is_wrong:
            wrong.append(what)
        if verbose and (is_wrong or (means_same and not is_replaced)):
            print(f"  {'WRONG' if is_wrong else 'left'}: {what}: {reason}")
    share = f"{100 * both / same:.0f} %" if same else "none"
    print(
        f"{name}: {len(chosen)} of {len(every)} mutants, {replaced} replaced, wrongly {len(wrong)}; "
        f"{same} mean the same, of these replaced {both} ({share}); {time.perf_counter() - started:.0f} s",
        flush=True,
    )
    for what in wrong:
        print(f"  wrongly replaced: {what}")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layers", nargs="*", default=list(mutants.PARTS))
    parser.add_argument("--each", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-v", dest="verbose", action="store_true")
    asked = parser.parse_args()
    print(machine.heading("Layers that are changed a little", "1"))
    settings.all_sizes = True
    with tempfile.TemporaryDirectory() as folder:
        override_environment("numpy", None, Path(folder))
        # What is mutated elsewhere is known by its text, as the book's is.
        book_code._known = {**book_code._known(), **word_judge.known(WORDS)}.copy
        for name in asked.layers:
            run(name, asked.each, asked.seed, asked.verbose)


if __name__ == "__main__":
    main()

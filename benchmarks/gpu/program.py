"""What both GPU programs do: options, head, gate before time, tables, goals, repeat, exit code."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gpu import machine, table
from gpu.timing import DRY, Clock, Contestant, Plan, take_turns

#: The exit code where there is nothing to measure with.
NO_GPU = 2


def parser(text: str, groups: tuple[str, ...]) -> argparse.ArgumentParser:
    """Return the options that both programs have."""
    found = argparse.ArgumentParser(description=text.partition("\n")[0])
    found.add_argument("--case", default="", help="only cases whose name contains this")
    found.add_argument("--only", default=",".join(groups), help="groups of cases (%(default)s)")
    found.add_argument("--rounds", type=int, default=Plan.rounds, help="rounds that count (%(default)s)")
    found.add_argument("--json", default="", metavar="FILE", help="write everything into this file as well")
    found.add_argument("--dry", action="store_true", help="run everything on tiny sizes, for trying the program")
    return found


class Run:
    """One run of a program.

    Attributes
    ----------
    rows : dict of str to list of Contestant
        What was timed, by row.
    failures : list of str
        What goes into the exit code.
    """

    def __init__(self, args: argparse.Namespace, title: str, kernels: bool) -> None:
        self.args, self.title, self.kernels = args, title, kernels
        self.plan = DRY if args.dry else replace(Plan(), rounds=args.rounds)
        self.torch_device, missing = machine.torch_device(args.dry)
        self.notes = [f"left out: PyTorch: {missing}"] if missing else []
        self.machine = machine.describe(bool(self.torch_device))
        self.clock = Clock()
        self.rows: dict[str, list[Contestant]] = {}
        self.failures: list[str] = []

    def head(self, lines: list[str]) -> None:
        """Print what the table must say of the machine and of how it was made."""
        print(f"{self.title}{' (--dry: tiny sizes, times of no meaning)' if self.args.dry else ''}")
        for name, text in self.machine.items():
            print(f"{name}: {text}")
        for line in [*self.notes, str(self.plan), *lines]:
            print(line)

    def complain(self, text: str) -> None:
        """Note a failure, and print it where it happened."""
        if text not in self.failures:  # the repeat fails as the first did
            self.failures.append(text)
            print(f"FAILED: {text}", flush=True)

    def passes(self, where: str, judge: Callable[[], tuple[dict[str, float], list[str]]]) -> dict[str, float] | None:
        """Return the errors of a contestant that passes its gate; else complain and return None."""
        try:
            errors, complaints = judge()
        except Exception as error:  # whatever a contestant raises: the others go on
            errors, complaints = {}, [f"{type(error).__name__}: {machine.one_line(error)[:300]}"]
        for complaint in complaints:
            self.complain(f"{where}: {complaint}")
        return None if complaints else errors

    def measure(self, row: str, contestants: list[Contestant], print_it: bool = True) -> list[Contestant]:
        """Time contestants that have passed the gate, print their lines, return who was timed."""
        for text in take_turns(contestants, self.clock, self.plan, self.kernels):
            self.complain(f"{row}, {text}")
        if print_it:
            table.print_row(row, contestants, self.kernels)
            self.rows[row] = contestants
        return contestants

    def end(self, goals: tuple[table.Goal, ...], again: list[Contestant]) -> int:
        """Judge goals and repeat, write the file, return the exit code."""
        judged = table.judge_goals(goals, self.rows, self.args.dry)
        first = next(iter(self.rows.values()), [])
        off = table.judge_repeat(first, again)
        if not self.args.dry:
            self.failures += off
        after = machine.nvidia_smi()
        print(f"nvidia-smi at the end: {after}")
        for failure in self.failures:
            print(f"FAILED: {failure}")
        if self.args.json:
            lines = [line for row, timed in self.rows.items() for line in table.as_json(row, timed)]
            told = {"title": self.title, "dry": self.args.dry, "plan": vars(self.plan)}
            about = {"machine": self.machine, "nvidia_smi_after": after, "notes": self.notes}
            outcome = {"goals": judged, "repeat": table.as_json("repeat", again), "failures": self.failures}
            table.write(self.args.json, {**told, **about, "rows": lines, **outcome})
        return int(bool(self.failures))


def start(program: str, args: argparse.Namespace, run: Callable[[argparse.Namespace], int]) -> int:
    """Run a program, or say in one line why it cannot; return the exit code."""
    try:
        machine.require(args.dry)
    except machine.NothingToMeasureError as error:
        print(f"{program}: nothing was measured: {error}", file=sys.stderr)
        return NO_GPU
    return run(args)


def chosen(cases: Any, args: argparse.Namespace, parser_: argparse.ArgumentParser) -> list[Any]:
    """Return the cases that are asked for; end with a message if there are none."""
    found = [case for case in cases if case.group in args.only.split(",") and args.case in case.name]
    if not found:
        parser_.error(f"there is no case {args.case!r} in {args.only!r}")
    return found

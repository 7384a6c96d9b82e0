"""``fasts2s bench``: run the benchmark suite, write its report, compare two of its files."""

import tempfile
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from fasts2s.bench import compare, results
from fasts2s.bench.plans import PLANS, Plan
from fasts2s.bench.report import page as report
from fasts2s.bench.report import tables
from fasts2s.bench.runner import Run, usable_backends
from fasts2s.commands.errors import CommandError
from fasts2s.commands.output import complain
from fasts2s_kernels.cores import available_cores


def bench(options: Namespace) -> int:
    """Run a plan or compare two files; return 0, or 1 if something failed or differs.

    options : what was asked for, see the parser in :mod:`fasts2s.cli`.
    """
    if options.what == "compare":
        return _compare(options.files)
    if options.files:
        raise CommandError(f"there is {options.files[0]!r} after {options.what}: only compare takes files")
    plan = _plan(options)
    chosen = _chosen(options.backends or plan.backends or None)
    if options.processor and "numba" not in chosen:
        raise CommandError(f"--processor is for the backend numba, which is not among {', '.join(chosen)}")
    _require_place(options)
    with tempfile.TemporaryDirectory(prefix="fasts2s-bench-") as folder:
        threads = options.threads or available_cores()
        run = Run(plan, chosen, threads, Path(folder), _say, options.processor)
        result = run.result()
    written: list[str] = []
    try:
        # Printing comes last: where nobody reads it, what was measured is in its files. It comes in any case.
        if options.json:
            results.write(Path(options.json), result)
            written.append(f"json:   {options.json}")
        if options.html:
            written += [f"report: {path}" for path in report.write_report(Path(options.html), result)]
    finally:
        print("\n".join([tables.text(result), *written]))
    return int(bool(result.failures))


def _plan(options: Namespace) -> Plan:
    """Return what is to be measured. CommandError if that is nothing."""
    plan = PLANS[options.what]
    if options.case:
        plan = plan.only(options.case)
        if not (plan.cases or plan.memory or plan.threads):
            raise CommandError(f"--case: the plan {options.what} has no case with {options.case!r} in its name")
    if options.rounds:
        paces = {case.group: plan.pace_of(case.group) for case in (*plan.cases, *plan.threads)}
        plan = replace(plan, pace={group: replace(pace, rounds=options.rounds) for group, pace in paces.items()})
    return plan.dry() if options.dry else plan


def _say(text: str) -> None:
    complain(text, by="fasts2s bench")


def _chosen(asked: str | None) -> list[str]:
    """Return the backends to be measured. CommandError for one that does not run here."""
    usable = usable_backends()
    if asked is None:
        return usable
    names = [name.strip() for name in asked.split(",") if name.strip()]
    for name in names:
        if name not in usable:
            raise CommandError(
                f"the backend {name!r} does not run here, expected of {', '.join(usable)}: fasts2s info"
            )
    if not names:
        raise CommandError("--backend names no backend, expected for instance numba,numpy")
    return list(dict.fromkeys(names))


def _require_place(options: Namespace) -> None:
    """Say now, not after a quarter of an hour, that there is no folder to write to, or an older measurement in it."""
    data, page = (None if name is None else Path(name).absolute() for name in (options.json, options.html))
    for path in filter(None, (data, page)):
        if not path.parent.is_dir():
            raise CommandError(f"there is no folder {path.parent}: make it, or name another file")
    if data and data.is_dir():
        raise CommandError(f"{data} is a folder: --json takes the name of a file")
    if page and page.exists() and not page.is_dir():
        raise CommandError(f"{page} is a file: --html takes the name of a folder")
    files = ([data] if data else []) + ([page / name for name in report.FILES] if page else [])
    found = [str(file) for file in files if file.exists()]
    if found and not options.overwrite:
        raise CommandError(f"there is {', '.join(found)}: give another name, or replace it with --overwrite")


def _compare(files: list[str]) -> int:
    if len(files) != 2:
        raise CommandError(f"compare takes two files, OLD.json NEW.json, and got {len(files)}")
    old, new = (results.read(Path(file)) for file in files)
    found = compare.compare(old, new)
    print(compare.text(found))
    return int(found.agreeing < len(found.differences))

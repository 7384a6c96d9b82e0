"""compute-sanitizer over small tests of the cupy kernels: memcheck, racecheck, synccheck, initcheck.

    python benchmarks/gpu_sanitizer.py [--tools memcheck,racecheck] [-k EXPRESSION]

Exit code 0: every tool ran and reported nothing; 1: something was reported, or a test failed; 2: some tool was not
run, and the summary says why. Some containers do not let a debugger at the GPU: then that is the reason.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gpu.machine import NothingToMeasureError, require

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ("memcheck", "racecheck", "synccheck", "initcheck")
#: Every kernel and every design of the LSTM on small shapes; the large ones take minutes under a tool.
TESTS = ("tests/kernels/gpu/test_lstm_designs.py", "tests/kernels/gpu/test_other_kernels.py",
         "tests/kernels/gpu/test_ids_out_of_range.py")  # fmt: skip
SELECTION = "not 650 and not 400 and not 135 and not 140 and not longer_batches"
#: The last line of a tool: memcheck, synccheck and initcheck count errors, racecheck hazards.
_SUMMARY = re.compile(r"(?:ERROR SUMMARY: (\d+) error|RACECHECK SUMMARY: (\d+) hazard)")
_PYTEST = re.compile(r"^=*\s*(.*\b(?:passed|failed|error)\b.*?)\s*=*$", re.MULTILINE)
_PLACES = (
    "bin/compute-sanitizer",
    "compute-sanitizer/compute-sanitizer",
    "extras/compute-sanitizer/compute-sanitizer",
)


@dataclass(frozen=True)
class Outcome:
    """What became of a tool: ``clean``, ``reported``, ``tests failed`` or ``not run``, and what is said of it."""

    tool: str
    verdict: str
    text: str


def find() -> str:
    """Return the path of compute-sanitizer, or ""."""
    on_path = shutil.which("compute-sanitizer")
    if on_path:
        return on_path
    homes = [os.environ.get(name, "") for name in ("CUDA_HOME", "CUDA_PATH")] + ["/usr/local/cuda"]
    candidates = [Path(home) / place for home in homes if home for place in _PLACES]
    return next((str(path) for path in candidates if os.access(path, os.X_OK) and path.is_file()), "")


def command(program: str, tool: str, args: argparse.Namespace) -> list[str]:
    """Return the command line of a tool around pytest."""
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "gpu.no_pool", "-p", "no:cacheprovider", *args.tests]
    return [
        program, "--tool", tool, "--error-exitcode", "99", "--print-limit", "20", *tests, "-k", args.selection,
    ]  # fmt: skip


def judge(tool: str, status: int, printed: str) -> Outcome:
    """Return what became of a tool, from its exit code and from what it and pytest printed."""
    found, tests = _SUMMARY.findall(printed), _PYTEST.findall(printed)
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith("=========")] or lines  # the tool's own have that mark
    if not found or not tests:
        return Outcome(tool, "not run", said[-1] if said else f"it ended with {status} and said nothing")
    count, counts = max(int(a or b) for a, b in found), tests[-1]
    if count:
        return Outcome(tool, "reported", f"{count} errors; {counts}")
    if status or re.search(r"\b(failed|errors?)\b", counts):
        return Outcome(tool, "tests failed", f"0 errors, exit code {status}; {counts}")
    if "passed" not in counts:
        return Outcome(tool, "not run", f"no test was run: {counts}")
    return Outcome(tool, "clean", counts)


def run(program: str, tool: str, args: argparse.Namespace) -> Outcome:
    """Run a tool, with what it prints in a file of the folder of logs."""
    paths = [str(ROOT / "benchmarks"), str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ, "FASTS2S_TEST_BACKENDS": "cupy", "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }  # fmt: skip
    log = args.logs / f"{tool}.log"
    with log.open("w", encoding="utf-8") as out:
        try:
            status = subprocess.run(
                command(program, tool, args), cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT,
                timeout=args.limit, check=False,
            ).returncode  # fmt: skip
        except subprocess.TimeoutExpired:
            return Outcome(tool, "not run", f"it was not done after {args.limit:.0f} s, see {log}")
        except OSError as error:
            return Outcome(tool, "not run", f"{program} does not start: {error}")
    return judge(tool, status, log.read_text(encoding="utf-8", errors="replace"))


def obstacle() -> str:
    """Return why nothing can be run here, or ""."""
    if not find():
        return "compute-sanitizer is not installed: it is a part of the CUDA toolkit"
    try:
        require(dry=False)
    except NothingToMeasureError as error:
        return str(error)
    return ""


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tests", nargs="*", default=list(TESTS), help="files of tests (those of the kernels)")
    parser.add_argument("-k", dest="selection", default=SELECTION, help="pytest's selection (%(default)s)")
    parser.add_argument("--tools", default=",".join(TOOLS), help="%(default)s")
    parser.add_argument("--limit", type=float, default=1200.0, help="seconds for one tool (%(default)s)")
    parser.add_argument("--logs", type=Path, default=Path("gpu_sanitizer_logs"), help="folder of logs (%(default)s)")
    args = parser.parse_args()
    args.tools = args.tools.split(",")
    if not set(args.tools) <= set(TOOLS):
        parser.error(f"--tools are of {', '.join(TOOLS)}")
    args.logs = args.logs.resolve()
    return args


def main() -> int:
    """Run the tools one after the other and print what became of each; return the exit code."""
    args, reason = arguments(), obstacle()
    if reason:
        outcomes = [Outcome(tool, "not run", reason) for tool in args.tools]
    else:
        args.logs.mkdir(parents=True, exist_ok=True)
        outcomes = [run(find(), tool, args) for tool in args.tools]
    for one in outcomes:
        print(f"{one.tool:<11}{one.verdict:<14}{one.text}")
    verdicts = {one.verdict for one in outcomes}
    if verdicts & {"reported", "tests failed"}:
        return 1
    return 2 if "not run" in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())

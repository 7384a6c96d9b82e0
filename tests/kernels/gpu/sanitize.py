"""compute-sanitizer over small tests of the cupy kernels: memcheck, racecheck, synccheck, initcheck.

    python -m tests.kernels.gpu.sanitize [--tools memcheck,racecheck] [-k EXPRESSION]

Exit code 0: every tool ran and reported nothing; 1: something was reported, or a test failed; 2: some tool was not
run, and the summary says why. Some containers do not let a debugger at the GPU: then that is the reason.
"""

import argparse
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from fasts2s.backend import backends
from fasts2s.bench.peers.gpu import is_stand_in

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ("memcheck", "racecheck", "synccheck", "initcheck")
#: Every kernel and every design of the LSTM on small shapes; the large ones take minutes under a tool.
TESTS = ("tests/kernels/gpu/test_lstm_designs.py", "tests/kernels/gpu/test_other_kernels.py",
         "tests/kernels/gpu/test_ids_out_of_range.py")  # fmt: skip
SELECTION = "not 650 and not 400 and not 135 and not 140 and not longer_batches"
#: The last line of a tool: memcheck, synccheck and initcheck count errors, racecheck hazards.
_SUMMARY = re.compile(r"(?:ERROR SUMMARY: (\d+) error|RACECHECK SUMMARY: (\d+) hazard)")
_PYTEST = re.compile(r"^=*\s*(.*\b(?:passed|failed|error)\b.*?)\s*=*$", re.MULTILINE)


def pytest_sessionstart() -> None:
    """Let every array have memory of its own: this file is a plugin of the tests, too. Pools hide overruns."""
    cuda: Any = importlib.import_module("cupy").cuda
    cuda.set_allocator(None)
    cuda.set_pinned_memory_allocator(None)


def find() -> str:
    """Return the path of compute-sanitizer, or ""."""
    homes = [os.environ.get(name, "") for name in ("CUDA_HOME", "CUDA_PATH")] + ["/usr/local/cuda"]
    folders = ("bin", "compute-sanitizer", "extras/compute-sanitizer")
    path = [os.environ.get("PATH", ""), *(str(Path(home, folder)) for home in homes if home for folder in folders)]
    return shutil.which("compute-sanitizer", path=os.pathsep.join(path)) or ""


def judge(status: int, printed: str) -> tuple[str, str]:
    """Return a verdict of a tool and what is said of it, from its exit code and what it and pytest printed."""
    found, tests = _SUMMARY.findall(printed), _PYTEST.findall(printed)
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith("=========")] or lines  # the tool's own have that mark
    if not found or not tests:
        return "not run", said[-1] if said else f"it ended with {status} and said nothing"
    count, counts = max(int(a or b) for a, b in found), tests[-1]
    if count:
        return "reported", f"{count} errors; {counts}"
    if status or re.search(r"\b(failed|errors?)\b", counts):
        return "tests failed", f"0 errors, exit code {status}; {counts}"
    return ("clean", counts) if "passed" in counts else ("not run", f"no test was run: {counts}")


def run(program: str, tool: str, args: argparse.Namespace) -> tuple[str, str]:
    """Run a tool, with what it prints in a file of the folder of logs; return what became of it."""
    paths = [str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", "")]
    ours = {"FASTS2S_TEST_BACKENDS": "cupy", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.kernels.gpu.sanitize",
        "-p",
        "no:cacheprovider",
        *args.tests,
    ]
    command = [program, "--tool", tool, "--error-exitcode", "99", "--print-limit", "20", *tests, "-k", args.selection]
    log = args.logs.resolve() / f"{tool}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as out:
        try:
            how: Any = {"cwd": ROOT, "env": os.environ | ours, "stdout": out, "stderr": subprocess.STDOUT}
            status = subprocess.run(command, timeout=args.limit, check=False, **how).returncode
        except subprocess.TimeoutExpired:
            return "not run", f"it was not done after {args.limit:.0f} s, see {log}"
        except OSError as error:
            return "not run", f"{program} does not start: {error}"
    return judge(status, log.read_text(encoding="utf-8", errors="replace"))


def obstacle() -> str:
    """Return why nothing can be run here, or ""."""
    if not find():
        return "compute-sanitizer is not installed: it is a part of the CUDA toolkit"
    cupy = backends()["cupy"]
    return "this CuPy is the stand-in of the tests" if cupy.usable and is_stand_in() else cupy.reason


def main() -> int:
    """Run the tools one after the other and print what became of each; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tests", nargs="*", default=list(TESTS), help="files of tests (those of the kernels)")
    parser.add_argument("-k", dest="selection", default=SELECTION, help="pytest's selection (%(default)s)")
    parser.add_argument("--tools", default=",".join(TOOLS), help="%(default)s")
    parser.add_argument("--limit", type=float, default=1200.0, help="seconds for one tool (%(default)s)")
    parser.add_argument("--logs", type=Path, default=Path("gpu_sanitizer_logs"), help="folder of logs (%(default)s)")
    args = parser.parse_args()
    if not set(args.tools.split(",")) <= set(TOOLS):
        parser.error(f"--tools are of {', '.join(TOOLS)}")
    reason, verdicts = obstacle(), set()
    for tool in args.tools.split(","):
        verdict, text = ("not run", reason) if reason else run(find(), tool, args)
        print(f"{tool:<11}{verdict:<14}{text}", flush=True)
        verdicts.add(verdict)
    return 1 if verdicts & {"reported", "tests failed"} else 2 if "not run" in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())

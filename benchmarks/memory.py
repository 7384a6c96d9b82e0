"""Peak memory of three training steps of BetterRnnlm (V=10000, H=650, 20 x 35 words), above what the model takes.

    FASTS2S_BOOK=checkout python benchmarks/memory.py --torch-python ~/torch/bin/python

Every peer in a fresh process. "before": resident memory after the imports and the building of the model; "growth":
the peak during the steps minus that. What kernels need to be compiled is not in it: a first process fills the cache.
"""

import argparse
import contextlib
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from suite.cases import Case, case_of
from suite.processes import installed, torch_python, version_there
from suite.report import heading

STEPS = 3
MIB = 2**20


def resident() -> int:
    """Return the resident bytes of this process now; where the system does not tell, the most so far."""
    statm = Path("/proc/self/statm")
    return (
        int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else peak()
    )


def peak() -> int:
    """Return the most resident bytes of this process so far."""
    usage = import_module("resource").getrusage(import_module("resource").RUSAGE_SELF)
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def forget_peak() -> None:
    """Let the peak begin anew, where the system can (Linux): building a model takes memory that is given back."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def stepper(peer: str, case: Case) -> Any:
    """Import a peer, build its model, return the function that makes one step."""
    rng = np.random.default_rng(0)
    ids = {name: rng.integers(0, case["V"], (case["N"], case["T"])) for name in ("xs", "ts")}
    if peer == "torch":
        return import_module("suite.torch_peer").fresh_step(case, ids)
    module = import_module("suite.numpy_peers")
    code = module.our_code() if peer == "ours" else module.book_code(Path(os.environ["FASTS2S_BOOK"]))
    return module.fresh_step(code, case, ids)


def child(peer: str) -> int:
    """Make the steps, print the resident bytes before and the growth of the peak."""
    step = stepper(peer, case_of("BetterRnnlm H=650"))
    forget_peak()
    before = resident()
    losses = [step() for _ in range(STEPS)]
    if not np.isfinite(losses).all():
        sys.exit(f"the losses are {losses}")
    print(before, peak() - before)
    return 0


def measure(peer: str, python: str) -> tuple[int, int]:
    """Return bytes before and growth. RuntimeError if the process failed."""
    environment = dict(os.environ) | ({"FASTS2S_BACKEND": "numba"} if peer == "ours" else {})
    command = [python, __file__, "--child", peer]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{peer}: {done.stderr.strip()[-300:]}")
    before, growth = done.stdout.split()[-2:]
    return int(before), int(growth)


def interpreters(given: str | None) -> dict[str, str]:
    """Return peer -> interpreter of those that can run; say why others are left out."""
    found = {"ours": sys.executable}
    if "FASTS2S_BOOK" in os.environ:
        found["book"] = sys.executable
    else:
        print("left out: the book's code; give FASTS2S_BOOK the folder of a checkout of the book's repository")
    other = torch_python(given)
    if installed(other, "torch"):
        found["torch"] = other
    return found


def main() -> int:
    """Print one line per peer; return 1 if one failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--torch-python", help="interpreter with PyTorch (default: FASTS2S_TORCH_PYTHON)")
    parser.add_argument("--child", choices=("ours", "book", "torch"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args.child)
    peers = interpreters(args.torch_python)
    more = {"torch": version_there(peers["torch"], "torch")} if "torch" in peers else {}
    heading("Peak memory of three steps of BetterRnnlm", "each library's choice", more)
    try:
        measure("ours", sys.executable)
        print(f"{'peer':<8}{'before MiB':>12}{'growth MiB':>12}")
        for peer, python in peers.items():
            before, growth = measure(peer, python)
            print(f"{peer:<8}{before / MIB:>12.0f}{growth / MIB:>12.0f}")
    except RuntimeError as error:
        print(f"FAILED: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

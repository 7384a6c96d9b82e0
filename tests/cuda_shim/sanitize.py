"""Runs tests with kernels that are built with the address and the undefined-behaviour sanitizer.

``python -m tests.cuda_shim.sanitize`` runs the tests of the cupy kernels; arguments replace them and go to pytest. It
fails where a test fails and where a sanitizer reports something; the first report ends the run.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.cuda_shim import builder

ROOT = builder.HERE.parent.parent
# Not the tests that plant faults, each of which would be reported, and not those that run no kernel.
DEFAULT = ("tests/kernels/gpu", "-k", "not test_faults and not compile_gate and not test_setup")
_LIBRARIES = ("libasan.so", "libubsan.so", "libstdc++.so")
# NumPy and Python leak on purpose; stack frames of given-up fibers are no use after return.
_OPTIONS = "detect_leaks=0:detect_stack_use_after_return=0:allocator_may_return_null=1:abort_on_error=0:exitcode=99"


def libraries() -> list[str]:
    """Return the paths of the libraries that must be loaded before Python. Raises BuildError where one is missing."""
    found = []
    for name in _LIBRARIES:
        command = [str(builder.compiler()), f"-print-file-name={name}"]
        path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        if not Path(path).is_absolute():
            raise builder.BuildError(f"{name} is not installed beside {builder.compiler()}")
        found.append(str(Path(path).resolve()))
    return found


def run(*arguments: str) -> tuple[int, str]:
    """Run pytest with these arguments.

    Returns
    -------
    int
        0 if all passed and nothing was reported.
    str
        What the sanitizers reported, and whatever else came on stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "FASTS2S_TEST_SHIM_SANITIZE": "1",
            "LD_PRELOAD": " ".join(libraries()),
            "ASAN_OPTIONS": f"{_OPTIONS}:log_path={folder}/asan",
            "UBSAN_OPTIONS": f"halt_on_error=1:exitcode=99:print_stacktrace=1:log_path={folder}/ubsan",
            "OPENBLAS_NUM_THREADS": "1",
        }
        # Pytest must not swallow what is written to stderr: of the two sanitizers one knows no other place.
        command = [sys.executable, "-m", "pytest", "-q", "--capture=sys", "-p", "no:faulthandler", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, check=False)
        reports = [path.read_text(errors="replace") for path in sorted(Path(folder).iterdir())]
    if reports or "runtime error:" in done.stderr:
        return done.returncode or 1, "\n".join([done.stderr, *reports])
    return done.returncode, done.stderr


if __name__ == "__main__":
    code, said = run(*(sys.argv[1:] or DEFAULT))
    sys.stderr.write(said)
    sys.exit(code)

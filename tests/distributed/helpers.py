"""Programs that several processes run together, started by the mpiexec of this environment."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def launcher():
    """The command that starts processes; skips where there is none, or no mpi4py."""
    if importlib.util.find_spec("mpi4py") is None:
        pytest.skip("mpi4py is not installed: pip install 'fasts2s[mpi]' mpich")
    beside = Path(sys.executable).parent / "mpiexec"
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        pytest.skip("there is no mpiexec: pip install mpich")
    return found


def environment(**more):
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    threads = {} if "FASTS2S_NUM_THREADS" in more else {"FASTS2S_NUM_THREADS": "1"}
    return {
        **os.environ,
        "PYTHONPATH": path,
        "FASTS2S_BACKEND": "numpy",
        "OPENBLAS_NUM_THREADS": "1",
        **threads,
        **more,
    }


def start(ranks, *words, cwd=None, **more):
    """Start python with these words on so many ranks; return the process, whose streams are pipes."""
    command = [launcher(), "-n", str(ranks), sys.executable, *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=cwd, env=environment(**more))


def run(ranks, *words, cwd=None, seconds=60, **more):
    """Run python with these words on so many ranks; return (exit status, stdout, stderr)."""
    with start(ranks, *words, cwd=cwd, **more) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.terminate()
            raise
    return process.returncode, out, err

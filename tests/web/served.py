"""The command in a process of its own, as somebody types it."""

import contextlib
import os
import re
import signal
import subprocess
import sys

COMMAND = "import sys; from fasts2s.cli import main; sys.exit(main())"


def start(*arguments):
    """Return the process of ``fasts2s serve`` with these arguments."""
    path = os.pathsep.join(path for path in sys.path if path)
    ours = {"PYTHONPATH": path, "FASTS2S_BACKEND": "numpy", "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, "serve", *map(str, arguments)],
        env={**os.environ, **ours}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip


@contextlib.contextmanager
def served(*arguments):
    """Give the address of a server on a free port; in the end it gets a Ctrl-C, and must have said nothing."""
    with start(*arguments, "--port", "0") as process:
        try:
            said = process.stdout.readline()
            found = re.search(r"http://\S+/", said)
            assert found, said + process.stderr.read()
            yield found[0]
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
        assert (process.returncode, out, err) == (0, "", "")

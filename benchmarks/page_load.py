"""Many people at the page of ``fasts2s serve``: errors, waiting times, and whether memory stays as it is.

    python benchmarks/page_load.py DIR... --askers 50 --seconds 60

Every asker asks as soon as it has its answer; each tenth request is one that must be refused. The memory of the
server (Linux) is read when it has answered each model once, and at every tenth of the time.
"""

import argparse
import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from fasts2s.bench import machine

#: A text that each kind of model can be asked.
TEXTS = {"addition": "57+5", "date": "september 27, 1994", "pairs": "one two three", "lm": "the"}
REFUSED = [
    (413, b'{"model": "a", "text": "' + b"x" * 2**20 + b'"}'),
    (400, b"{"),
    (404, b'{"model": "../../etc/passwd", "text": "1"}'),
    (400, b'{"model": "a", "text": "1", "beam": 1000000000}'),
]
RATIO = 10  # one of so many requests is refused
SAMPLES = 10


class Load:
    """Askers, and what came back."""

    def __init__(self, client: httpx.AsyncClient, models: list[dict[str, Any]]) -> None:
        self.client, self.models = client, models
        self.came: Counter[str] = Counter()
        self.seconds: list[float] = []
        self._refused = itertools.cycle(REFUSED)

    async def one(self, k: int) -> None:
        """Send the k-th request and note whether what came is what had to come."""
        expected, content = 200, json.dumps(self._question(k)).encode()
        if k % RATIO == RATIO - 1:
            expected, content = next(self._refused)
        started = time.perf_counter()
        try:
            came = await self.client.post("answer", headers={"content-type": "application/json"}, content=content)
        except httpx.HTTPError as error:
            self.came[f"error: {type(error).__name__}"] += 1
            return
        if expected == 200:
            self.seconds.append(time.perf_counter() - started)
        good = came.status_code == expected
        self.came[f"{came.status_code}{'' if good else f' instead of {expected}'}"] += 1

    def _question(self, k: int) -> dict[str, Any]:
        model = self.models[k % len(self.models)]
        options = {"temperature": 1.0} if k % 3 == 2 else {"beam": 1 + k % 5}
        return {"model": model["name"], "text": TEXTS[model["kind"]], "nbest": 1 + k % 3, "seed": k, **options}

    async def ask_until(self, end: float, numbers: Any) -> None:
        """Ask again and again."""
        while time.perf_counter() < end:
            await self.one(next(numbers))


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MB; NaN where the system does not tell."""
    try:
        said = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return float("nan")
    return int(re.search(r"VmRSS:\s+(\d+)", said)[1]) * 1024 / 1e6  # type: ignore[index]


async def load(address: str, pid: int, askers: int, seconds: float) -> Load:
    """Let so many ask for so long, and print the memory on the way."""
    limits = httpx.Limits(max_connections=askers)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits) as client:
        found = Load(client, (await client.get("models")).json()["models"])
        for k in range(len(found.models) * SAMPLES):
            await found.one(k)
        print(f"{len(found.models)} models, {askers} askers, {seconds:g} s")
        print(f"memory {resident_mb(pid):.1f} MB at the start")
        found.came.clear()
        found.seconds.clear()
        numbers, start = itertools.count(), time.perf_counter()
        tasks = [asyncio.create_task(found.ask_until(start + seconds, numbers)) for _ in range(askers)]
        for k in range(SAMPLES):
            await asyncio.sleep(max(start + seconds * (k + 1) / SAMPLES - time.perf_counter(), 0))
            print(f"  {time.perf_counter() - start:5.1f} s  {resident_mb(pid):.1f} MB", flush=True)
        await asyncio.gather(*tasks)
        print(f"memory {resident_mb(pid):.1f} MB at the end")
        return found


def report(found: Load, seconds: float) -> bool:
    """Print what came; return whether all of it is what had to come."""
    count = sum(found.came.values())
    print(f"{count:,} requests, {count / seconds:.0f} a second")
    for status, times in sorted(found.came.items()):
        print(f"  {status}: {times:,}")
    waits = ", ".join(f"{p} % {np.percentile(found.seconds, p):.2f} s" for p in (50, 95, 100))
    print(f"seconds until an answer: {waits}")
    return not any("instead" in status or "error" in status for status in found.came)


def main() -> int:
    """Run the program; the exit status is 0 where nothing unexpected came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dirs", metavar="DIR", nargs="+")
    parser.add_argument("--askers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    a = parser.parse_args()
    print(machine.heading("Many people at the page", "as they come", "starlette", "uvicorn"))
    code = "import sys; from fasts2s.cli import main; sys.exit(main())"
    command = [sys.executable, "-u", "-c", code, "serve", *a.dirs, "--port", "0"]
    path = os.pathsep.join(path for path in sys.path if path)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    ) as server:
        assert server.stdout is not None
        address = re.search(r"http://\S+/", server.stdout.readline())
        if address is None:
            return 1
        good = report(asyncio.run(load(address[0], server.pid, a.askers, a.seconds)), a.seconds)
        server.send_signal(signal.SIGINT)
    return 0 if good and server.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())

"""A thread in every rank that finds out when another is gone, stands still or does not come.

Every rank has a connection to rank 0, beside those of MPI, and says every half a second that it lives, how many sums
it has taken part in, how long it has waited for the next, and how long it has not computed. A connection that breaks
is a process that was killed.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter

#: Seconds between two signs of life; of silence, after which a rank is given up; until all have connected.
BEAT, SILENCE, CONNECT = 0.5, 6.0, 10.0
#: A rank that lives but does not come to a sum has time, at least, this many times the longest step ...
TIMES = 30.0
#: ... and so many seconds for the first one, which compiles kernels.
FIRST = 600.0
#: One that does not even compute, as one that waits for a lock or for a network, has this share of the patience: 7 s
#: of a minute. It computes if it uses at least this share of a processor.
ASLEEP, COMPUTES = 7.0 / 60.0, 0.1


@dataclass
class _Peer:
    """What is known of the rank at the other end of a connection."""

    rank: int
    connection: socket.socket
    heard: float
    text: bytes = b""
    sums: int = 0
    waited: float = 0.0
    asleep: float = 0.0
    has_left: bool = False


class Watch:
    """Looks after the ranks of a training; this rank tells it where it is.

    Parameters
    ----------
    fail : callable
        Called, once, in the thread, with a line that names the rank at fault; it ends this process.
    patience : float
        Seconds that all others wait, at least, for a rank that lives but does not come to a sum.
    """

    def __init__(self, rank: int, size: int, fail: Callable[[str], None], patience: float) -> None:
        self._rank, self._size, self._fail, self._patience = rank, size, fail, patience
        self._peers: list[_Peer] = []
        self._sums, self._since, self._last, self._longest = 0, 0.0, time.monotonic(), 0.0
        self._used, self._told, self._computed = time.process_time(), time.monotonic(), time.monotonic()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._listener: socket.socket | None = None
        self.token = secrets.token_hex(16)

    def listen(self, host: str) -> tuple[str, int, str]:
        """Begin to listen, on rank 0; return what the others connect with."""
        self._listener = socket.create_server((host, 0), backlog=max(16, self._size))
        return host, self._listener.getsockname()[1], self.token

    def accept(self) -> bool:
        """Take the connections of all others, on rank 0; return whether all came in time."""
        listener, end = self._listener, time.monotonic() + CONNECT
        while listener is not None and len(self._peers) < self._size - 1:
            listener.settimeout(max(0.01, end - time.monotonic()))
            try:
                connection, _ = listener.accept()
                connection.settimeout(1.0)
                rank, _, token = connection.recv(256).decode("ascii", "replace").strip().partition(" ")
            except OSError:
                return False
            if hmac.compare_digest(token, self.token) and rank.isdigit():
                self._peers.append(_Peer(int(rank), connection, time.monotonic()))
            else:
                connection.close()
        return True

    def connect(self, address: tuple[str, int, str]) -> bool:
        """Connect to rank 0; return whether that could be done."""
        host, port, token = address
        try:
            connection = socket.create_connection((host, port), timeout=CONNECT)
            connection.sendall(f"{self._rank} {token}\n".encode())
        except OSError:
            return False
        self._peers.append(_Peer(0, connection, time.monotonic()))
        return True

    def start(self) -> None:
        """Begin to look after the others."""
        self._thread = threading.Thread(target=self._run, name="fasts2s watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Say goodbye: from now on this rank is not missed."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(2 * BEAT)
        for peer in self._peers:
            with contextlib.suppress(OSError):
                peer.connection.sendall(b"bye\n")
            peer.connection.close()
        if self._listener is not None:
            self._listener.close()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Tell, in the block, that this rank waits for the others to sum gradients."""
        now = time.monotonic()
        if self._sums:
            self._longest = max(self._longest, now - self._last)
        self._since = now
        yield
        self._sums, self._since, self._last = self._sums + 1, 0.0, time.monotonic()

    def _waited(self) -> float:
        since = self._since
        return time.monotonic() - since if since else 0.0

    def _asleep(self) -> float:
        """Return for how many seconds this process has not computed; called every half a second."""
        used, now = time.process_time(), time.monotonic()
        if used - self._used > COMPUTES * (now - self._told):
            self._computed = now
        self._used, self._told = used, now
        return now - self._computed

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for peer in self._peers:
                peer.connection.setblocking(False)
                selector.register(peer.connection, selectors.EVENT_READ, peer)
            beat = looked = time.monotonic()
            while not self._ended.is_set():
                for key, _ in selector.select(0.1):
                    self._hear(key.data)
                    if key.data.has_left:
                        selector.unregister(key.data.connection)
                now = time.monotonic()
                if now - looked > SILENCE / 2:  # this process stood still itself: nobody is to blame for that
                    for peer in self._peers:
                        peer.heard = now
                looked = now
                if now - beat >= BEAT:
                    beat = now
                    self._tell()
                    self._look(now)

    def _hear(self, peer: _Peer) -> None:
        try:
            came = peer.connection.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            came = b""
        peer.heard = time.monotonic()
        *lines, peer.text = (peer.text + came).split(b"\n")
        for line in lines:
            if line == b"bye":
                peer.has_left = True
                return
            words = line.split()
            if len(words) == 3:
                peer.sums, peer.waited, peer.asleep = int(words[0]), float(words[1]), float(words[2])
        if not came:
            peer.has_left = True
            self._give_up(f"rank {peer.rank} has ended in the middle of the training (was it killed?)")

    def _tell(self) -> None:
        asleep = self._asleep()
        for peer in self._peers:
            if not peer.has_left:
                with contextlib.suppress(OSError):
                    peer.connection.sendall(f"{self._sums} {self._waited():.1f} {asleep:.1f}\n".encode())

    def _look(self, now: float) -> None:
        for peer in self._peers:
            if not peer.has_left and now - peer.heard > SILENCE:
                self._give_up(f"rank {peer.rank} has said nothing for {now - peer.heard:.0f} s: it hangs")
                return
        if self._rank == 0 and self._peers:
            self._look_who_is_late(now)

    def _look_who_is_late(self, now: float) -> None:
        """Give up who does not come where all others have waited too long. Only a sum has a longest time."""
        own = now - self._computed
        known = [(0, self._sums, self._waited(), own), *((p.rank, p.sums, p.waited, p.asleep) for p in self._peers)]
        fewest = min(sums for _, sums, _, _ in known)
        late = [(rank, asleep) for rank, sums, waited, asleep in known if waited == 0.0 and sums == fewest]
        others = [waited for rank, _, waited, _ in known if rank not in {r for r, _ in late}]
        if not late or not others:
            return
        rank, asleep = max(late, key=itemgetter(1))
        limit = max(self._patience, TIMES * self._longest) if self._sums > 1 else FIRST
        is_asleep = self._sums > 1 and asleep > ASLEEP * self._patience
        if min(others) > (ASLEEP * self._patience if is_asleep else limit):
            does = "it does nothing" if is_asleep else "it hangs"
            self._give_up(f"rank {rank} has not come for {min(others):.0f} s, the others wait: {does}")

    def _give_up(self, line: str) -> None:
        if not self._ended.is_set():
            self._ended.set()
            self._fail(line)

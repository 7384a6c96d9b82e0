"""A socket, and the server behind it."""

import logging
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from fasts2s.commands.errors import CommandError

#: Connections that are held at a time; the models' own limit is below it.
_MOST_CONNECTIONS = 256


def open_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises CommandError where the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_MOST_CONNECTIONS)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CommandError(f"cannot listen on {host}, port {port}: {reason}: give another --port or --host") from None


def address_of(listening: socket.socket) -> str:
    """Return what is typed into a browser on this machine."""
    host: str = listening.getsockname()[0]
    port: int = listening.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{shown}]:{port}/" if ":" in shown else f"http://{shown}:{port}/"


def run(app: ASGIApp, listening: socket.socket, when_ready: Callable[[], None]) -> None:
    """Serve until Ctrl-C."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=2,
    )
    when_ready()
    uvicorn.Server(config).run(sockets=[listening])

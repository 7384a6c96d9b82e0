"""Before every request: which names this server answers to. Behind every answer: what a browser may do with it."""

import ipaddress
from collections.abc import Collection
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fasts2s.web._errors import refusal
from fasts2s.web.questions import RefusedError

#: Scripts, styles and pictures of this server alone; nothing is sent elsewhere, and no page may hold this one.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """An application that answers only to names that are ours.

    A page of another site can let its name lead to this machine (DNS rebinding), and would read our answers as its
    own. Its requests carry its name, so only our names and bare addresses, which no site can have, are answered.
    """

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app, self._names = app, {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        host = Headers(scope=scope).get("host", "")
        app: Any = self._app
        if not self.knows(host):
            app = refusal(RefusedError(421, "host", "this server has another name: open the address that it printed"))
        await app(scope, receive, send_guarded)

    def knows(self, host: str) -> bool:
        """Return whether a Host header names this server."""
        name = _without_port(host)
        try:
            ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return name in self._names
        return True


def _without_port(host: str) -> str:
    name, colon, port = host.lower().rpartition(":")
    return name if colon and (port.isdecimal() or not port) else host.lower()

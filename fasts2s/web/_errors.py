"""Refusals, as the page reads them."""

import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fasts2s.web.questions import RefusedError

_CODES = {404: "not_here", 405: "method"}


class Json(Response):
    """JSON in ASCII: symbols of a vocabulary may hold what UTF-8 has no bytes for."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the bytes of numbers, texts, lists and dicts."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def refusal(error: RefusedError) -> Response:
    """Return the answer that says why there is none."""
    headers = {"retry-after": "1"} if error.status == 429 else None
    return Json({"error": error.code, "message": str(error)}, error.status, headers)


async def refused(_: Request, error: Exception) -> Response:
    """Handle RefusedError."""
    assert isinstance(error, RefusedError)
    return refusal(error)


async def not_found(_: Request, error: Exception) -> Response:
    """Handle what the router raises: a path or a method that is not there."""
    assert isinstance(error, HTTPException)
    return Json({"error": _CODES.get(error.status_code, "wrong"), "message": error.detail}, error.status_code)

"""The server's application: the files of the page, the list of models, and answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Mapping
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from fasts2s.commands.errors import CommandError, explained
from fasts2s.web._errors import Json, not_found, refused
from fasts2s.web._guard import Guard
from fasts2s.web._line import Line
from fasts2s.web.models import Answering
from fasts2s.web.questions import MOST_BYTES, MOST_TEXT, RefusedError, read_question

#: Seconds that a request may take to arrive.
PATIENCE = 10.0
#: Questions that may wait.
MOST_WAITING = 100
#: Path -> file of the page, and what it is. Nothing else is ever read for a request.
_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/drawing.js": ("drawing.js", "text/javascript"),
    "/texts.js": ("texts.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def make_app(
    models: Mapping[str, Answering], *, names: Collection[str] = (), most_waiting: int = MOST_WAITING
) -> ASGIApp:
    """Return the ASGI application.

    Parameters
    ----------
    models : by name, as :func:`fasts2s.web.folders.load_models` returns them
    names : host names that the server answers to, besides localhost and addresses
    most_waiting : questions that may wait; more are refused
    """
    site = _Site(models, Line(most_waiting))
    routes = [_file_route(path, *file) for path, file in _FILES.items()]
    routes += [Route("/models", site.models), Route("/answer", site.answer, methods=["POST"])]
    handlers: Any = {RefusedError: refused, HTTPException: not_found}
    return Guard(Starlette(routes=routes, exception_handlers=handlers, lifespan=site.lifespan), names)


def _file_route(path: str, file: str, kind: str) -> Route:
    content = resources.files("fasts2s.web").joinpath("page").joinpath(file).read_bytes()

    async def send_file(_: Request) -> Response:
        return Response(content, media_type=kind)

    return Route(path, send_file)


class _Site:
    def __init__(self, models: Mapping[str, Answering], line: Line) -> None:
        self._models, self._line = models, line
        facts = [{"name": name, **model.facts()} for name, model in models.items()]
        self._listed = Json({"models": facts, "most_text": MOST_TEXT})

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        yield
        self._line.close()

    async def models(self, _: Request) -> Response:
        return self._listed

    async def answer(self, request: Request) -> Response:
        question = read_question(await _body(request))
        model = self._models.get(question.model)
        if model is None:
            raise RefusedError(404, "unknown_model", "there is no such model: load the page again")

        def work() -> Json:
            try:
                return Json(model.answer(question))  # made in the thread too: what is long takes its time
            except (CommandError, ValueError, IndexError, FloatingPointError, MemoryError) as error:
                raise RefusedError(422, "refused", explained(error)) from error

        return await self._line.run(work)


async def _body(request: Request) -> bytes:
    """Return the bytes of a request. Raises RefusedError for what is no JSON by its name, too large, or too slow."""
    # Pages of other sites may send forms and plain text here without asking; this they may not.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RefusedError(415, "wrong", "the request is no application/json, expected that content-type")
    try:
        return await asyncio.wait_for(_bytes_of(request), PATIENCE)
    except asyncio.TimeoutError:
        raise RefusedError(408, "slow", f"the request took more than {PATIENCE:g} seconds to arrive") from None
    except ClientDisconnect:
        raise RefusedError(400, "wrong", "the request ended early") from None


async def _bytes_of(request: Request) -> bytes:
    said = request.headers.get("content-length", "")
    size = int(said) if said.isdecimal() else 0
    body = bytearray()
    if size <= MOST_BYTES:
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                break
    if max(size, len(body)) > MOST_BYTES:
        raise RefusedError(413, "too_long", f"the request is too large, expected at most {MOST_BYTES:,} bytes")
    return bytes(body)

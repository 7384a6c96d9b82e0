"""``fasts2s serve``: a page on this machine on which trained models are asked."""

import argparse
import contextlib
import webbrowser

from fasts2s._extras import need
from fasts2s.web.folders import load_models


def serve(a: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C; return 0."""
    for library in ("starlette", "uvicorn"):
        need(library, "web", "pages are served")
    from fasts2s.web import _app, _server  # noqa: PLC0415 - what the extra installs

    models = load_models(a.dirs, a.backend)
    app = _app.make_app(models, names=[a.host, *a.name], most_waiting=a.most_waiting)
    with _server.open_socket(a.host, a.port) as listening:
        address = _server.address_of(listening)

        def when_ready() -> None:
            print(f"{', '.join(models)}: {address} (Ctrl-C ends)", flush=True)
            if a.open:
                webbrowser.open(address)

        with contextlib.suppress(KeyboardInterrupt):
            _server.run(app, listening, when_ready)
    return 0

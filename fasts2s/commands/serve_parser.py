"""The parser of ``fasts2s serve``."""

import argparse
from typing import Any

from fasts2s.commands.arguments import add_backend, positive, whole


def add_serve(commands: Any) -> None:
    """Add the command."""
    summary = "open a page on this machine on which trained models are asked"
    parser = commands.add_parser("serve", help=summary, description=summary)
    add = parser.add_argument
    add("dirs", metavar="DIR", nargs="+", help="folders that train wrote")
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s: this machine alone)")
    add("--port", metavar="N", type=whole(0, 65535), default=8000, help="0 takes a free one (%(default)s)")
    add("--name", action="append", default=[], help="with --host: a name of this machine that browsers may use")
    add("--most-waiting", metavar="N", type=positive, default=100, help="questions at a time (%(default)s)")
    add("--open", action="store_true", help="open the page in the browser")
    add_backend(parser)
    parser.set_defaults(run=_run)


def _run(a: argparse.Namespace) -> int:
    from fasts2s.commands.serve import serve  # noqa: PLC0415 - see fasts2s.cli

    return serve(a)

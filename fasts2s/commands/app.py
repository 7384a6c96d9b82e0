"""``fasts2s app``: the applications, each one command."""

import argparse
import importlib
from typing import Any

from fasts2s.apps import APPS
from fasts2s.commands.arguments import Parser


def add_app(commands: Any) -> None:
    """Add the command ``app`` and a command of its own for each application."""
    text = "Train an application of sequence-to-sequence learning; without NAME: list them."
    parser = commands.add_parser(
        "app", help="train an application: translation, programs, mail, ...", description=text
    )
    parser.set_defaults(run=_list, backend=None)
    names = parser.add_subparsers(dest="app", metavar="NAME", parser_class=_AppParser)
    for name, summary in APPS.items():
        names.add_parser(name, help=summary, description=f"Learn {summary}.").name = name


class _AppParser(Parser):
    """The parser of an application, whose module is imported when it is asked for."""

    name = ""
    _filled = False

    def parse_known_args(self, *args: Any, **options: Any) -> Any:
        """Ask the application for its options, then parse."""
        if not self._filled:
            self._filled = True
            module = importlib.import_module(f"fasts2s.apps.{self.name}")
            module.add_arguments(self)
            self.set_defaults(run=module.run)
        return super().parse_known_args(*args, **options)


def _list(a: argparse.Namespace) -> int:
    width = max(map(len, APPS))
    for name, summary in APPS.items():
        print(f"{name:<{width}}  {summary}")
    return 0

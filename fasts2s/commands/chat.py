"""``fasts2s chat``: talk to a trained model of pairs, line by line."""

import argparse
import contextlib
import sys
from dataclasses import replace
from typing import Any

from fasts2s.commands.answering import load, options_of, shown
from fasts2s.commands.arguments import from_zero, positive
from fasts2s.commands.ask import no_text
from fasts2s.generation import GenerationOptions
from fasts2s.text_to_text import TextToText

HELP = """/temperature X   above 0: answers are drawn, and differ; 0: the best one
/beam N          unfinished answers that are kept; 1 is greedy
/history         what was said
/help            this
/quit            end; Ctrl-D does, too"""


class Chat:
    """A conversation: lines in, lines out."""

    def __init__(self, whole: TextToText, options: GenerationOptions, replace_unk: bool) -> None:
        self.whole, self.options, self.replace_unk = whole, options, replace_unk
        self.history: list[tuple[str, str]] = []

    def reply(self, line: str) -> str | None:
        """Return what is printed for a line; None: the conversation is over."""
        if not line.startswith("/"):
            return self._answer(line)
        command, _, value = line[1:].strip().partition(" ")
        if command in ("quit", "exit", "q"):
            return None
        if command == "history":
            return "\n".join(f"> {asked}\n{said}" for asked, said in self.history) or "nothing was said yet"
        if command in ("temperature", "beam"):
            return self._set(command, value.strip())
        return HELP if command == "help" else f"there is no /{command}; there are:\n{HELP}"

    def _answer(self, line: str) -> str:
        answers = self.whole.answers([line], self.options, replace_unk=self.replace_unk)[0]
        said = "\n".join(shown(answer, self.options.nbest) for answer in answers)
        self.history.append((line, said))
        return said

    def _set(self, command: str, value: str) -> str:
        try:
            chosen: dict[str, Any]
            if command == "beam":
                chosen = {"beam": positive(value), "temperature": 0.0, "nbest": 1, "top_k": None, "top_p": None}
            else:
                chosen = {"temperature": from_zero(value), "beam": 1, "nbest": 1}
                if chosen["temperature"] == 0:
                    chosen |= {"top_k": None, "top_p": None}
            self.options = replace(self.options, **chosen)
        except (argparse.ArgumentTypeError, ValueError) as error:
            return str(error)
        return f"{command} {value}"


def chat(a: argparse.Namespace) -> int:
    """Talk until the end of standard input, /quit or Ctrl-C."""
    whole = load(a.dir, a.backend)
    talk = Chat(whole, options_of(a, whole.target), a.replace_unk)
    typed = sys.stdin.isatty()
    if typed:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401, PLC0415 - lines can be edited and called back
        print("type a line; /help says what else there is", file=sys.stderr)
    while True:
        try:
            line = input("> " if typed else "").strip()
        except EOFError:
            return 0
        except UnicodeDecodeError as error:
            raise no_text(error) from None
        if not line:
            continue
        said = talk.reply(line)
        if said is None:
            return 0
        print(said, flush=True)

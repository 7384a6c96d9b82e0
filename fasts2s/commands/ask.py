"""``fasts2s ask``: put questions to a trained sequence model."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

from fasts2s.backend import BackendLike
from fasts2s.commands import run_folder
from fasts2s.commands.errors import CommandError
from fasts2s.commands.output import complain
from fasts2s.sequence import decode, encode


def ask(folder: str, questions: list[str], backend: BackendLike | None = None) -> int:
    """Print the answer to each question; without questions, read them from standard input until it ends.

    A question that cannot be asked is named on stderr and the others are answered. Returns 1 if there was one, unless
    somebody types at a terminal.
    """
    hint = "fasts2s train addition --out DIR"
    model, extra = run_folder.read_model(folder, ("addition", "date"), hint, backend)
    require_facts(folder, model, extra)
    limit = f"questions of at most {extra['question_length']} characters"
    return answer_all(questions, lambda question: _answer(model, extra, question), limit)


def answer_all(questions: list[str], answer: Callable[[str], str], what: str) -> int:
    """Print what ``answer`` says to each question, or to lines of standard input; see :func:`ask`."""
    typed = not questions and sys.stdin.isatty()
    if typed:
        print(f"{what}; an empty line ends", file=sys.stderr)
    failed = False
    for question in questions or _lines():
        try:
            print(answer(question), flush=True)
        except CommandError as error:
            complain(error)
            failed = True
    return int(failed and not typed)


def require_facts(folder: str, model: Any, extra: dict[str, Any]) -> None:
    """Raise CommandError unless train wrote what is needed to read a question and write an answer."""
    characters, mark = extra.get("characters"), extra.get("mark")
    lengths = (extra.get("question_length"), extra.get("answer_length"))
    known = isinstance(characters, str) and len(characters) == model.config["vocab_size"]
    if not (known and mark in set(characters or "") and all(isinstance(n, int) and n > 0 for n in lengths)):
        raise CommandError(
            f"the model in {folder} does not come with its characters and lengths: fasts2s train addition --out DIR"
        )


def _lines() -> Iterator[str]:
    try:
        for line in sys.stdin:
            if not line.strip():
                return
            yield line.strip()
    except UnicodeDecodeError as error:
        raise no_text(error) from None


def no_text(error: UnicodeDecodeError) -> CommandError:
    """Return the error of standard input that is not of its encoding."""
    byte = error.object[error.start]
    return CommandError(f"standard input: byte 0x{byte:02x} is no {error.encoding}, expected text")


def _answer(model: Any, extra: dict[str, Any], question: str) -> str:
    char_to_id = {c: i for i, c in enumerate(extra["characters"])}
    try:
        ids = encode(question, char_to_id, extra["question_length"])
    except ValueError as error:
        raise CommandError(f"cannot ask {question!r}: {error}") from None
    answer = model.generate(ids[None, :], char_to_id[extra["mark"]], extra["answer_length"])
    return decode(answer, dict(enumerate(extra["characters"]))).strip()

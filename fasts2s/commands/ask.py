"""``fasts2s ask``: put questions to a trained sequence model."""

import sys
from typing import Any

from fasts2s.commands import run_folder
from fasts2s.commands.errors import CommandError
from fasts2s.sequence import decode, encode


def ask(folder: str, questions: list[str], backend: str | None = None) -> int:
    """Print the answer to each question; without questions, read them from standard input until it ends."""
    hint = "fasts2s train addition --out DIR"
    model, extra = run_folder.read_model(folder, ("addition", "date"), hint, backend)
    if questions:
        for question in questions:
            print(_answer(model, extra, question))
        return 0
    if sys.stdin.isatty():
        print(f"questions of at most {extra['question_length']} characters; an empty line ends", file=sys.stderr)
    for line in sys.stdin:
        if not line.strip():
            break
        try:
            print(_answer(model, extra, line.strip()), flush=True)
        except CommandError as error:
            print(error, file=sys.stderr)
    return 0


def _answer(model: Any, extra: dict[str, Any], question: str) -> str:
    char_to_id = {c: i for i, c in enumerate(extra["characters"])}
    try:
        ids = encode(question, char_to_id, extra["question_length"])
    except ValueError as error:
        raise CommandError(f"cannot ask {question!r}: {error}") from None
    answer = model.generate(ids[None, :], char_to_id[extra["mark"]], extra["answer_length"])
    return decode(answer, dict(enumerate(extra["characters"]))).strip()

"""``fasts2s ask`` for models that ``fasts2s train pairs`` wrote."""

import argparse

from fasts2s.commands.answering import load, options_of, shown
from fasts2s.commands.ask import answer_all
from fasts2s.commands.attention_map import draw_attention


def ask_pairs(a: argparse.Namespace) -> int:
    """Print the answers to each question, or to lines of standard input."""
    whole = load(a.dir, a.backend)
    options = options_of(a, whole.target)
    many = a.question and len(a.question) > 1

    def answer(question: str) -> str:
        answers = whole.answers([question], options, replace_unk=a.replace_unk)[0]
        if a.attention_map and answers:
            draw_attention(a.attention_map, answers[0])
        lines = [shown(said, options.nbest) for said in answers]
        return "\n".join([question, *(f"  {line}" for line in lines)] if many and options.nbest > 1 else lines)

    return answer_all(a.question, answer, "questions")

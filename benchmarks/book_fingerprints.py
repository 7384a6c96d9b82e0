"""Write the fingerprints of every edition's definitions, recognise/book_code.json, from checkouts of the book's code.

Usage: python benchmarks/book_fingerprints.py CHECKOUT [CHECKOUT ...]
"""

import ast
import json
import sys
from pathlib import Path

from fasts2s.dropin.recognise.canonical import members

FILES = (
    "common/functions.py",
    "common/layers.py",
    "common/time_layers.py",
    "common/optimizer.py",
    "common/trainer.py",
    "common/util.py",
    "common/base_model.py",
    "dataset/ptb.py",
    "ch04/negative_sampling_layer.py",
    "ch04/cbow.py",
    "ch04/skip_gram.py",
    "ch05/simple_rnnlm.py",
    "ch06/rnnlm.py",
    "ch06/better_rnnlm.py",
    "ch07/seq2seq.py",
    "ch07/peeky_seq2seq.py",
    "ch07/rnnlm_gen.py",
    "ch08/attention_layer.py",
    "ch08/attention_seq2seq.py",
)


def main(checkouts: list[str]) -> None:
    """Collect the forms of every definition, each once, and write them."""
    known: dict[str, list[dict[str, str]]] = {}
    for checkout in checkouts:
        for file in FILES:
            for node in ast.parse((Path(checkout) / file).read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef | ast.FunctionDef):
                    forms = known.setdefault(node.name, [])
                    if members(node) not in forms:
                        forms.append(members(node))
    target = Path(__file__).parents[1] / "fasts2s" / "dropin" / "recognise" / "book_code.json"
    target.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(known)} definitions, {sum(map(len, known.values()))} forms: {target}")


if __name__ == "__main__":
    main(sys.argv[1:])

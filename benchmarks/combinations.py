"""Unseen combinations: does a translation of "base: modifier" work for a base that was seen with other modifiers?

    python benchmarks/combinations.py cldr.en-ko.tsv.gz --epochs 15 --seeds 3

The file has phrases, some of them "base: modifier". A tenth of those whose base occurs with another modifier, and
whose modifier occurs with another base, is held out. The same encoder-decoder is trained without attention, plain and
peeky, and with attention; scores are those of greedy answers to what was held out.
"""

import argparse
import hashlib
import json
from collections import Counter
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from fasts2s.metrics import chrf, exact_match
from fasts2s.models import EncoderDecoder, EncoderDecoderSettings
from fasts2s.optimizers import Adam
from fasts2s.text import Batches, Pairs, encode_pairs, read_pairs, tokenizers_for
from fasts2s.text_to_text import TextToText
from fasts2s.trainer import Trainer

MODELS: dict[str, dict[str, Any]] = {
    "plain": {"attention": "none"},
    "peeky": {"attention": "none", "decoder": "peeky"},
    "attention": {"attention": "dot"},
}
HELD_OUT = 0.1


def parts(source: str) -> tuple[str, str] | None:
    """Return base and modifier of a phrase, if it has them."""
    base, colon, modifier = source.partition(": ")
    return (base, modifier) if colon else None


def divided(pairs: Pairs) -> tuple[Pairs, Pairs]:
    """Return what is learned from, and the combinations that are held out: which ones, their hashes decide."""
    found = [parts(source) for source in pairs.sources]
    bases, modifiers = Counter(p[0] for p in found if p), Counter(p[1] for p in found if p)
    held, learned = [], []
    for k, (source, combination) in enumerate(zip(pairs.sources, found, strict=True)):
        share = int.from_bytes(hashlib.sha256(source.encode()).digest()[:4], "big") / 2**32
        if (
            combination is not None
            and share < HELD_OUT
            and bases[combination[0]] > 1
            and modifiers[combination[1]] > 1
        ):
            held.append(k)
            bases[combination[0]] -= 1
            modifiers[combination[1]] -= 1
        else:
            learned.append(k)
    return pairs.select(learned), pairs.select(held)


def scores(learned: Pairs, held: Pairs, name: str, seed: int, epochs: int, tokens: Any) -> dict[str, Any]:
    """Train a model; return its scores on what was held out."""
    source, target = tokenizers_for(learned, tokens)
    np.random.seed(seed)
    settings = EncoderDecoderSettings(len(source), len(target), 128, 256, dropout=0.2, **MODELS[name])
    model = EncoderDecoder(settings)
    trainer = Trainer(model, Adam(0.002))
    batches = Batches(encode_pairs(learned, source, target), 8192, max_rows=64, seed=seed)
    for epoch in range(epochs):
        trainer.optimizer.lr = 0.002 if epoch < 2 * epochs // 3 else 0.0005  # type: ignore[attr-defined]
        for batch in batches.epoch(epoch):
            trainer.train_step(batch.xs, batch.ts, 5.0)
    said = [answers[0].text for answers in TextToText(model, source, target, 100).answers(held.sources)]
    return {"model": name, "seed": seed, "exact": exact_match(said, held.targets), "chrf": chrf(said, held.targets)}


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tokens", default="word")
    parser.add_argument("--json", type=Path)
    a = parser.parse_args()
    learned, held = divided(read_pairs(a.file))
    print(f"{a.file}: {len(learned):,} phrases learned, {len(held):,} combinations held out", flush=True)
    rows = []
    for name in MODELS:
        for seed in range(a.seeds):
            rows.append(scores(learned, held, name, seed, a.epochs, a.tokens))
            print("{model:<10} seed {seed}  exact {exact:6.1%}  chrF {chrf:5.1f}".format(**rows[-1]), flush=True)
    for name in MODELS:
        own = [row for row in rows if row["model"] == name]
        print(
            f"{name:<10} mean    exact {mean(r['exact'] for r in own):6.1%}  chrF {mean(r['chrf'] for r in own):5.1f}"
        )
    if a.json:
        a.json.write_text(json.dumps({"file": Path(a.file).name, "epochs": a.epochs, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()

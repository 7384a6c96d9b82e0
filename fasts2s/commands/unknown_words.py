"""How much of a text a language model does not see: words that became ``<unk>``."""

from fasts2s.commands.output import complain
from fasts2s.commands.vocabularies import SYMBOLS
from fasts2s.corpus import Corpus
from fasts2s.text import UNK

_MANY = 15  # percent; of ordinary English with --min-count 2, some 5 to 10 are
_ADVICE = {
    "word": ", which is easy to guess: the perplexity says little. In some languages words have many forms: "
    "learn characters with --tokens char, or keep rarer words with --min-count 1",
    "char": ": keep rarer ones with --min-count 1",
    "subword": ": take a larger --vocabulary",
}


class Unknown:
    """The share of ``<unk>`` in each part of a text.

    A perplexity says little without it: ``<unk>`` stands for any rare word and is easy to guess.

    Attributes
    ----------
    percent : dict
        Part ("train", "valid", "test") -> percent of its symbols.
    """

    def __init__(self, corpus: Corpus) -> None:
        parts = {"train": corpus.train, "valid": corpus.valid, "test": corpus.test}
        self.percent = {name: 100 * float((part == UNK).mean()) for name, part in parts.items()}
        self._kind = corpus.tokenizer.kind

    def beside(self, part: str) -> str:
        """Return what to print after a perplexity of this part."""
        percent = self.percent[part]
        return f" ({percent:.0f} % <unk>)" if percent == 0 or percent >= 0.5 else " (under 1 % <unk>)"

    def warn(self) -> None:
        """Say on stderr if a perplexity of this text cannot mean much, and what to do."""
        most = max(self.percent.values())
        if most < _MANY:
            return
        complain(f"warning: {most:.0f} % of the {SYMBOLS[self._kind]} are <unk>{_ADVICE[self._kind]}")

"""Text for language models: files of one's own, the built-in text, the Penn Treebank, words to ids.

Letters: T number of tokens, V size of the vocabulary.
"""

from fasts2s.corpus.ptb import fetch_ptb, load_ptb
from fasts2s.corpus.text import Corpus, load_text
from fasts2s.corpus.words import preprocess_line, tiny_corpus

__all__ = ["Corpus", "fetch_ptb", "load_ptb", "load_text", "preprocess_line", "tiny_corpus"]

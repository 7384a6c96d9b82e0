"""Pairs of texts from files to batches: readers, splits, tokenizers, padded batches of like lengths.

Letters: N rows of a batch, S and T steps of source and target, marks included.
"""

from fasts2s.text.batches import Batch, Batches
from fasts2s.text.characters import CharacterTokenizer
from fasts2s.text.encoding import EncodedPairs, encode_pairs, encode_texts
from fasts2s.text.marks import BOS, EOS, MARKS, PAD, UNK
from fasts2s.text.pairs import Pairs, Texts
from fasts2s.text.ragged import Ragged
from fasts2s.text.reading import read_pairs, read_texts
from fasts2s.text.splitting import split
from fasts2s.text.statistics import Side, Statistics, statistics
from fasts2s.text.subwords import SubwordTokenizer
from fasts2s.text.tokenizer import Tokenizer
from fasts2s.text.tokenizers import load_tokenizer, tokenizer_for, tokenizers_for
from fasts2s.text.words import WordTokenizer

__all__ = [
    "BOS",
    "EOS",
    "MARKS",
    "PAD",
    "UNK",
    "Batch",
    "Batches",
    "CharacterTokenizer",
    "EncodedPairs",
    "Pairs",
    "Ragged",
    "Side",
    "Statistics",
    "SubwordTokenizer",
    "Texts",
    "Tokenizer",
    "WordTokenizer",
    "encode_pairs",
    "encode_texts",
    "load_tokenizer",
    "read_pairs",
    "read_texts",
    "split",
    "statistics",
    "tokenizer_for",
    "tokenizers_for",
]

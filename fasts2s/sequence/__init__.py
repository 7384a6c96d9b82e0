"""The book's addition and date exercises: generators, loader, characters to ids, padding.

Letters: N rows, T characters of a row (its time axis), V size of the vocabulary.
"""

from fasts2s.sequence.generators import (
    ADDITION_SHA256,
    DATE_SHA256,
    addition_lines,
    date_lines,
    write_data_files,
)
from fasts2s.sequence.loading import SequenceData, decode, encode, get_vocab, load_data, load_file
from fasts2s.sequence.padding import pad_batch, unpad, valid_mask

__all__ = [
    "ADDITION_SHA256",
    "DATE_SHA256",
    "SequenceData",
    "addition_lines",
    "date_lines",
    "decode",
    "encode",
    "get_vocab",
    "load_data",
    "load_file",
    "pad_batch",
    "unpad",
    "valid_mask",
    "write_data_files",
]

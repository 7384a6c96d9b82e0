"""The first four ids of every vocabulary."""

PAD, UNK, BOS, EOS = 0, 1, 2, 3
MARKS = ("<pad>", "<unk>", "<s>", "</s>")

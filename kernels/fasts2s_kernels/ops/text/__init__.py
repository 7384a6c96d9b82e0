"""A text drawn word by word with an embedding, LSTMs and an affine map, one call for many words."""

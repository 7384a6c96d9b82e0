"""Embedding and LSTM as one, for inference: reading a source, choosing an answer."""

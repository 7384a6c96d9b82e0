"""Embedding and LSTM as one: whole sequences for training; reading a source and choosing an answer, for inference."""

"""The LSTM layer."""

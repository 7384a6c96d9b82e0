"""The Elman RNN layer."""

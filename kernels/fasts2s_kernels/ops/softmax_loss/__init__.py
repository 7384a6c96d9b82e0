"""Softmax with cross entropy."""

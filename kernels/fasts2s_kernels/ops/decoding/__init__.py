"""Choosing ids from scores: greedy, or drawn."""

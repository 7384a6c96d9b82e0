"""Dot-product attention."""

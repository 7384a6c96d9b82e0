"""Clipping, and the updates of all optimisers."""

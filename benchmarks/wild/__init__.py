"""Folders in which readers of the book keep their own version of its code: what is in them, what is the same."""

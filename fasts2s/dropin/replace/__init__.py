"""Putting replacements into the book's classes, what they look at before a call, and how all comes back."""

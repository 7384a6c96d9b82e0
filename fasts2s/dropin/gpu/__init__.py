"""The book's own GPU mode on a current CuPy: switched on, and repaired."""

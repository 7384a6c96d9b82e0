"""Running a script, a module or a notebook's cells with the drop-in, and what is said about it."""

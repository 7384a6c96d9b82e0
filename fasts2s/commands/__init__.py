"""The sub-commands of the console script ``fasts2s``, one file each; :mod:`fasts2s.cli` holds the parser."""

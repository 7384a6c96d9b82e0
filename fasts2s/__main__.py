"""``python -m fasts2s script.py``: run a script of the book, faster. See :mod:`fasts2s.dropin.run.launch`."""

import sys

from fasts2s.dropin.run.launch import main

if __name__ == "__main__":
    sys.exit(main())

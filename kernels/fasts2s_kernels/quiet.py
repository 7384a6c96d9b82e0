"""How arithmetic treats NaN and infinity: they go through to the result and make no warning.

A compiled kernel cannot warn, and a program that turns warnings into errors would get them as exceptions out of a
forward.
"""

import numpy as np

#: Decorator of functions that compute.
quiet = np.errstate(all="ignore")

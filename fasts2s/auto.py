"""``import fasts2s.auto`` as the first line of a script: the drop-in, for who cannot change how it is started."""

from fasts2s import dropin

dropin.patch()

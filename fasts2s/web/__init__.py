"""The page of ``fasts2s serve``: trained models, asked from a browser on the same machine.

What knows no web is :mod:`~fasts2s.web.questions` (what may be asked), :mod:`~fasts2s.web.models` (who answers),
:mod:`~fasts2s.web.letters` (symbol by symbol) and :mod:`~fasts2s.web.folders`. What needs the extra ``web`` has names
that begin with an underscore.
"""

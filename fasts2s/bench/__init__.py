"""The benchmark suite: what ``fasts2s bench`` and the files of ``benchmarks/`` measure, how, and how it is shown.

A case (:mod:`~fasts2s.bench.cases`) is computed by contestants (:mod:`~fasts2s.bench.peers`), each in a process of
its own. The gate compares what they computed with a float64 reference; who passes is timed in turn with the others.
What comes out is a :class:`~fasts2s.bench.results.Result`, from which all tables, charts and comparisons are made.
"""

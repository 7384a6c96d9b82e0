"""Results that are not as one expects them; all of them must be shown."""

from dataclasses import replace

from fasts2s.bench.results import Curve
from tests.bench.results_of import curves, made_up, row

#: Whatever means something in HTML, in Markdown, in mathematical text, or nothing on a terminal.
EVIL = "<b>\"x\" & 'y'</b> | a_b*c* `d` $\\frac{e$ [f](g) </script><script>alert(1)</script>\n\x07 한글 _"


def _evil():
    info = {
        "sweep": EVIL,
        "letter": EVIL,
        "base": EVIL,
        "gflops": "many",
        "peak_share": EVIL,
        "settings": {EVIL: EVIL},
    }
    rows = [row("scaling", f"{EVIL} {k}", EVIL, 1.0 + k, info={**info, "size": k + 1}) for k in range(4)]
    rows += [
        row(group, EVIL, name, 1.0, ratio)
        for group in ("steps", "start")
        for name, ratio in ((EVIL, None), ("b|<", 2.0))
    ]
    fields = {
        "plan": EVIL,
        "started": EVIL,
        "machine": {"processor": EVIL, EVIL: EVIL, "load_before": EVIL},
        "versions": {EVIL: EVIL},
        "method": {EVIL: EVIL, "steps": EVIL},
        "failures": [EVIL],
        "curves": [replace(one, model=EVIL, contestant=EVIL) for one in curves(1, 3)],
    }
    return made_up(groups=(), **fields, more=()), rows


def _nothing(**fields):
    empty = {"machine": {}, "versions": {}, "method": {}, "anchors": [], "drift": 0.0, "curves": []}
    return made_up(groups=(), **{**empty, **fields})


def _zero():
    none = {"low": 0.0, "high": 0.0, "noise": 0.0, "rounds": (0.0, 0.0), "ratio_low": 0.0, "ratio_high": 0.0}
    result = made_up(contestants=("numba", "numpy"), seeds=0)
    return replace(result, rows=[replace(one, value=0.0, ratio=one.ratio and 0.0, **none) for one in result.rows])


def odd_results():
    """Return name -> result."""
    usual = made_up(contestants=("numba", "numpy"), groups=("steps", "layers", "memory", "scaling"), seeds=1)
    evil, rows = _evil()
    stopped = Curve("Seq2seq", True, 0, "numba", (), (), ())
    return {
        "nothing": _nothing(),
        "failures only": _nothing(failures=["numba does not start"]),
        "one contestant": made_up(contestants=("numba",)),
        "a stranger": made_up(contestants=("Somebody else",)),
        "no numba": made_up(contestants=("PyTorch", "book")),
        "many": made_up(contestants=("numba", "numpy", "cupy", "PyTorch", "PyTorch compiled", "JAX", "book")),
        "no ratio": replace(
            usual, rows=[replace(r, ratio=None, ratio_low=None, ratio_high=None) for r in usual.rows]
        ),
        "ratio without quartiles": replace(
            usual, rows=[replace(r, ratio_low=None, ratio_high=None) for r in usual.rows]
        ),
        "no rounds": replace(usual, rows=[replace(r, rounds=()) for r in usual.rows]),
        "no info": replace(usual, rows=[replace(r, info={}) for r in usual.rows]),
        "no curves": made_up(seeds=0),
        "one seed, one epoch": made_up(seeds=1, epochs=1),
        "an empty curve": _nothing(curves=[stopped]),
        "curves only": made_up(groups=()),
        "the peak alone": _nothing(rows=[row("layers", "LSTM", "FMA peak", 0.1)]),
        "another base in one line": made_up(
            groups=("steps",), more=(row("steps", "odd", "numpy", 1.0), row("steps", "odd", "book", 2.0, 2.0))
        ),
        "zeros": _zero(),
        "evil": replace(evil, rows=rows),
    }
